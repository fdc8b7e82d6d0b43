//! The same misuse on both sides: which error Qt has for it, and which is ours.

use cenote::ErrorKind::{
    AlreadyExists, InvalidSize, KeyError, LockError, NotFound, OutOfResources, Unsupported,
};
use cenote::{ErrorKind, Result, Segment};

use super::{Key, minute, peer};

/// What is tried: NAME and SIZE.
#[derive(Clone, Copy)]
enum Try<'a> {
    Create(&'a Key, i64),
    Attach(&'a Key),
}

impl Try<'_> {
    fn as_command(self) -> String {
        match self {
            Self::Create(key, size) => format!("create {} {size}", key.word),
            Self::Attach(key) => format!("attach {}", key.word),
        }
    }

    fn as_ours(self) -> Result<Segment> {
        match self {
            // A size of ours has no sign.
            Self::Create(key, size) => Segment::create(&*key.address, size.cast_unsigned()),
            Self::Attach(key) => Segment::attach(&*key.address),
        }
    }
}

fn of(address: &str, word: &str) -> Key {
    Key { address: address.to_owned(), word: word.to_owned() }
}

#[test]
fn the_same_misuse_is_the_same_error_or_a_better_one() {
    let _watchdog = minute();
    let (Some(mut qt), Some(mut events)) = (peer(), peer()) else { return };
    let (there, missing, native) = (Key::legacy(), Key::legacy(), Key::native());
    let _there = Segment::create(&*there.address, 64).unwrap();
    let event = testkit::names::unique("event");
    events.ask(&format!("make-event {event}")).expect_ok();
    let event = of(&format!("qt:windows:{event}"), &format!("native:windows:{event}"));
    let folder = of(r"qt:windows:no\folder", r"native:windows:no\folder");
    let (empty, nameless) = (of("qt:", ""), of("qt:windows:", "native:windows:"));
    let (posix, systemv) = (of("qt:posix:/x", "native:posix:/x"), of("qt:systemv:/x", "native:systemv:/x"));

    // `Unknown` is Qt's word for what it does not look into.
    let table: &[(Try<'_>, &str, ErrorKind)] = &[
        (Try::Create(&there, 64), "AlreadyExists", AlreadyExists),
        (Try::Attach(&missing), "NotFound", NotFound),
        (Try::Attach(&native), "NotFound", NotFound),
        (Try::Create(&missing, 0), "InvalidSize", InvalidSize),
        (Try::Create(&native, 0), "InvalidSize", InvalidSize),
        (Try::Create(&missing, -1), "InvalidSize", InvalidSize),
        (Try::Create(&missing, 1 << 50), "OutOfResources", OutOfResources),
        (Try::Create(&empty, 64), "KeyError", KeyError),
        (Try::Attach(&empty), "KeyError", KeyError),
        (Try::Create(&nameless, 64), "KeyError", KeyError),
        (Try::Attach(&nameless), "KeyError", KeyError),
        (Try::Create(&event, 64), "Unknown", AlreadyExists),
        (Try::Attach(&event), "Unknown", KeyError),
        (Try::Create(&folder, 64), "Unknown", KeyError),
        (Try::Attach(&folder), "Unknown", KeyError),
        (Try::Create(&posix, 64), "KeyError", Unsupported),
        (Try::Attach(&systemv), "KeyError", Unsupported),
    ];
    for &(what, theirs, ours) in table {
        let command = what.as_command();
        qt.ask(&command).expect_error(theirs);
        let error = what.as_ours().unwrap_err();
        assert_eq!(error.kind(), ours, "{command}: {error}");
        assert!(!error.hint().is_empty());
    }
    // None of it left anything.
    for key in [&missing, &native] {
        qt.ask(&format!("create {} 64", key.word)).expect_ok();
    }
}

/// Qt fails at once, ours when somebody locks: the memory can be had.
#[test]
fn an_object_of_another_kind_in_the_place_of_the_lock_leaves_the_memory_to_ours() {
    let _watchdog = minute();
    let (Some(mut qt), key) = (peer(), Key::legacy()) else { return };
    let name = cenote::qt::legacy_semaphore_name(&key.word);
    qt.ask(&format!("make-event {name}")).expect_ok();
    qt.ask(&format!("create {} 64", key.word)).expect_error("Unknown");
    let ours = Segment::create(&*key.address, 64).unwrap();
    qt.ask(&format!("attach {}", key.word)).expect_error("Unknown");
    ours.write_at(0, b"without a lock").unwrap();
    let error = ours.lock().unwrap_err();
    assert_eq!(error.kind(), LockError, "{error}");
    assert!(error.to_string().contains("another kind"), "{error}");
}

#[test]
fn qts_object_keeps_its_error_and_refuses_what_ours_cannot_be_asked() {
    let _watchdog = minute();
    let (Some(mut qt), key) = (peer(), Key::legacy()) else { return };
    qt.ask(&format!("attach {}", key.word)).expect_error("NotFound");
    assert_eq!(qt.ask("error").expect_ok(), "5");
    // A lock is there although nothing is attached.
    qt.ask("unlock").expect_error("NotFound");
    qt.ask(&format!("create {} 64", key.word)).expect_ok();
    assert_eq!(qt.ask("is-attached").expect_ok(), "true");
    // Attached already: false, and no error.
    qt.ask(&format!("attach {}", key.word)).expect_error("Unknown");
    assert_eq!(qt.ask("error").expect_ok(), "0");
    qt.ask("lock").expect_ok();
    qt.ask("lock").expect_ok();
    qt.ask("unlock").expect_ok();
    // What is detached under its own lock gives it back on the way.
    qt.ask("lock").expect_ok();
    qt.ask("detach").expect_ok();
    let ours = Segment::create(&*key.address, 64).unwrap();
    drop(ours.try_lock().unwrap().expect("it is free"));
    qt.finish();
}
