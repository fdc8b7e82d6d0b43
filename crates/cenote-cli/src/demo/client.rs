//! The client: attaches read-only, takes out what is there, and outlives the server.

use cenote::Segment;
use cenote::qt::image_form;

use super::server::lock_both;
use super::trouble::Trouble;
use super::wire::{Wire, timed};
use super::{GREETING, LOCK_PATIENCE, RoleArgs};

pub(super) fn act(wire: &Wire, args: &RoleArgs) -> Result<(), Trouble> {
    let options = Segment::options().read_only().timeout(LOCK_PATIENCE);
    let Some(file) = &args.file else {
        return Err(Trouble::unexpected("the client was not told where to put the picture"));
    };

    wire.wait_for("attach")?;
    let (qt, time) = timed(|| options.attach(args.qt.as_str()));
    let qt = qt?;
    wire.report("attached-qt", time, &[])?;
    let (posix, time) = timed(|| options.attach(args.posix.as_str()));
    let posix = posix?;
    wire.report("attached-posix", time, &[])?;

    wire.wait_for("read")?;
    let (guards, time) = timed(|| lock_both(&qt, &posix));
    let guards = guards?;
    wire.report("locked", time, &[])?;
    let (before, time) = timed(|| read_both(&qt, &posix));
    let before = before?;
    wire.report("read", time, &[])?;
    // Decoding takes its time; the copy is the client's own.
    drop(guards);
    let (picture, time) = timed(|| image_form::decode(&before));
    let Some(picture) = picture? else {
        return Err(Trouble::unexpected(format!("{} holds no picture", qt.address())));
    };
    wire.report("decoded", time, &[picture.width().into(), picture.height().into()])?;
    let (saved, time) = timed(|| image_form::save(&picture, file));
    saved?;
    wire.report("saved", time, &[])?;

    wire.wait_for("wait")?;
    let ((first, second), time) = timed(|| (qt.try_lock(), posix.try_lock()));
    for (segment, taken) in [(&qt, first?), (&posix, second?)] {
        if taken.is_some() {
            return Err(Trouble::unexpected(format!("the lock of {} was free", segment.address())));
        }
    }
    wire.report("refused", time, &[])?;
    let (qt_guard, time) = timed(|| qt.lock_timeout(LOCK_PATIENCE));
    let qt_guard = qt_guard?;
    wire.report("entered-qt", time, &[])?;
    let (posix_guard, time) = timed(|| posix.lock_timeout(LOCK_PATIENCE));
    let posix_guard = posix_guard?;
    wire.report("entered-posix", time, &[])?;
    let (after, time) = timed(|| read_both(&qt, &posix));
    if after? != before {
        return Err(Trouble::unexpected("what is in the segments has changed"));
    }
    wire.report("read", time, &[])?;

    wire.wait_for("detach")?;
    qt_guard.unlock()?;
    posix_guard.unlock()?;
    let (detached, time) = timed(|| qt.detach());
    detached?;
    wire.report("detached-qt", time, &[])?;
    posix.detach()?;
    Ok(())
}

/// Copies the picture, and checks the greeting. Called with both locks held.
fn read_both(qt: &Segment, posix: &Segment) -> Result<Vec<u8>, Trouble> {
    let greeting = posix.read_to_vec(..=GREETING.len())?;
    if greeting.strip_suffix(b"\0") != Some(GREETING.as_bytes()) {
        let text = String::from_utf8_lossy(&greeting);
        return Err(Trouble::unexpected(format!("{} says {text:?}, and not {GREETING:?}", posix.address())));
    }
    Ok(qt.read_to_vec(..)?)
}
