//! The server: makes the segments, fills them, and is killed while it has their locks.

use cenote::qt::image_form;
use cenote::{Guard, Segment};

use super::trouble::Trouble;
use super::wire::{Wire, timed};
use super::{GREETING, LOCK_PATIENCE, PAGE, RoleArgs, original};

pub(super) fn act(wire: &Wire, args: &RoleArgs) -> Result<(), Trouble> {
    let image = image_form::encode(&original(args.file.as_ref())?)?;
    let size = (image.len() as u64).next_multiple_of(PAGE);
    let options = Segment::options().timeout(LOCK_PATIENCE);

    wire.wait_for("create")?;
    let (picture, time) = timed(|| options.create(args.picture.as_str(), size));
    let picture = picture?;
    wire.report("created-picture", time, &[size])?;
    let (greeting, time) = timed(|| options.create(args.greeting.as_str(), PAGE));
    let greeting = greeting?;
    wire.report("created-greeting", time, &[PAGE])?;

    wire.wait_for("write")?;
    let (guards, time) = timed(|| lock_both(&picture, &greeting));
    let (picture_guard, greeting_guard) = guards?;
    wire.report("locked", time, &[])?;
    let (written, time) = timed(|| picture_guard.write_at(0, &image));
    written?;
    wire.report("wrote-picture", time, &[image.len() as u64])?;
    let text = format!("{GREETING}\0");
    let (written, time) = timed(|| greeting_guard.write_at(0, text.as_bytes()));
    written?;
    wire.report("wrote-greeting", time, &[])?;
    let (unlocked, time) = timed(|| picture_guard.unlock().and(greeting_guard.unlock()));
    unlocked?;
    wire.report("unlocked", time, &[])?;

    wire.wait_for("hold")?;
    let (guards, time) = timed(|| lock_both(&picture, &greeting));
    let _guards = guards?;
    wire.report("locked", time, &[])?;
    // Nobody says so: the parent kills this process, or is gone.
    wire.wait_for("end")
}

/// Always in this order, as everybody who takes both must.
pub(super) fn lock_both<'a>(
    picture: &'a Segment,
    greeting: &'a Segment,
) -> Result<(Guard<'a>, Guard<'a>), cenote::Error> {
    Ok((picture.lock_timeout(LOCK_PATIENCE)?, greeting.lock_timeout(LOCK_PATIENCE)?))
}
