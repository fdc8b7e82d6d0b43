//! Messages of all lengths that say who sent them and whether they are whole, and a ledger, in memory of another kind, of
//! what became of each: what the storm and the soak are made of.

use std::thread;
use std::time::Duration;

use cenote::Segment;

use super::message::Id;

/// How long anybody may have to wait, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How many receivers can have in hand at once, each.
pub(crate) const IN_HAND: usize = 2;
/// How many of what a receiver is done with it can write down before somebody has looked.
const RECORDS: u64 = 1 << 15;
const LINE: usize = 64;
const PAGE_LEN: usize = LINE + RECORDS as usize * 8;

/// A worker's page of the ledger.
pub(crate) struct Page<'a> {
    ledger: &'a Segment,
    place: usize,
}

impl<'a> Page<'a> {
    const DONE: usize = 0;
    const SEEN: usize = 8;
    const LATE: usize = 16;
    const COPIES: usize = 24;
    const HANDS: usize = 32;

    pub(crate) fn bytes_for(workers: usize) -> u64 {
        (workers * PAGE_LEN) as u64
    }

    pub(crate) fn of(ledger: &'a Segment, place: usize) -> Self {
        Self { ledger, place }
    }

    fn get(&self, at: usize) -> u64 {
        self.ledger.read_value(self.place * PAGE_LEN + at).unwrap()
    }

    fn set(&self, at: usize, value: u64) {
        self.ledger.write_value(self.place * PAGE_LEN + at, &value).unwrap();
    }

    /// Of a sender: how many it has sent. Of a receiver: how many it is done with.
    pub(crate) fn done(&self) -> u64 {
        self.get(Self::DONE)
    }

    /// How many of a receiver's came after a later one of the same sender.
    pub(crate) fn late(&self) -> u64 {
        self.get(Self::LATE)
    }

    pub(crate) fn copies(&self) -> bool {
        self.get(Self::COPIES) == 1
    }

    /// What a receiver has in hand, or had a moment ago.
    pub(crate) fn in_hand(&self) -> Vec<Id> {
        let words = (0..IN_HAND).map(|hand| self.get(Self::HANDS + 8 * hand));
        words.filter(|&word| word != 0).map(|word| Id::of_word(word - 1)).collect()
    }

    pub(super) fn hold(&self, hand: usize, id: Option<Id>) {
        self.set(Self::HANDS + 8 * hand, id.map_or(0, |id| id.to_word() + 1));
    }

    fn at(done: u64) -> usize {
        LINE + (done % RECORDS) as usize * 8
    }

    /// Writes down that a receiver is done with it.
    pub(super) fn record(&self, id: Id) {
        let done = self.done();
        while done - self.get(Self::SEEN) == RECORDS {
            thread::yield_now();
        }
        self.set(Self::at(done), id.to_word());
        self.set(Self::DONE, done + 1);
    }

    /// What a receiver is done with and nobody has looked at.
    pub(crate) fn look(&self) -> Vec<Id> {
        let (seen, done) = (self.get(Self::SEEN), self.done());
        let new = (seen..done).map(|record| Id::of_word(self.get(Self::at(record)))).collect();
        self.set(Self::SEEN, done);
        new
    }

    pub(super) fn has_sent(&self, number: u64) {
        self.set(Self::DONE, number);
    }

    pub(super) fn is_late(&self) {
        self.set(Self::LATE, self.late() + 1);
    }

    pub(super) fn will_copy(&self, copies: bool) {
        self.set(Self::COPIES, copies.into());
    }

    /// For the next one who works here.
    pub(crate) fn clear(&self) {
        (0..LINE).step_by(8).for_each(|at| self.set(at, 0));
    }
}
