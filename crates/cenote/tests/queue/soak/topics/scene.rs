//! A topic at which publishers and subscribers work who are killed and replaced, what they write down, and what must be so
//! whatever becomes of them: what those who stay have read and missed is what was published; who is waited for misses nothing;
//! what the topic counts is what was written down; and in the end there is room for as many as ever.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use cenote::channel::Subscribed;
use cenote::{Segment, Topic, TopicOptions, WhenFull};
use testkit::Rng;
use testkit::names::{NativeName as Name, ShmName};

use super::labour::Way;
use super::traffic::{PAGE, SOON};
use crate::message::LONGEST;
use crate::workers::Worker;

pub(crate) const DEPTH: u64 = 16;
/// For what all have in hand, and are about to publish.
const SPARE: u64 = 24;

/// By whose rules it is published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rules {
    /// One publisher, that waits for nobody.
    One,
    Many,
    /// They wait for who is slow.
    OneWaits,
    ManyWait,
}

impl Rules {
    fn options(self) -> TopicOptions {
        let options = Topic::<[u8]>::options().message(LONGEST as u64).depth(DEPTH).spare(SPARE);
        match self {
            Self::One => options.one_publisher(),
            Self::Many => options,
            Self::OneWaits => options.one_publisher().when_full(WhenFull::Wait),
            Self::ManyWait => options.when_full(WhenFull::Wait),
        }
    }

    fn waits(self) -> bool {
        matches!(self, Self::OneWaits | Self::ManyWait)
    }
}

/// A worker's page of the ledger.
pub(super) struct Page<'a> {
    ledger: &'a Segment,
    place: usize,
}

impl<'a> Page<'a> {
    /// Of a publisher how many it has published, and its number; of a subscriber how many it has read, has missed, and
    /// whether it is there.
    const DONE: usize = 0;
    const SENDER: usize = 8;
    const MISSED: usize = 16;
    const READY: usize = 24;

    pub(super) fn of(ledger: &'a Segment, place: usize) -> Self {
        Self { ledger, place }
    }

    fn get(&self, at: usize) -> u64 {
        self.ledger.read_value(self.place * PAGE + at).unwrap()
    }

    fn set(&self, at: usize, value: u64) {
        self.ledger.write_value(self.place * PAGE + at, &value).unwrap();
    }

    pub(super) fn sender(&self) -> u32 {
        self.get(Self::SENDER) as u32
    }

    pub(super) fn has_read(&self, read: u64, missed: u64) {
        self.set(Self::DONE, read);
        self.set(Self::MISSED, missed);
    }

    pub(super) fn is_ready(&self) {
        self.set(Self::READY, 1);
    }

    fn clear(&self) {
        (0..PAGE).step_by(8).for_each(|at| self.set(at, 0));
    }
}

/// How many there are, in the order of their places: publishers, the two that read all from the beginning, and those who read
/// and are killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crew {
    pub(super) publishers: usize,
    pub(super) others: usize,
}

impl Crew {
    pub(super) const WITNESSES: usize = 2;

    pub(super) fn places(self) -> usize {
        self.publishers + Self::WITNESSES + self.others
    }

    pub(super) fn is_witness(self, place: usize) -> bool {
        (self.publishers..self.publishers + Self::WITNESSES).contains(&place)
    }
}

pub(super) struct Scene {
    rules: Rules,
    crew: Crew,
    /// How the witness reads that can write; the other only reads.
    way: Way,
    name: Name,
    /// So that it does not go with its last holder.
    topic: Topic,
    /// What is written down: of another kind than what is tried.
    ledger: Segment,
    /// Removes it.
    ledger_name: ShmName,
    /// How many publishers there ever were; how many are dead, and what they had published.
    senders: u32,
    dead_publishers: u64,
    published_by_dead: u64,
    dead_subscribers: u64,
    /// What dead subscribers had read.
    read_by_dead: u64,
}

impl Scene {
    pub(super) fn new(rules: Rules, crew: Crew, way: Way) -> Self {
        let (name, ledger_name) = (Name::unique("topic"), ShmName::unique("ledger"));
        let topic = rules.options().create(name.address()).unwrap();
        let size = (crew.places() * PAGE) as u64;
        let ledger = Segment::create(format!("posix:{}", ledger_name.name()), size).unwrap();
        let (senders, dead_publishers, published_by_dead) = (0, 0, 0);
        let (dead_subscribers, read_by_dead) = (0, 0);
        Self {
            rules,
            crew,
            way,
            name,
            topic,
            ledger,
            ledger_name,
            senders,
            dead_publishers,
            published_by_dead,
            dead_subscribers,
            read_by_dead,
        }
    }

    /// The files that it needs: what is kept in `/dev/shm` for it.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        [self.name.path(), self.ledger_name.path()]
    }

    fn page(&self, place: usize) -> Page<'_> {
        Page::of(&self.ledger, place)
    }

    /// Starts all, the witnesses first: before they are there nobody publishes.
    pub(super) fn start_all(&mut self, rng: &mut Rng) -> Vec<Worker> {
        let publishers = self.crew.publishers;
        let witnesses: Vec<Worker> =
            (0..Crew::WITNESSES).map(|witness| self.start(publishers + witness, rng)).collect();
        let end = Instant::now() + 2 * SOON;
        while (0..Crew::WITNESSES).any(|witness| self.page(publishers + witness).get(Page::READY) == 0) {
            assert!(Instant::now() < end, "the witnesses do not come");
            thread::sleep(Duration::from_millis(1));
        }
        let mut all: Vec<Worker> = (0..publishers).map(|place| self.start(place, rng)).collect();
        all.extend(witnesses);
        all.extend((publishers + Crew::WITNESSES..self.crew.places()).map(|place| self.start(place, rng)));
        all
    }

    pub(super) fn start(&mut self, place: usize, rng: &mut Rng) -> Worker {
        let page = self.page(place);
        page.clear();
        let (ledger, at, seed) =
            (self.ledger.address().to_string(), place.to_string(), rng.next_u64().to_string());
        let address = self.name.address();
        let waited_for = if self.rules.waits() { "waited-for" } else { "left" };
        if place < self.crew.publishers {
            // From 1 on: 0 is nobody.
            page.set(Page::SENDER, u64::from(self.senders) + 1);
            self.senders += 1;
            return Worker::start("publish", &[address, &ledger, &at, &self.senders.to_string()]);
        }
        if self.crew.is_witness(place) {
            let way = if place == self.crew.publishers { self.way } else { Way::ReadOnly };
            let (publishers, way) = (self.crew.publishers.to_string(), format!("{way:?}"));
            return Worker::start("witness", &[address, &ledger, &at, &publishers, &seed, waited_for, &way]);
        }
        Worker::start("subscribe", &[address, &ledger, &at, waited_for, &seed])
    }

    /// Writes down what a dead one leaves.
    pub(super) fn bury(&mut self, place: usize) {
        let done = self.page(place).get(Page::DONE);
        if place < self.crew.publishers {
            self.published_by_dead += done;
            self.dead_publishers += 1;
        } else {
            self.read_by_dead += done;
            self.dead_subscribers += 1;
        }
        self.page(place).clear();
    }

    /// How many were acknowledged.
    fn published(&self) -> u64 {
        let living = (0..self.crew.publishers).map(|place| self.page(place).get(Page::DONE));
        self.published_by_dead + living.sum::<u64>()
    }

    /// How many were read, by all.
    pub(super) fn read(&self) -> u64 {
        let places = self.crew.publishers..self.crew.places();
        self.read_by_dead + places.map(|place| self.page(place).get(Page::DONE)).sum::<u64>()
    }

    /// How many a witness has read, and has missed.
    fn told(&self, witness: usize) -> (u64, u64) {
        let page = self.page(self.crew.publishers + witness);
        (page.get(Page::DONE), page.get(Page::MISSED))
    }

    /// How many each witness knows of: it must get on.
    pub(super) fn told_of(&self) -> [u64; Crew::WITNESSES] {
        std::array::from_fn(|witness| {
            let (read, missed) = self.told(witness);
            read + missed
        })
    }

    pub(super) fn is_waited_for(&self, witness: usize) -> bool {
        self.rules.waits() && witness == 0
    }

    /// While they work: what the topic counts, and what those know who read, is what was published, but for what is under way.
    pub(super) fn is_counted(&self) {
        let before = self.published();
        let statistics = self.topic.statistics().unwrap();
        let told: Vec<_> = (0..Crew::WITNESSES).map(|witness| self.told(witness)).collect();
        let after = self.published();
        // Of each who publishes, or has died so, one message that is not acknowledged.
        let under_way = self.crew.publishers as u64 + self.dead_publishers;
        let positions = statistics.published + statistics.skipped;
        // The tail is said every 16 positions where many publish.
        assert!(positions + DEPTH >= before, "{before} were published: {statistics:?}");
        assert!(positions <= after + under_way, "{after} were published: {statistics:?}");
        assert!(statistics.skipped <= self.dead_publishers, "{statistics:?}");
        let most = self.crew.places() - self.crew.publishers + self.dead_subscribers as usize;
        assert!(statistics.subscribers.len() <= most, "{most} have subscribed: {statistics:?}");
        for (witness, (read, missed)) in told.into_iter().enumerate() {
            assert!(
                read + missed <= after + under_way,
                "witness {witness}: {read} read and {missed} missed of {after} published"
            );
            if self.is_waited_for(witness) {
                assert_eq!(missed, 0);
                // It may be as far behind as there is room.
                assert!(read + DEPTH + under_way >= before, "{read} read of {before}");
            }
        }
    }

    /// When all publishers are dead: those who stay learn of all that was published, and the topic says of the one that can write
    /// what that one says of itself.
    pub(super) fn ends_told(&self) {
        let end = Instant::now() + 2 * SOON;
        while !self.is_told() {
            let statistics = self.topic.statistics().unwrap();
            let (told, published) = (self.last_words(), self.published());
            assert!(Instant::now() < end, "{told:?} of {published}: {statistics:?}");
            thread::sleep(Duration::from_millis(1));
        }
        let most = self.published() + self.dead_publishers;
        for (witness, told) in self.told_of().into_iter().enumerate() {
            assert!(told <= most, "witness {witness} was told of {told}, and {most} is the most");
        }
        self.is_counted();
    }

    fn is_told(&self) -> bool {
        let statistics = self.topic.statistics().unwrap();
        let ([told, told_read_only], (_, missed)) = (self.told_of(), self.told(0));
        // Of each dead publisher a position may be skipped.
        let least = (statistics.published + statistics.skipped).saturating_sub(self.dead_publishers);
        let is_up_to_date = |seen: &Subscribed| (seen.behind, seen.missed) == (0, missed);
        told.min(told_read_only) >= self.published().max(least)
            && statistics.subscribers.iter().any(is_up_to_date)
    }

    /// When all are dead.
    pub(super) fn end(self, told: [(u64, u64); Crew::WITNESSES]) -> String {
        self.is_whole();
        let Self { topic, name, ledger, .. } = self;
        drop(topic);
        assert!(!name.is_there());
        Segment::remove(ledger.address().clone()).unwrap();
        let [(read, missed), (copied, missed_too)] = told;
        format!(
            "{} and {} deaths, {} published; read {read} and missed {missed}, read-only {copied} and {missed_too}",
            self.dead_publishers, self.dead_subscribers, self.published_by_dead
        )
    }

    /// What the witnesses were told of in the end.
    pub(super) fn last_words(&self) -> [(u64, u64); Crew::WITNESSES] {
        std::array::from_fn(|witness| self.told(witness))
    }

    /// There is room for as many as there ever was, and no chunk is anybody's.
    fn is_whole(&self) {
        let options = Topic::<[u8]>::options().segment(&Segment::options().timeout(SOON));
        let tx = options.attach(self.name.address()).unwrap().publisher().unwrap();
        let rx = Topic::<[u8]>::attach(self.name.address()).unwrap().subscriber().unwrap();
        for round in 0..3_u8 {
            let loans: Vec<_> = (0..DEPTH + SPARE).map(|_| tx.loan(LONGEST).unwrap()).collect();
            drop(loans);
            let message = |number: u64| vec![round * 64 + number as u8; LONGEST];
            for number in 0..DEPTH {
                assert!(tx.try_publish(&message(number)).unwrap(), "no more room than for {number}");
            }
            assert!(!self.rules.waits() || !tx.try_publish(b"one more").unwrap());
            for number in 0..DEPTH {
                assert_eq!(rx.try_receive().unwrap().as_deref(), Some(&message(number)[..]));
            }
            assert!(rx.try_receive().unwrap().is_none());
        }
        assert_eq!((rx.missed(), self.topic.statistics().unwrap().subscribers.len()), (0, 1));
    }
}
