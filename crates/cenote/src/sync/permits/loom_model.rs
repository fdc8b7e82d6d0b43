//! Takers and deaths in every interleaving with up to three preemptions.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use super::super::model::{ONE, Room, THREE, TWO, beside, explore};
use super::*;

fn take(room: &Room, me: Holder, permits: u32) {
    let taken = acquire(room.words(), room, me, permits, Wait::Forever).unwrap();
    assert_eq!(taken, Shared::Taken(Taken::Yes));
}

fn give_back(room: &Room, me: Holder) {
    assert!(shares::give_back(room.words(), room, me));
}

#[test]
fn loom_no_more_than_there_are_and_all_get_their_turn() {
    explore(3, || {
        let room = Arc::new(Room::new());
        let inside = Arc::new(AtomicU32::new(0));
        let work = |me, inside: Arc<AtomicU32>| {
            move |room: &Room| {
                take(room, me, 1);
                // Relaxed: the permit orders it.
                assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                inside.fetch_sub(1, Ordering::Relaxed);
                give_back(room, me);
            }
        };
        let other = beside(&room, work(TWO, Arc::clone(&inside)));
        work(ONE, inside)(&room);
        other.join().unwrap();
        assert_eq!(shares::living(&*room, ONE), Ok(0));
    });
}

#[test]
fn loom_of_two_permits_two_are_had_at_once() {
    explore(2, || {
        let room = Arc::new(Room::new());
        let other = beside(&room, |room| take(room, TWO, 2));
        take(&room, ONE, 2);
        other.join().unwrap();
        assert_eq!(shares::living(&*room, ONE), Ok(2));
        let third = acquire(room.words(), &*room, THREE, 2, Wait::Try).unwrap();
        assert_eq!(third, Shared::Taken(Taken::TimedOut));
    });
}

#[test]
fn loom_the_permit_of_who_dies_comes_back() {
    explore(3, || {
        let room = Arc::new(Room::new());
        take(&room, ONE, 1);
        let other = beside(&room, |room| take(room, TWO, 1));
        room.die();
        other.join().unwrap();
        assert_eq!(shares::living(&*room, THREE), Ok(1));
    });
}
