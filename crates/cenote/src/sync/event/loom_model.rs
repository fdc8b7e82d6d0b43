//! Setting, waiting and taking in every interleaving with up to three preemptions.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU32;

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
        let inside = Arc::new(AtomicU32::new(0));
        let takers = [(); 2].map(|()| {
            let inside = Arc::clone(&inside);
            beside(&room, move |room| {
                assert!(take(&room.word, room, Wait::Forever));
                // Relaxed: the event orders it.
                assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                inside.fetch_sub(1, Ordering::Relaxed);
                set(&room.word, room);
            })
        });
        set(&room.word, &*room);
        for taker in takers {
            taker.join().unwrap();
        }
        assert!(is_set(&room.word));
    });
}
