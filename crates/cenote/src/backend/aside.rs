//! Taking a file's name away so that nobody who is just coming for it loses it.
//!
//! The kernel's lease proves that nobody has the file open, but does not keep its name. Who looks the name up while the lease
//! lasts has to wait, and would get a file that has lost it. So the file is renamed first: from then on nobody finds it. If
//! somebody had found it before, the lease is being broken, and the name is given back. Left is who has looked the name up
//! before the renaming and has not come to the lease [`GRACE`] later. `docs/catalog.md` has how often that was.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::reaping::{Open, Reaping, spared};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, FileFacts, Handle, Leased, Spot};

/// From looking a name up to the lease it takes a process microseconds, if it is not interrupted.
const GRACE: Duration = Duration::from_millis(2);
/// How often it is seen whether somebody has come.
const GLANCE: Duration = Duration::from_micros(20);
/// What is put before the name. What a dead process has left under such a name gets its own back.
const PREFIX: &str = ".cenote-aside.";

/// Whether anybody has the file open: true proofs only.
pub(super) fn is_open(path: &Path) -> Open {
    let Ok((file, _)) = Spot::of(path).and_then(|spot| spot.open(false)) else { return Open::Untold };
    match sys::lease(&file, || ()) {
        Leased::Alone(()) => Open::Nowhere,
        Leased::Open => Open::Somewhere,
        Leased::Refused | Leased::Uncounted => Open::Untold,
    }
}

/// Takes the name of the open file away, unless somebody has it open or comes for it, or `objection` has something against it
/// while nobody can come.
pub(super) fn take_away(
    spot: &Spot,
    file: &Handle,
    facts: &FileFacts,
    objection: impl FnOnce() -> Option<String>,
) -> Result<Reaping> {
    let work = || objection().map_or_else(|| under_lease(spot, file, facts), spared);
    match sys::lease(file, work) {
        Leased::Alone(done) => done,
        Leased::Open => spared("somebody that cannot be seen has it open or mapped"),
        Leased::Refused => Err(Error::new(
            ErrorKind::PermissionDenied,
            "only its owner and root can prove that nobody else has it open",
        )
        .with_hint("let its owner do it, or root")),
        Leased::Uncounted => spared(
            "its file system is laid over another or used by other machines, and does not tell who has it mapped",
        ),
    }
}

fn under_lease(spot: &Spot, file: &Handle, facts: &FileFacts) -> Result<Reaping> {
    if !is_it(spot, facts) {
        return spared("another has its name by now");
    }
    let aside = aside(spot)?;
    spot.rename_to_free(&aside)?;
    // Whoever came has it back at once, before others miss the name and make another under it.
    let end = Instant::now() + GRACE;
    while sys::lease_lasts(file) && Instant::now() < end {
        thread::sleep(GLANCE);
    }
    if is_it(&aside, facts) && sys::lease_lasts(file) {
        return aside.remove().map(|()| Reaping::Removed);
    }
    give_back(&aside, spot, facts)?;
    spared("somebody came for it just now")
}

fn is_it(spot: &Spot, facts: &FileFacts) -> bool {
    spot.stat().is_ok_and(|now| now.mapped() == facts.mapped())
}

/// Whoever has made another under the name meanwhile has it; then this one goes with those who opened it. What is not the file
/// stays where it is.
fn give_back(aside: &Spot, spot: &Spot, facts: &FileFacts) -> Result<()> {
    match aside.rename_to_free(spot) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_it(aside, facts) => aside.remove(),
        renamed => renamed,
    }
}

fn aside(spot: &Spot) -> Result<Spot> {
    let name = spot.name().to_str().unwrap_or_default();
    let new = format!("{PREFIX}{name}");
    if name.is_empty() || new.len() > 255 {
        return Err(Error::new(ErrorKind::KeyError, "its name is too long for another to be made of it")
            .with_hint("`cenote rm` removes it"));
    }
    Ok(spot.beside(new))
}

/// Gives the file its name back, if it was renamed here and the process that did it is dead: while it lives it has the
/// lease. True if it did. Whoever has made another under the name meanwhile has it, as in [`give_back`]: then the file goes
/// if nobody has it open, or the other could never be put aside.
pub(crate) fn heal(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(PREFIX));
    let Some((name, spot)) = name.filter(|name| !name.is_empty()).zip(Spot::of(path).ok()) else {
        return false;
    };
    if spot.is_leased() {
        return false;
    }
    match spot.rename_to_free(&spot.beside(name)) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if let Ok((file, facts)) = spot.open(false) {
                sys::lease(&file, || is_it(&spot, &facts) && spot.remove().is_ok());
            }
            false
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::address::Kind;
    use testkit::names::ShmName;

    /// `None`: this system has no leases.
    fn made(name: &ShmName) -> Option<(Spot, Handle, FileFacts)> {
        if sys::lacks(Kind::Posix).is_some() {
            return None;
        }
        File::create_new(name.path()).unwrap();
        let spot = Spot::of(&name.path()).unwrap();
        let (file, facts) = spot.open(false).unwrap();
        Some((spot, file, facts))
    }

    #[test]
    fn who_has_found_the_name_before_it_was_put_aside_gets_the_file_with_its_name() {
        let name = ShmName::unique("aside");
        let Some((spot, file, facts)) = made(&name) else { return };
        let path = name.path();
        let mut comer = None;
        let done = sys::lease(&file, || {
            comer = Some(thread::spawn(move || File::open(path).map(drop)));
            while sys::lease_lasts(&file) {
                thread::yield_now();
            }
            under_lease(&spot, &file, &facts)
        });
        comer.unwrap().join().unwrap().unwrap();
        assert!(matches!(done, Leased::Alone(Ok(Reaping::Spared(_)))));
        assert!(fs::exists(name.path()).unwrap());
    }

    #[test]
    fn what_has_taken_the_name_is_left_alone() {
        let name = ShmName::unique("aside");
        let Some((spot, file, facts)) = made(&name) else { return };
        fs::remove_file(name.path()).unwrap();
        File::create_new(name.path()).unwrap();
        assert!(matches!(take_away(&spot, &file, &facts, || None), Ok(Reaping::Spared(_))));
        assert!(fs::exists(name.path()).unwrap());
        // And the name is not given back over another one.
        let aside = aside(&spot).unwrap();
        let path = name.path().with_file_name(aside.name());
        File::create_new(&path).unwrap();
        let file = aside.stat().unwrap();
        // Nor does what is not the file go for it.
        assert_eq!(give_back(&aside, &spot, &facts).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(fs::exists(&path).unwrap());
        give_back(&aside, &spot, &file).unwrap();
        assert!(!fs::exists(&path).unwrap() && fs::exists(name.path()).unwrap());
    }

    /// Or what has the name now could not be put aside, and so not be reaped.
    #[test]
    fn what_was_left_aside_goes_when_another_has_its_name_and_nobody_has_it_open() {
        let name = ShmName::unique("aside");
        let Some((spot, file, facts)) = made(&name) else { return };
        let aside = name.path().with_file_name(aside(&spot).unwrap().name());
        fs::rename(name.path(), &aside).unwrap();
        File::create_new(name.path()).unwrap();
        assert!(!heal(&aside) && fs::exists(&aside).unwrap(), "somebody has it open");
        drop(file);
        let end = Instant::now() + Duration::from_secs(20);
        while fs::exists(&aside).unwrap() {
            assert!(!heal(&aside) && Instant::now() < end);
        }
        assert!(spot.stat().unwrap().mapped() != facts.mapped());
        let (file, facts) = spot.open(false).unwrap();
        // A child that another test is just starting may have it open.
        while take_away(&spot, &file, &facts, || None).unwrap() != Reaping::Removed {
            assert!(Instant::now() < end);
        }
    }

    #[test]
    fn who_works_on_it_is_not_healed_away() {
        let name = ShmName::unique("aside");
        let Some((spot, file, _)) = made(&name) else { return };
        let aside = name.path().with_file_name(aside(&spot).unwrap().name());
        fs::rename(name.path(), &aside).unwrap();
        let done = sys::lease(&file, || heal(&aside));
        assert!(matches!(done, Leased::Alone(false)));
        drop(file);
        assert!(heal(&aside) && fs::exists(name.path()).unwrap());
    }
}
