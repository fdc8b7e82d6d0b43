//! The server: makes the segments, fills them, and is killed while it has their locks.

use cenote::qt::image_form;
use cenote::{Guard, Segment};

use super::trouble::Trouble;
use super::wire::{Wire, timed};
use super::{GREETING, LOCK_PATIENCE, PAGE, RoleArgs, original};

pub(super) fn act(wire: &Wire, args: &RoleArgs) -> Result<(), Trouble> {
    let picture = image_form::encode(&original(args.file.as_ref())?)?;
    let qt_size = (picture.len() as u64).next_multiple_of(PAGE);
    let options = Segment::options().timeout(LOCK_PATIENCE);

    wire.wait_for("create")?;
    let (qt, time) = timed(|| options.create(args.qt.as_str(), qt_size));
    let qt = qt?;
    wire.report("created-qt", time, &[qt_size])?;
    let (posix, time) = timed(|| options.create(args.posix.as_str(), PAGE));
    let posix = posix?;
    wire.report("created-posix", time, &[PAGE])?;

    wire.wait_for("write")?;
    let (guards, time) = timed(|| lock_both(&qt, &posix));
    let (qt_guard, posix_guard) = guards?;
    wire.report("locked", time, &[])?;
    let (written, time) = timed(|| qt_guard.write_at(0, &picture));
    written?;
    wire.report("wrote-picture", time, &[picture.len() as u64])?;
    let greeting = format!("{GREETING}\0");
    let (written, time) = timed(|| posix_guard.write_at(0, greeting.as_bytes()));
    written?;
    wire.report("wrote-greeting", time, &[])?;
    let (unlocked, time) = timed(|| qt_guard.unlock().and(posix_guard.unlock()));
    unlocked?;
    wire.report("unlocked", time, &[])?;

    wire.wait_for("hold")?;
    let (guards, time) = timed(|| lock_both(&qt, &posix));
    let _guards = guards?;
    wire.report("locked", time, &[])?;
    // Nobody says so: the parent kills this process, or is gone.
    wire.wait_for("end")
}

/// Always in this order, as everybody who takes both must.
pub(super) fn lock_both<'a>(
    qt: &'a Segment,
    posix: &'a Segment,
) -> Result<(Guard<'a>, Guard<'a>), cenote::Error> {
    Ok((qt.lock_timeout(LOCK_PATIENCE)?, posix.lock_timeout(LOCK_PATIENCE)?))
}
