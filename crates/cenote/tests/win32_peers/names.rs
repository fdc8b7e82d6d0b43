//! All kernel objects share their names: what happens where another kind of object has one.

use cenote::{ErrorKind, Segment};

use super::{at, minute, peer, unique};

#[test]
fn a_name_that_an_event_has_is_refused_in_words() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("make-event {name}")).expect_ok();
    let error = Segment::create(at(&name), 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(error.to_string().contains("another kind"), "{error}");
    let error = Segment::attach(at(&name)).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::NotFound, "something is there: {error}");
    assert!(error.to_string().contains("another kind"), "{error}");
    let error = Segment::open_or_create(at(&name), 4096).unwrap_err();
    assert!(error.to_string().contains("another kind"), "{error}");

    peer.finish();
    Segment::create(at(&name), 4096).expect("with its last handle the name is free");
}

#[test]
fn our_name_is_taken_for_their_events() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    let segment = Segment::create(at(&name), 4096).unwrap();
    peer.ask(&format!("make-event {name}")).expect_error("KeyError");
    drop(segment);
    peer.ask(&format!("make-event {name}")).expect_ok();
}

#[test]
fn an_event_in_the_place_of_the_lock_leaves_the_memory() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("make-event {name}.cenote-lock")).expect_ok();
    let segment = Segment::create(at(&name), 4096).unwrap();
    segment.write_at(0, b"without a lock").unwrap();
    let error = segment.lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    assert!(error.to_string().contains("another kind"), "{error}");
}

#[test]
fn names_are_as_long_and_as_foreign_as_theirs() {
    let _watchdog = minute();
    let Some(mut peer) = peer() else { return };
    for tail in ["é-ж-日本", &"x".repeat(150)] {
        let name = format!("{}-{tail}", unique());
        let segment = Segment::create(at(&name), 4096).unwrap();
        segment.write_at(0, &[0x2a]).unwrap();
        peer.ask(&format!("attach {name}")).expect_ok();
        assert_eq!(peer.ask("read 0 1").expect_ok(), "2a");
        peer.ask("detach").expect_ok();
    }
}
