//! The client: attaches, takes out what is there, and outlives the server.

use cenote::qt::image_form;
use cenote::{Abandoned, Segment};

use super::server::lock_both;
use super::trouble::Trouble;
use super::wire::{Wire, timed};
use super::{GREETING, LOCK_PATIENCE, RoleArgs};
use crate::platform;

pub(super) fn act(wire: &Wire, args: &RoleArgs) -> Result<(), Trouble> {
    let options = Segment::options().timeout(LOCK_PATIENCE);
    let read_only = options.clone().read_only();
    let Some(file) = &args.file else {
        return Err(Trouble::unexpected("the client was not told where to put the picture"));
    };

    wire.wait_for("attach")?;
    let (picture, time) = timed(|| read_only.attach(args.picture.as_str()));
    let picture = picture?;
    wire.report("attached-picture", time, &[])?;
    let how = if platform::GREETING_IS_READ_ONLY { read_only } else { options };
    let (greeting, time) = timed(|| how.attach(args.greeting.as_str()));
    let greeting = greeting?;
    wire.report("attached-greeting", time, &[])?;

    wire.wait_for("read")?;
    let (guards, time) = timed(|| lock_both(&picture, &greeting));
    let guards = guards?;
    wire.report("locked", time, &[])?;
    let (before, time) = timed(|| read_both(&picture, &greeting));
    let before = before?;
    wire.report("read", time, &[])?;
    // Decoding takes its time; the copy is the client's own.
    drop(guards);
    let (image, time) = timed(|| image_form::decode(&before));
    let Some(image) = image? else {
        return Err(Trouble::unexpected(format!("{} holds no picture", picture.address())));
    };
    wire.report("decoded", time, &[image.width().into(), image.height().into()])?;
    let (saved, time) = timed(|| image_form::save(&image, file));
    saved?;
    wire.report("saved", time, &[])?;

    wire.wait_for("wait")?;
    let ((first, second), time) = timed(|| (picture.try_lock(), greeting.try_lock()));
    for (segment, taken) in [(&picture, first?), (&greeting, second?)] {
        if taken.is_some() {
            return Err(Trouble::unexpected(format!("the lock of {} was free", segment.address())));
        }
    }
    wire.report("refused", time, &[])?;
    let (picture_guard, time) = timed(|| picture.lock_timeout(LOCK_PATIENCE));
    let picture_guard = picture_guard?;
    let told = picture_guard.abandoned() == Abandoned::Yes;
    wire.report("entered-picture", time, &[told.into()])?;
    let (greeting_guard, time) = timed(|| greeting.lock_timeout(LOCK_PATIENCE));
    let greeting_guard = greeting_guard?;
    let told = greeting_guard.abandoned() == Abandoned::Yes;
    wire.report("entered-greeting", time, &[told.into()])?;
    let (after, time) = timed(|| read_both(&picture, &greeting));
    if after? != before {
        return Err(Trouble::unexpected("what is in the segments has changed"));
    }
    wire.report("read", time, &[])?;

    wire.wait_for("detach")?;
    picture_guard.unlock()?;
    greeting_guard.unlock()?;
    let (detached, time) = timed(|| picture.detach().and(greeting.detach()));
    detached?;
    wire.report("detached", time, &[])?;
    Ok(())
}

/// Copies the picture, and checks the greeting. Called with both locks held.
fn read_both(picture: &Segment, greeting: &Segment) -> Result<Vec<u8>, Trouble> {
    let text = greeting.read_to_vec(..=GREETING.len())?;
    if text.strip_suffix(b"\0") != Some(GREETING.as_bytes()) {
        let text = String::from_utf8_lossy(&text);
        return Err(Trouble::unexpected(format!(
            "{} says {text:?}, and not {GREETING:?}",
            greeting.address()
        )));
    }
    Ok(picture.read_to_vec(..)?)
}
