//! Readers, writers and deaths in every interleaving with up to three preemptions.

#![allow(unsafe_code)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::super::Sleeper;
use super::super::model::{ONE, Room, THREE, TWO, explore};
use super::*;

struct Book {
    room: Room,
    pages: UnsafeCell<u32>,
}

impl Book {
    fn new() -> Arc<Self> {
        Arc::new(Self { room: Room::new(), pages: UnsafeCell::new(0) })
    }

    fn begin_reading(&self, me: Holder) -> Taken {
        match read(self.room.words(), &self.room, me, Wait::Forever).unwrap() {
            Shared::Taken(taken) => taken,
            Shared::Full => panic!("there is room for more"),
        }
    }

    fn look(&self) -> u32 {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.pages.with(|pages| unsafe { *pages })
    }

    fn read(&self, me: Holder) -> (Taken, u32) {
        let taken = self.begin_reading(me);
        let seen = self.look();
        assert!(shares::give_back(self.room.words(), &self.room, me));
        (taken, seen)
    }

    fn begin_writing(&self, me: Holder) -> Taken {
        let taken = write(self.room.words(), &self.room, me, Wait::Forever).unwrap();
        // SAFETY: loom checks that nobody else is in here.
        self.pages.with_mut(|pages| unsafe { *pages += 1 });
        taken
    }

    fn write(&self, me: Holder) -> Taken {
        let taken = self.begin_writing(me);
        assert!(lock::release(&self.room.word, me, false, |word| self.room.wake_one(word)));
        taken
    }
}

fn beside<T: 'static>(book: &Arc<Book>, work: impl Fn(&Book) -> T + 'static) -> loom::thread::JoinHandle<T> {
    let book = Arc::clone(book);
    loom::thread::spawn(move || work(&book))
}

#[test]
fn loom_who_writes_is_alone_and_all_get_their_turn() {
    explore(3, || {
        let book = Book::new();
        let reader = beside(&book, |book| book.read(TWO));
        let writer = beside(&book, |book| book.write(THREE));
        book.write(ONE);
        assert_eq!(reader.join().unwrap().0, Taken::Yes);
        assert_eq!(writer.join().unwrap(), Taken::Yes);
        assert_eq!(book.read(ONE), (Taken::Yes, 2));
    });
}

#[test]
fn loom_readers_read_together() {
    explore(3, || {
        let book = Book::new();
        let other = beside(&book, |book| book.read(TWO));
        assert_eq!(book.begin_reading(ONE), Taken::Yes);
        // While the first still reads.
        assert_eq!(other.join().unwrap(), (Taken::Yes, 0));
        assert!(shares::give_back(book.room.words(), &book.room, ONE));
    });
}

#[test]
fn loom_a_reader_that_dies_keeps_no_writer_out() {
    explore(3, || {
        let book = Book::new();
        let writer = beside(&book, |book| book.write(TWO));
        assert_eq!(book.begin_reading(ONE), Taken::Yes);
        book.look();
        book.room.die();
        assert_eq!(writer.join().unwrap(), Taken::Yes);
    });
}

#[test]
fn loom_a_writer_that_dies_is_told_of_until_somebody_writes() {
    explore(2, || {
        let book = Book::new();
        let reader = beside(&book, |book| book.read(TWO));
        book.begin_writing(ONE);
        book.room.die();
        let (taken, seen) = reader.join().unwrap();
        // Either it came before, or it was told.
        assert_eq!(taken == Taken::Abandoned, seen == 1);
        assert_eq!(book.read(THREE), (Taken::Abandoned, 1));
        assert_eq!(book.write(THREE), Taken::Abandoned);
        assert_eq!(book.read(THREE), (Taken::Yes, 2));
    });
}
