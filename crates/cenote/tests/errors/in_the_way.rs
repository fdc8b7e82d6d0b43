//! Something else stands where the segment should be: named, left alone, and never waited for.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use cenote::{ErrorKind, Result, Segment};
use testkit::names::{TempDir, unique};

use super::{Place, Says, minute};

/// Something that is no file; it goes when this is dropped.
struct Obstacle(PathBuf);

/// What it can be, as errors call it.
const OBSTACLES: [&str; 5] =
    ["a directory", "a symbolic link", "a dangling symbolic link", "a FIFO", "a socket"];

impl Obstacle {
    /// Puts `what` at `path`; a link that does not dangle leads to `target`.
    fn put(what: &str, path: &Path, target: &Path) -> Self {
        match what {
            "a directory" => fs::create_dir(path).unwrap(),
            "a symbolic link" => symlink(target, path).unwrap(),
            "a dangling symbolic link" => symlink(path.with_extension("missing"), path).unwrap(),
            "a FIFO" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            _ => drop(UnixListener::bind(path).unwrap()),
        }
        Self(path.to_owned())
    }

    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.0).is_ok()
    }
}

impl Drop for Obstacle {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir(&self.0));
    }
}

fn attach_read_only(address: &str) -> Result<Segment> {
    Segment::options().read_only().attach(address)
}

/// A file that a link can lead to, and that nobody must change.
fn innocent(folder: &TempDir) -> PathBuf {
    let path = folder.join("innocent");
    fs::write(&path, "innocent").unwrap();
    path
}

const HINT: &[&str] = &["another name", "move away"];

#[test]
fn what_is_no_file_is_named_when_a_posix_segment_is_wanted() {
    let _watchdog = minute();
    for what in OBSTACLES {
        let folder = TempDir::new();
        let target = innocent(&folder);
        let name = unique("way");
        let obstacle = Obstacle::put(what, &Path::new("/dev/shm").join(&name), &target);
        let address = &format!("posix:/{name}");
        let seen = what.replace("dangling ", "");
        let taken = Says { kind: ErrorKind::AlreadyExists, reason: &[&seen, "stands there"], hint: HINT };
        taken.check("create", address, Segment::create(address, 64));
        taken.check("create", address, Segment::create(address, 4 << 20));
        let no_file = Says { kind: ErrorKind::KeyError, ..taken };
        // Anybody may put a link there.
        let link = Says {
            kind: ErrorKind::Untrusted,
            reason: &["a symbolic link", "not followed"],
            hint: &["who made it", "file:"],
        };
        let expected = if what.ends_with("link") { link } else { no_file };
        expected.check("attach", address, Segment::attach(address));
        expected.check("attach", address, attach_read_only(address));
        expected.check("attach or create", address, Segment::open_or_create(address, 64));
        assert!(obstacle.is_there(), "{what} stays");
        // As shm_unlink does, which looks at nothing but takes no directory.
        if what == "a directory" {
            no_file.check("remove", address, Segment::remove(address));
        } else {
            Segment::remove(address).unwrap();
        }
        assert_eq!(obstacle.is_there(), what == "a directory", "{what}");
        assert_eq!(fs::read(&target).unwrap(), b"innocent");
    }
}

#[test]
fn what_is_no_file_is_named_when_a_file_is_wanted() {
    let _watchdog = minute();
    for what in OBSTACLES.into_iter().filter(|what| *what != "a symbolic link") {
        let folder = TempDir::new();
        let obstacle = Obstacle::put(what, &folder.join("segment"), &folder.join("none"));
        let address = &format!("file:{}", obstacle.0.display());
        let seen = what.replace("dangling ", "");
        let taken = Says { kind: ErrorKind::AlreadyExists, reason: &[&seen, "stands there"], hint: HINT };
        taken.check("create", address, Segment::create(address, 64));
        let no_file = Says { kind: ErrorKind::KeyError, ..taken };
        no_file.check("remove", address, Segment::remove(address));
        if !what.ends_with("link") {
            no_file.check("attach", address, Segment::attach(address));
            no_file.check("attach", address, attach_read_only(address));
            no_file.check("attach or create", address, Segment::open_or_create(address, 64));
        }
        assert!(obstacle.is_there(), "{what} stays");
    }
}

#[test]
fn a_link_to_a_file_is_followed_and_only_the_link_is_refused_to_removal() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let target = innocent(&folder);
    let obstacle = Obstacle::put("a symbolic link", &folder.join("segment"), &target);
    let address = &format!("file:{}", obstacle.0.display());
    let segment = Segment::attach(address).unwrap();
    segment.write_at(0, b"I").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"Innocent");
    let says = Says { kind: ErrorKind::KeyError, reason: &["a symbolic link stands there"], hint: HINT };
    says.check("remove", address, Segment::remove(address));
    assert!(target.exists());
}

#[test]
fn a_link_that_leads_nowhere_is_said_to_do_so() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let obstacle = Obstacle::put("a dangling symbolic link", &folder.join("segment"), &folder.join("none"));
    let address = &format!("file:{}", obstacle.0.display());
    let error = Segment::attach(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    // It is there, and it does not "appear and disappear all the time".
    let error = Segment::open_or_create(address, 64).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
}

#[test]
fn what_is_no_file_is_named_when_it_is_qts_key_file_of_a_segment() {
    let _watchdog = minute();
    for what in OBSTACLES {
        let (place, folder) = (Place::qt(), TempDir::new());
        let target = innocent(&folder);
        let key = place.address().strip_prefix("qt:").unwrap();
        let path = std::env::temp_dir().join(cenote::qt::legacy_segment_name(key));
        let obstacle = Obstacle::put(what, &path, &target);
        let seen = what.replace("dangling ", "");
        let says = Says { kind: ErrorKind::KeyError, reason: &[&seen, "stands there"], hint: HINT };
        says.check("create", place.address(), Segment::create(place.address(), 64));
        says.check("attach", place.address(), Segment::attach(place.address()));
        // Above all not by following a link to somebody else's file, and so to their segment.
        says.check("remove", place.address(), Segment::remove(place.address()));
        assert!(obstacle.is_there(), "{what} stays");
    }
}

#[test]
fn what_is_no_file_is_named_when_it_is_qts_key_file_of_the_lock() {
    let _watchdog = minute();
    for what in OBSTACLES {
        let (place, folder) = (Place::qt(), TempDir::new());
        let target = innocent(&folder);
        let key = place.address().strip_prefix("qt:").unwrap();
        let path = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key));
        let seen = what.replace("dangling ", "");
        let shown = path.display().to_string();
        let says = Says {
            kind: ErrorKind::KeyError,
            reason: &["Qt's key file", &shown, &seen, "stands there"],
            hint: HINT,
        };

        let obstacle = Obstacle::put(what, &path, &target);
        says.check("create", place.address(), Segment::create(place.address(), 64));
        drop(obstacle);
        assert!(Segment::stat_of(place.address()).is_err(), "{what}: nothing is made without the lock");

        // The same with a segment that is there.
        let segment = Segment::create(place.address(), 64).unwrap();
        fs::remove_file(&path).unwrap();
        let obstacle = Obstacle::put(what, &path, &target);
        says.check("attach", place.address(), Segment::attach(place.address()));
        says.check("remove", place.address(), Segment::remove(place.address()));
        segment.write_at(0, b"still usable").unwrap();
        assert!(obstacle.is_there(), "{what} stays");
    }
}

#[test]
fn a_lock_file_that_is_none_is_named() {
    let _watchdog = minute();
    let place = Place::posix();
    let _segment = Segment::create(place.address(), 64).unwrap();
    for what in OBSTACLES {
        let folder = TempDir::new();
        let obstacle = Obstacle::put(what, &folder.join("lock"), &innocent(&folder));
        let lock = format!("file:{}", obstacle.0.display());
        let attached = Segment::options().lock_with(&lock).unwrap().attach(place.address());
        let seen = what.replace("dangling ", "");
        let says = Says { kind: ErrorKind::KeyError, reason: &[&seen, "stands there"], hint: HINT };
        says.check("lock with", &lock, attached);
    }
    Segment::remove(place.address()).unwrap();
}
