//! Waiting and notifying in every interleaving with up to three preemptions.

use loom::sync::Arc;

use super::super::lock;
use super::super::model::{ONE, Room, TWO, beside, explore};
use super::*;

/// With the lock in the room's first word, and the condition variable in its second: what is waited for is in `shares`.
fn wait_for_it(room: &Room) {
    lock::acquire(&room.word, room, TWO, Wait::Forever).unwrap();
    while !room.is_done() {
        let listened = listen(&room.turns);
        lock::release(&room.word, TWO, false, |word| room.wake_one(word));
        assert!(wait(&room.turns, room, listened, Wait::Forever));
        lock::acquire(&room.word, room, TWO, Wait::Forever).unwrap();
    }
    lock::release(&room.word, TWO, false, |word| room.wake_one(word));
}

#[test]
fn loom_who_waits_is_notified() {
    explore(3, || {
        let room = Arc::new(Room::new());
        let waiter = beside(&room, wait_for_it);
        lock::acquire(&room.word, &*room, ONE, Wait::Forever).unwrap();
        room.do_it();
        lock::release(&room.word, ONE, false, |word| room.wake_one(word));
        notify(&room.turns, &*room);
        waiter.join().unwrap();
    });
}
