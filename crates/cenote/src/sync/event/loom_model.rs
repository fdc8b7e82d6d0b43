//! Setting, waiting and taking in every interleaving with up to three preemptions.

use loom::sync::Arc;

use super::super::model::{Room, beside, explore};
use super::*;

#[test]
fn loom_who_waits_is_woken() {
    explore(3, || {
        let room = Arc::new(Room::new());
        let waiters = [(); 2].map(|()| beside(&room, |room| wait(&room.word, room, Wait::Forever)));
        assert!(set(&room.word, &*room));
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
        assert!(is_set(&room.word));
    });
}

/// The event as something that is handed on.
#[test]
fn loom_each_time_it_is_set_one_takes_it() {
    explore(3, || {
        let room = Arc::new(Room::new());
        let takers = [(); 2].map(|()| {
            beside(&room, |room| {
                assert!(take(&room.word, room, Wait::Forever));
                room.change_data();
                set(&room.word, room);
            })
        });
        set(&room.word, &*room);
        for taker in takers {
            taker.join().unwrap();
        }
        assert!(take(&room.word, &*room, Wait::Try));
        assert_eq!(room.change_data(), 3);
    });
}
