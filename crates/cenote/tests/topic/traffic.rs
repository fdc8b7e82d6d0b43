//! What publishers and subscribers do in the storm and in the soak, until they are killed: messages of all lengths that say who published
//! them and whether they are whole. A publisher writes down how many it has published, after each. A subscriber looks
//! whether those of each publisher come in their order, and whether it is told of all that it does not get.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use cenote::channel::Sample;
use cenote::{ErrorKind, Publisher, Result, Segment, Subscriber, Topic};
use testkit::Rng;

use super::message::{Id, LONGEST};

/// How long anybody may have to wait, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// Of so many messages, a worker leaves once and comes anew.
const MESSAGES_PER_COMING: u64 = 1000;
/// How many a subscriber has in hand at once, at most.
pub(crate) const IN_HAND: usize = 3;

/// How much of the ledger a worker has: the number of messages that it has published, or read.
pub(crate) const PAGE: usize = 64;

/// Publishes until it is killed: to which address, with which ledger and place there, and its number as a publisher.
pub(crate) fn publish(words: &[&str]) {
    let [address, ledger, place, sender] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let place: usize = place.parse().unwrap();
    let sender: u32 = sender.parse().unwrap();
    let mut rng = Rng::new(u64::from(sender));
    let mut number = 0_u64;
    loop {
        let options = Topic::<[u8]>::options().segment(&Segment::options().timeout(SOON));
        let tx = options.attach(*address).unwrap().publisher().unwrap();
        for _ in 0..=rng.below(2 * MESSAGES_PER_COMING) {
            publish_one(&tx, Id { sender, number }, &mut rng).unwrap();
            number += 1;
            ledger.write_value(place * PAGE, &number).unwrap();
        }
        tx.detach().unwrap();
    }
}

fn publish_one(tx: &Publisher, id: Id, rng: &mut Rng) -> Result<()> {
    let bytes = id.bytes();
    if rng.one_in(16) {
        // Not published after all.
        drop(tx.loan(LONGEST)?);
    }
    if rng.one_in(3) {
        let mut loan = tx.loan(bytes.len())?;
        loan.write_all(&bytes).unwrap();
        if loan.try_send(0)?.is_none() {
            return Ok(());
        }
    }
    tx.publish(&bytes)
}

/// Reads until it is killed: from which address, with which ledger and place there, whether it is waited for, and what its
/// random numbers begin with.
pub(crate) fn subscribe(words: &[&str]) {
    let [address, ledger, place, waited_for, seed] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let place: usize = place.parse().unwrap();
    let mut rng = Rng::new(seed.parse().unwrap());
    let read_only = rng.one_in(3);
    let copies = rng.one_in(2);
    let mut read = 0_u64;
    loop {
        let segment = Segment::options();
        let segment = if read_only { segment.read_only() } else { segment };
        let topic = Topic::<[u8]>::options().segment(&segment).attach(*address).unwrap();
        let last = if rng.one_in(2) { 0 } else { rng.below(20) };
        let rx = topic.subscriber_with_last(last).unwrap();
        let misses_nothing = *waited_for == "waited-for" && !read_only && last == 0;
        let mut reader = Reader::new(&rx, misses_nothing, false);
        for _ in 0..=rng.below(2 * MESSAGES_PER_COMING) {
            reader.read_one(copies, &mut rng);
            read += 1;
            ledger.write_value(place * PAGE, &read).unwrap();
        }
        drop(reader);
        rx.detach().unwrap();
    }
}

/// Looks at what one subscriber gets.
pub(crate) struct Reader<'a> {
    rx: &'a Subscriber,
    misses_nothing: bool,
    /// Whether it was there before all publishers: then the first message of each has the number 0.
    was_first: bool,
    /// Which number the next message of each publisher has, if none is missed.
    pub(crate) next: HashMap<u32, u64>,
    /// How many came.
    pub(crate) read: u64,
    /// How many did not come in between.
    gaps: u64,
    samples: Vec<(Id, Sample<'a>)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rx: &'a Subscriber, misses_nothing: bool, was_first: bool) -> Self {
        Self { rx, misses_nothing, was_first, next: HashMap::new(), read: 0, gaps: 0, samples: vec![] }
    }

    pub(crate) fn read_one(&mut self, copies: bool, rng: &mut Rng) {
        if !copies {
            self.borrow_one(rng);
        } else if let Some(bytes) = in_time(self.rx.receive_timeout(SOON)) {
            self.arrived(&bytes);
        }
    }

    fn borrow_one(&mut self, rng: &mut Rng) {
        if self.samples.len() == IN_HAND || rng.one_in(3) && !self.samples.is_empty() {
            let which = rng.below(self.samples.len() as u64) as usize;
            let (id, sample) = self.samples.swap_remove(which);
            // It has been what it was all the time.
            assert_eq!(Id::of(&sample.read_to_vec(..).unwrap(), None), id);
        }
        if let Some(sample) = in_time(self.rx.borrow_timeout(SOON)) {
            let id = self.arrived(&sample.read_to_vec(..).unwrap());
            self.samples.push((id, sample));
        }
    }

    fn arrived(&mut self, bytes: &[u8]) -> Id {
        let id = Id::of(bytes, None);
        self.read += 1;
        let first = if self.was_first { 0 } else { id.number };
        let next = self.next.insert(id.sender, id.number + 1).unwrap_or(first);
        assert!(id.number >= next, "{id:?} came, and {next} was to be next");
        self.gaps += id.number - next;
        let missed = self.rx.missed();
        assert!(self.gaps <= missed, "{} did not come, and {missed} are said", self.gaps);
        assert!(!self.misses_nothing || missed == 0, "{missed} missed by one who is waited for");
        id
    }
}

pub(crate) fn in_time<T>(result: Result<T>) -> Option<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Timeout => None,
        result => Some(result.unwrap()),
    }
}
