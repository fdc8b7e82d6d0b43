//! Takers and deaths in every interleaving with up to three preemptions.

use loom::sync::Arc;

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
        let work = |me| {
            move |room: &Room| {
                take(room, me, 1);
                room.change_data();
                give_back(room, me);
            }
        };
        let other = beside(&room, work(TWO));
        work(ONE)(&room);
        other.join().unwrap();
        take(&room, THREE, 1);
        assert_eq!(room.change_data(), 3);
        give_back(&room, THREE);
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
