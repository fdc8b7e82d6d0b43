//! What others put under a native name, or do to the file: refused in words, and nothing else.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment};
use testkit::system;

use super::{Name, minute};

fn kind(name: &Name) -> [ErrorKind; 3] {
    let attached = Segment::attach(name.address()).unwrap_err();
    let read = Segment::options().read_only().attach(name.address()).unwrap_err();
    let looked = Segment::stat_of(name.address()).unwrap_err();
    for error in [&attached, &read, &looked] {
        assert!(!error.hint().is_empty(), "{error}");
    }
    [attached.kind(), read.kind(), looked.kind()]
}

#[test]
fn what_is_no_file_is_not_trusted() {
    let _watchdog = minute();
    let target = Name::unique();
    let _other = Segment::create(target.address(), 64).unwrap();
    let link = Name::unique();
    symlink(target.path(), link.path()).unwrap();
    assert_eq!(kind(&link), [ErrorKind::Untrusted; 3]);
    assert!(Segment::create(link.address(), 64).is_err());

    let folder = Name::unique();
    fs::create_dir(folder.path()).unwrap();
    assert_eq!(kind(&folder), [ErrorKind::Untrusted; 3]);
    fs::remove_dir(folder.path()).unwrap();

    let fifo = Name::unique();
    assert!(Command::new("mkfifo").arg(fifo.path()).status().unwrap().success());
    assert_eq!(kind(&fifo), [ErrorKind::Untrusted; 3]);

    let socket = Name::unique();
    let _listener = UnixListener::bind(socket.path()).unwrap();
    assert_eq!(kind(&socket), [ErrorKind::Untrusted; 3]);

    // Whose they are is not known: nobody removes them, or makes a segment in their place.
    for squatted in [&link, &fifo, &socket] {
        let options = Segment::options();
        for result in [
            options.remove(squatted.address()),
            options.create(squatted.address(), 64).map(drop),
            options.open_or_create(squatted.address(), 64).map(drop),
            options.break_lock_by_force(squatted.address()).map(drop),
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Untrusted, "{}", squatted.address());
        }
        assert!(squatted.is_there());
    }
}

#[test]
fn garbage_is_corrupt_and_can_be_removed() {
    let _watchdog = minute();
    for bytes in [vec![], vec![0; 100], vec![0x2a; 20_000], b"CENOTE\r\n".to_vec()] {
        let name = Name::unique();
        fs::write(name.path(), &bytes).unwrap();
        assert_eq!(kind(&name), [ErrorKind::Corrupt; 3]);
        assert!(Segment::create(name.address(), 64).is_err(), "it is somebody's");
        Segment::remove(name.address()).unwrap();
        assert!(!name.is_there());
    }
}

#[test]
fn another_version_says_both_sides() {
    let (_watchdog, name) = (minute(), Name::unique());
    let _segment = Segment::create(name.address(), 64).unwrap();
    let file = fs::File::options().write(true).open(name.path()).unwrap();
    file.write_all_at(&2_u32.to_le_bytes(), 8).unwrap();
    let error = Segment::attach(name.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(error.to_string().contains("version 2") && error.to_string().contains("version 1"), "{error}");
}

/// The owner is in the name, and the file must be theirs.
#[test]
fn another_users_file_under_our_name_is_not_trusted() {
    let (_watchdog, name) = (minute(), Name::unique());
    drop(Segment::options().keep().create(name.address(), 64).unwrap());
    if !system::give_to_other_user(&name.path()) {
        return;
    }
    assert_eq!(kind(&name), [ErrorKind::Untrusted; 3]);
    assert_eq!(Segment::create(name.address(), 64).unwrap_err().kind(), ErrorKind::Untrusted);
}

#[test]
fn a_file_that_is_cut_costs_an_error() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 100_000).unwrap();
    let other = Segment::attach(name.address()).unwrap();
    let guard = other.lock().unwrap();
    let file = fs::File::options().write(true).open(name.path()).unwrap();
    for len in [50_000, 8192, 100, 0] {
        file.set_len(len).unwrap();
        assert_eq!(segment.read_to_vec(90_000..).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(Segment::attach(name.address()).unwrap_err().kind(), ErrorKind::Corrupt);
        // The lock is in the first page, which is there to the last.
        if len == 0 {
            assert_eq!(segment.lock().err().map(|error| error.kind()), Some(ErrorKind::Corrupt));
        }
    }
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::Corrupt);
}

/// Any word at all in the place of the lock: it ends in time, and is taken over where nobody lives.
#[test]
fn nonsense_in_the_lock_is_no_trap() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let file = fs::File::options().write(true).open(name.path()).unwrap();
    for word in [u64::MAX, 1, 2, 3, 0xffff, 0x0001_0000, 0x0200_0000, 0xdead_beef_0300_0001, 1 << 63] {
        file.write_all_at(&word.to_le_bytes(), 192).unwrap();
        let taken = segment.lock_timeout(Duration::from_millis(200));
        match taken {
            Ok(guard) => guard.unlock().unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout, "{word:#x}: {error}"),
        }
    }
}

/// Stale segments are removed by whoever comes, at the very moment that others put something else there.
#[test]
fn what_comes_in_the_place_of_a_stale_segment_is_not_taken_for_it() {
    const TIMES: u32 = 1000;
    const TIME: Duration = Duration::from_secs(3);
    let (_watchdog, name, side) = (minute(), Name::unique(), Name::unique());
    let stale = {
        let _segment = Segment::create(name.address(), 64).unwrap();
        fs::read(name.path()).unwrap()
    };
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                fs::write(side.path(), &stale).unwrap();
                fs::rename(side.path(), name.path()).unwrap();
                let _ = fs::remove_file(name.path());
                fs::create_dir(name.path()).unwrap();
                fs::remove_dir(name.path()).unwrap();
            }
        });
        let mut seen = 0;
        let kinds = || {
            // On a machine that has other things to do the two meet more rarely.
            let end = Instant::now() + TIME;
            while seen < TIMES && (seen == 0 || Instant::now() < end) {
                let error = Segment::attach(name.address()).unwrap_err();
                match error.kind() {
                    ErrorKind::NotFound => seen += u32::from(error.to_string().contains("all died")),
                    // What `fs::write` has just made is no segment yet.
                    ErrorKind::Untrusted | ErrorKind::Corrupt => {}
                    _ => return Err(error),
                }
            }
            Ok(())
        };
        let seen = catch_unwind(AssertUnwindSafe(kinds));
        enough.store(true, Ordering::Relaxed);
        seen.unwrap().unwrap();
    });
}

/// Somebody gives the name to another file whenever the door of the one before has been opened: that does not make the
/// wait begin anew.
#[test]
fn a_wait_at_the_door_is_over_in_time_though_the_name_changes_hands() {
    const DOOR: i64 = (1 << 62) - 1;
    let (_watchdog, name, side) = (minute(), Name::unique(), Name::unique());
    let good = {
        let _segment = Segment::options().keep().create(name.address(), 64).unwrap();
        fs::read(name.path()).unwrap()
    };
    let shut = || {
        fs::write(side.path(), &good).unwrap();
        let file = fs::File::options().read(true).write(true).open(side.path()).unwrap();
        system::lock_byte(&file, DOOR);
        fs::rename(side.path(), name.path()).unwrap();
        file
    };
    let (enough, mut door) = (AtomicBool::new(false), shut());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(40));
                door = shut();
            }
        });
        let options = Segment::options().timeout(Duration::from_millis(150));
        let begun = Instant::now();
        let results = [
            options.attach(name.address()).map(drop),
            options.create(name.address(), 64).map(drop),
            options.open_or_create(name.address(), 64).map(drop),
            options.remove(name.address()),
        ];
        let took = begun.elapsed();
        enough.store(true, Ordering::Relaxed);
        assert_eq!(results.map(|result| result.unwrap_err().kind()), [ErrorKind::Timeout; 4]);
        assert!(took < Duration::from_secs(3), "{took:?}");
    });
}
