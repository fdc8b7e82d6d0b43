//! What senders and receivers do in the storm, until they are killed: messages of all lengths that say who sent them and
//! whether they are whole, and a ledger, in memory of another kind, of what became of each.
//!
//! A sender writes down how many it has sent, after each. A receiver either has a message in hand, writes down that it has,
//! ends with it, and writes down that it is done: what it dies with is known then. Or it receives a copy, and writes
//! that down: then one may be lost with it.

use std::collections::HashMap;
use std::io::Write;
use std::thread;
use std::time::Duration;

use cenote::channel::Borrowed;
use cenote::{ErrorKind, Queue, Receiver, Result, Segment, Sender};
use testkit::Rng;

pub(crate) const LONGEST: usize = 4096;
/// Up to here they lie in cells.
const SHORT: usize = 112;
/// Whose, which one, and a sum of all.
const HEAD: usize = 24;
/// How long anybody may have to wait, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// Of so many messages, a worker leaves once and comes anew.
const MESSAGES_PER_COMING: u64 = 2000;

/// A message: the number of its sender, of all that there ever were, and its own, of all that this one has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) sender: u32,
    pub(crate) number: u32,
}

impl Id {
    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.sender) << 32 | u64::from(self.number)
    }

    pub(crate) fn of_word(word: u64) -> Self {
        Self { sender: (word >> 32) as u32, number: word as u32 }
    }

    /// Its bytes: every message has others, and how many there are follows from whose it is, too.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut rng = Rng::new(self.to_word());
        let range = if rng.one_in(4) { SHORT + 1..LONGEST + 1 } else { HEAD..SHORT + 1 };
        let mut bytes = vec![0; range.start + rng.below(range.len() as u64) as usize];
        rng.fill(&mut bytes[HEAD..]);
        bytes[..8].copy_from_slice(&self.to_word().to_le_bytes());
        let sum = sum(&bytes);
        bytes[16..HEAD].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Of one that was received: as a whole.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let mut checked = bytes.to_vec();
        checked[16..HEAD].fill(0);
        assert_eq!(sum(&checked), word(16), "a torn message");
        let id = Self::of_word(word(0));
        assert_eq!(bytes, id.bytes(), "{id:?} was sent as another one");
        id
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

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

    fn hold(&self, hand: usize, id: Option<Id>) {
        self.set(Self::HANDS + 8 * hand, id.map_or(0, |id| id.to_word() + 1));
    }

    fn at(done: u64) -> usize {
        LINE + (done % RECORDS) as usize * 8
    }

    /// Writes down that a receiver is done with it.
    fn record(&self, id: Id) {
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

    /// For the next one who works here.
    pub(crate) fn clear(&self) {
        (0..LINE).step_by(8).for_each(|at| self.set(at, 0));
    }
}

/// Sends until it is killed: to which address, with which ledger and place there, and its number as a sender.
pub(crate) fn send(words: &[&str]) {
    let [address, ledger, place, sender] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let page = Page::of(&ledger, place.parse().unwrap());
    let sender: u32 = sender.parse().unwrap();
    let mut rng = Rng::new(u64::from(sender));
    let mut number = 0;
    loop {
        let tx = Queue::<[u8]>::attach(*address).unwrap().sender().unwrap();
        for _ in 0..=rng.below(2 * MESSAGES_PER_COMING) {
            send_one(&tx, Id { sender, number }, &mut rng).unwrap();
            number += 1;
            page.set(Page::DONE, number.into());
        }
        tx.detach().unwrap();
    }
}

fn send_one(tx: &Sender, id: Id, rng: &mut Rng) -> Result<()> {
    let bytes = id.bytes();
    if rng.one_in(16) {
        // Not sent after all.
        drop(tx.loan(LONGEST));
    }
    if rng.one_in(3)
        && let Ok(mut loan) = tx.loan(bytes.len())
    {
        loan.write_all(&bytes).unwrap();
        if loan.try_send(0)?.is_none() {
            return Ok(());
        }
    }
    tx.send_timeout(&bytes, SOON)
}

/// Receives until it is killed: from which address, with which ledger and place there, whether there are others, and what
/// its random numbers begin with.
pub(crate) fn receive(words: &[&str]) {
    let [address, ledger, place, others, seed] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let page = Page::of(&ledger, place.parse().unwrap());
    let mut rng = Rng::new(seed.parse().unwrap());
    let copies = rng.one_in(3);
    page.set(Page::COPIES, copies.into());
    let mut reader = Reader { page, has_others: *others == "others", last: HashMap::new() };
    loop {
        let rx = Queue::<[u8]>::attach(*address).unwrap().receiver().unwrap();
        for _ in 0..=rng.below(2 * MESSAGES_PER_COMING) {
            if copies {
                reader.copy_one(&rx);
            } else {
                reader.borrow_some(&rx, &mut rng);
            }
        }
        rx.detach().unwrap();
    }
}

struct Reader<'a> {
    page: Page<'a>,
    has_others: bool,
    /// The last one of each sender.
    last: HashMap<u32, u32>,
}

impl Reader<'_> {
    fn copy_one(&mut self, rx: &Receiver) {
        if let Some(bytes) = in_time(rx.receive_timeout(SOON)) {
            let id = self.arrived(&bytes);
            self.page.record(id);
        }
    }

    fn borrow_some(&mut self, rx: &Receiver, rng: &mut Rng) {
        let Some(first) = in_time(rx.borrow_timeout(SOON)) else { return };
        let mut all = vec![self.hold(0, first)];
        if rng.one_in(4)
            && let Some(second) = rx.try_borrow().unwrap()
        {
            all.push(self.hold(1, second));
        }
        if rng.one_in(2) {
            all.reverse();
        }
        for (hand, id, borrowed) in all {
            drop(borrowed);
            self.page.record(id);
            self.page.hold(hand, None);
        }
    }

    fn hold<'b>(&mut self, hand: usize, borrowed: Borrowed<'b>) -> (usize, Id, Borrowed<'b>) {
        let id = self.arrived(&borrowed.read_to_vec(..).unwrap());
        self.page.hold(hand, Some(id));
        (hand, id, borrowed)
    }

    /// Those of one sender come in their order, but for what a dead receiver had in hand.
    fn arrived(&mut self, bytes: &[u8]) -> Id {
        let id = Id::of(bytes);
        let last = self.last.entry(id.sender).or_insert(id.number);
        if id.number < *last {
            assert!(self.has_others, "{id:?} came after {last}");
            self.page.set(Page::LATE, self.page.late() + 1);
        }
        *last = id.number.max(*last);
        id
    }
}

fn in_time<T>(result: Result<T>) -> Option<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Timeout => None,
        result => Some(result.unwrap()),
    }
}
