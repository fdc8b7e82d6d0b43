//! What senders and receivers do in the storm and in the soak, until they are killed.
//!
//! A sender writes down how many it has sent, after each. A receiver either has a message in hand, writes down that it has,
//! ends with it, and writes down that it is done: what it dies with is known then. Or it receives a copy, and writes
//! that down: then one may be lost with it.

use std::collections::HashMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use cenote::channel::{Borrowed, Item};
use cenote::{ErrorKind, Queue, Receiver, Result, Segment, Sender, Shared};
use testkit::Rng;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::message::{Id, LONGEST};
use super::traffic::{Page, SOON};

/// Of so many messages, a worker leaves once and comes anew.
const MESSAGES_PER_COMING: u64 = 2000;
/// Of so many senders a receiver knows the last message: of those before them nothing can come any more.
const SENDERS_KNOWN: usize = 4096;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goods {
    /// Bytes, of all lengths.
    Bytes,
    /// Values of a type that lie in cells, and of one that do not.
    Short,
    Long,
}

/// A value's first words are those of all messages.
#[derive(Clone, Copy, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Short {
    head: [u64; 3],
    rest: [u64; 3],
}

#[derive(Clone, Copy, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Long {
    head: [u64; 3],
    rest: [u64; 125],
}

impl Goods {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Short => "short",
            Self::Long => "long",
        }
    }

    /// How many bytes each has, if all have as many.
    pub(crate) fn len(self) -> Option<usize> {
        match self {
            Self::Bytes => None,
            Self::Short => Some(size_of::<Short>()),
            Self::Long => Some(size_of::<Long>()),
        }
    }
}

/// Sends until it is killed: to which address, with which ledger and place there, its number as a sender, and what.
pub(crate) fn send(words: &[&str]) {
    let [address, ledger, place, sender, goods] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let page = Page::of(&ledger, place.parse().unwrap());
    let sender = sender.parse().unwrap();
    match *goods {
        "bytes" => send_all(address, &page, sender, send_bytes),
        "short" => send_all(address, &page, sender, send_value::<Short>),
        _ => send_all(address, &page, sender, send_value::<Long>),
    }
}

fn send_all<T: Item + ?Sized>(
    address: &str,
    page: &Page<'_>,
    sender: u32,
    send_one: fn(&Sender<T>, Id, &mut Rng) -> Result<()>,
) {
    let mut rng = Rng::new(u64::from(sender));
    let mut number = 0;
    loop {
        let tx = Queue::<T>::attach(address).unwrap().sender().unwrap();
        for _ in 0..=rng.below(2 * MESSAGES_PER_COMING) {
            send_one(&tx, Id { sender, number }, &mut rng).unwrap();
            number += 1;
            page.has_sent(number);
        }
        tx.detach().unwrap();
    }
}

fn send_bytes(tx: &Sender, id: Id, rng: &mut Rng) -> Result<()> {
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
    put(tx, &bytes, rng)
}

fn send_value<T>(tx: &Sender<T>, id: Id, rng: &mut Rng) -> Result<()>
where
    T: Item + FromBytes,
{
    let value = T::read_from_bytes(&id.bytes_of(size_of::<T>())).expect("as many bytes as it has");
    put(tx, &value, rng)
}

/// Waits for room itself, or has the queue do so: or is told that there is none, if that is what the queue was made for, and
/// comes again.
fn put<T: Item + ?Sized>(tx: &Sender<T>, message: &T, rng: &mut Rng) -> Result<()> {
    if rng.one_in(2) {
        return tx.send_timeout(message, SOON);
    }
    let end = Instant::now() + SOON;
    loop {
        match tx.send(message) {
            Err(error) if error.kind() == ErrorKind::OutOfResources && Instant::now() < end => {
                thread::sleep(Duration::from_micros(rng.below(200)));
            }
            sent => return sent,
        }
    }
}

/// Receives until it is killed: from which address, with which ledger and place there, whether there are others, what
/// its random numbers begin with, and what.
pub(crate) fn receive(words: &[&str]) {
    let [address, ledger, place, others, seed, goods] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let page = Page::of(&ledger, place.parse().unwrap());
    let rng = Rng::new(seed.parse().unwrap());
    let reader = Reader { page, rng, has_others: *others == "others", last: Last::default() };
    match *goods {
        "bytes" => reader.receive_bytes(address),
        "short" => reader.receive_values::<Short>(address),
        _ => reader.receive_values::<Long>(address),
    }
}

struct Reader<'a> {
    page: Page<'a>,
    rng: Rng,
    has_others: bool,
    last: Last,
}

impl Reader<'_> {
    fn receive_bytes(mut self, address: &str) {
        let copies = self.rng.one_in(3);
        self.page.will_copy(copies);
        loop {
            let rx = Queue::<[u8]>::attach(address).unwrap().receiver().unwrap();
            for _ in 0..=self.rng.below(2 * MESSAGES_PER_COMING) {
                if copies {
                    self.copy_one(&rx);
                } else {
                    self.borrow_some(&rx);
                }
            }
            rx.detach().unwrap();
        }
    }

    fn receive_values<T: Item<Owned = T> + IntoBytes + Immutable>(mut self, address: &str) {
        self.page.will_copy(true);
        loop {
            let rx = Queue::<T>::attach(address).unwrap().receiver().unwrap();
            for _ in 0..=self.rng.below(2 * MESSAGES_PER_COMING) {
                if let Some(value) = in_time(rx.receive_timeout(SOON)) {
                    let id = self.arrived(value.as_bytes(), Some(size_of::<T>()));
                    self.page.record(id);
                }
            }
            rx.detach().unwrap();
        }
    }

    fn copy_one(&mut self, rx: &Receiver) {
        if let Some(bytes) = in_time(rx.receive_timeout(SOON)) {
            let id = self.arrived(&bytes, None);
            self.page.record(id);
        }
    }

    fn borrow_some(&mut self, rx: &Receiver) {
        let Some(first) = in_time(rx.borrow_timeout(SOON)) else { return };
        let mut all = vec![self.hold(0, first)];
        if self.rng.one_in(4)
            && let Some(second) = rx.try_borrow().unwrap()
        {
            all.push(self.hold(1, second));
        }
        if self.rng.one_in(2) {
            all.reverse();
        }
        for (hand, id, borrowed) in all {
            drop(borrowed);
            self.page.record(id);
            self.page.hold(hand, None);
        }
    }

    fn hold<'b>(&mut self, hand: usize, borrowed: Borrowed<'b>) -> (usize, Id, Borrowed<'b>) {
        let id = self.arrived(&borrowed.read_to_vec(..).unwrap(), None);
        self.page.hold(hand, Some(id));
        (hand, id, borrowed)
    }

    /// Those of one sender come in their order, but for what a dead receiver had in hand.
    fn arrived(&mut self, bytes: &[u8], len: Option<usize>) -> Id {
        let id = Id::of(bytes, len);
        if let Some(later) = self.last.is_after(id) {
            assert!(self.has_others, "{id:?} came after {later}");
            self.page.is_late();
        }
        id
    }
}

/// The last message of each sender.
#[derive(Default)]
struct Last(HashMap<u32, u64>);

impl Last {
    /// A later one that came before this one.
    fn is_after(&mut self, id: Id) -> Option<u64> {
        if self.0.len() >= SENDERS_KNOWN {
            self.forget_old();
        }
        let last = self.0.entry(id.sender).or_insert(id.number);
        let later = (id.number < *last).then_some(*last);
        *last = id.number.max(*last);
        later
    }

    /// A sender that was there from the beginning has sent most.
    fn forget_old(&mut self) {
        let mut senders: Vec<u32> = self.0.keys().copied().collect();
        senders.sort_unstable();
        let oldest_kept = senders[senders.len() / 2];
        let most = self.0.iter().max_by_key(|&(_, number)| *number).map(|(&sender, _)| sender);
        self.0.retain(|&sender, _| sender >= oldest_kept || Some(sender) == most);
    }
}

fn in_time<T>(result: Result<T>) -> Option<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Timeout => None,
        result => Some(result.unwrap()),
    }
}
