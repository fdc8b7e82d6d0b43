//! A storm: publishers and subscribers work as fast as they can, one of them is killed at a random moment and replaced, a
//! thousand times, by all rules. Whoever dies, every message is whole and comes in its order; who lives gets all of them
//! where it is waited for, and else is told how many it did not get; and at last all memory is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cenote::{Segment, Subscriber, Topic};
use testkit::names::ShmName;
use testkit::{Rng, watchdog};

use super::message::{Id, LONGEST};
use super::traffic::{PAGE, SOON, in_time};
use super::workers::{Worker, kills, one_at_a_time, pause_below};
use super::{ALL_RULES, Name, Rules};

const DEPTH: usize = 16;
/// For what three have in hand, and three are about to publish.
const SPARE: usize = 20;
const SUBSCRIBERS: usize = 3;

#[test]
fn one_publisher_comes_through_deaths() {
    comes_through(Rules::One, 1);
}

#[test]
fn many_publishers_come_through_deaths() {
    comes_through(Rules::Many, 3);
}

#[test]
fn one_that_waits_comes_through_deaths() {
    comes_through(Rules::OneWaits, 1);
}

#[test]
fn many_that_wait_come_through_deaths() {
    comes_through(Rules::ManyWait, 3);
}

/// Each of the rules has its part of the deaths.
fn comes_through(rules: Rules, publishers: usize) {
    let kills = kills() / ALL_RULES.len();
    let _turn = one_at_a_time();
    let _watchdog = watchdog(Duration::from_secs(60) + Duration::from_millis(200) * kills as u32);
    let begin = Instant::now();
    let mut rng = Rng::new(5);
    let mut storm = Storm::new(rules, publishers);
    let mut workers: Vec<Worker> =
        (0..publishers + SUBSCRIBERS).map(|place| storm.start(place, &mut rng)).collect();
    for _ in 0..kills {
        // Those who live get on: some way, and for some time.
        storm.wait_for(rng.below(100));
        pause_below(Duration::from_millis(3), &mut rng);
        let place = rng.below(workers.len() as u64) as usize;
        workers.remove(place).kill();
        storm.bury(place);
        if rng.one_in(2) && (place >= publishers || publishers > 1) {
            // Without the help of a new one, who may be in the dead one's slot and so shows that it is dead.
            storm.wait_for(2 * DEPTH as u64);
        }
        workers.insert(place, storm.start(place, &mut rng));
    }
    storm.wait_for(200);
    for (place, worker) in workers.into_iter().enumerate() {
        worker.kill();
        storm.bury(place);
    }
    println!("{rules:?}: {kills} deaths, {} in {:.1?}", storm.end(), begin.elapsed());
}

/// One who lives all the time, and reads.
struct Witness {
    read: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Told>,
}

/// What it has seen.
struct Told {
    missed: u64,
    /// Of each publisher.
    read: Vec<u64>,
}

impl Witness {
    fn start(rx: Subscriber, misses_nothing: bool) -> Self {
        let (read, is_over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, over) = (Arc::clone(&read), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            let mut told = Told { missed: 0, read: vec![] };
            let mut next: Vec<u64> = vec![];
            loop {
                // Before it looks for the last time all are dead.
                let is_last = over.load(Ordering::Acquire);
                let Some(bytes) = in_time(rx.receive_timeout(Duration::from_millis(50))) else {
                    if is_last {
                        told.missed = rx.missed();
                        return told;
                    }
                    continue;
                };
                let id = Id::of(&bytes, None);
                let sender = id.sender as usize;
                if next.len() <= sender {
                    next.resize(sender + 1, 0);
                    told.read.resize(sender + 1, 0);
                }
                assert!(id.number >= next[sender], "{id:?} came after {}", next[sender]);
                assert!(
                    !misses_nothing || id.number == next[sender],
                    "{id:?} came, and not {}",
                    next[sender]
                );
                next[sender] = id.number + 1;
                told.read[sender] += 1;
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { read, is_over, thread }
    }

    fn end(self) -> Told {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

/// What they share, and what became of it.
struct Storm {
    rules: Rules,
    publishers: usize,
    name: Name,
    /// So that it does not go with its last holder.
    topic: Topic,
    /// What is written down: of another kind than what is tried.
    ledger: Segment,
    _ledger_name: ShmName,
    /// One who can write, and one who only reads.
    witnesses: Vec<Witness>,
    /// Whose the places are now: the number of the publisher.
    now: Vec<usize>,
    /// How many each of all publishers has acknowledged, as far as that is known.
    published: Vec<u64>,
    dead_publishers: u64,
}

impl Storm {
    fn new(rules: Rules, publishers: usize) -> Self {
        let (name, ledger_name) = (Name::unique("topic"), ShmName::unique("ledger"));
        let options = rules.options().message(LONGEST as u64).depth(DEPTH as u64).spare(SPARE as u64);
        let topic = options.create(name.address()).unwrap();
        let size = (publishers + SUBSCRIBERS) * PAGE;
        let ledger = Segment::create(format!("posix:{}", ledger_name.name()), size as u64).unwrap();
        let read_only = Topic::<[u8]>::options().segment(&Segment::options().read_only());
        let witnesses = vec![
            Witness::start(attach(&name).subscriber().unwrap(), rules.waits()),
            Witness::start(read_only.attach(name.address()).unwrap().subscriber().unwrap(), false),
        ];
        let (now, published) = (vec![0; publishers], vec![]);
        let (_ledger_name, dead_publishers) = (ledger_name, 0);
        Self {
            rules,
            publishers,
            name,
            topic,
            ledger,
            _ledger_name,
            witnesses,
            now,
            published,
            dead_publishers,
        }
    }

    fn start(&mut self, place: usize, rng: &mut Rng) -> Worker {
        self.ledger.write_value(place * PAGE, &0_u64).unwrap();
        let (ledger, at) = (self.ledger.address().to_string(), place.to_string());
        let address = self.name.address();
        if place < self.publishers {
            self.now[place] = self.published.len();
            self.published.push(0);
            return Worker::start("publish", &[address, &ledger, &at, &self.now[place].to_string()]);
        }
        let waited_for = if self.rules.waits() { "waited-for" } else { "left" };
        Worker::start("subscribe", &[address, &ledger, &at, waited_for, &rng.next_u64().to_string()])
    }

    /// Waits until each witness has read so many more.
    fn wait_for(&mut self, more: u64) {
        for witness in &self.witnesses {
            let goal = witness.read.load(Ordering::Relaxed) + more;
            let end = Instant::now() + 2 * SOON;
            while witness.read.load(Ordering::Relaxed) < goal {
                assert!(!witness.thread.is_finished(), "a witness has seen something wrong");
                assert!(Instant::now() < end, "nobody gets on: {:?}", self.topic.statistics());
                thread::sleep(Duration::from_micros(50));
            }
        }
    }

    /// Writes down what a dead one leaves.
    fn bury(&mut self, place: usize) {
        if place < self.publishers {
            self.published[self.now[place]] = self.ledger.read_value(place * PAGE).unwrap();
            self.dead_publishers += 1;
        }
    }

    /// When all are dead: compares.
    fn end(mut self) -> String {
        let all: Vec<Told> = self.witnesses.drain(..).map(Witness::end).collect();
        let published: u64 = self.published.iter().sum();
        for (which, Told { missed, read }) in all.iter().enumerate() {
            let total = read.iter().sum::<u64>() + missed;
            // Of each dead one a message may be there that was not acknowledged, or its place.
            assert!(
                (published..=published + self.dead_publishers).contains(&total),
                "witness {which}: {total} are told of, {published} were published by {}",
                self.dead_publishers
            );
            for (sender, &read) in read.iter().enumerate() {
                let sent = self.published[sender];
                assert!(read <= sent + 1, "a message that was never published");
                assert!(!(self.rules.waits() && which == 0) || read >= sent, "{sent} of {sender}: {read}");
            }
        }
        assert!(!self.rules.waits() || all[0].missed == 0);
        let told = self.topic.statistics().unwrap();
        assert!(told.skipped <= self.dead_publishers, "{told:?}");
        let positions = told.published + told.skipped;
        assert!((published..=published + self.dead_publishers).contains(&positions), "{published} {told:?}");
        self.is_whole();
        let Self { topic, name, ledger, .. } = self;
        drop(topic);
        assert!(!name.is_there());
        Segment::remove(ledger.address().clone()).unwrap();
        format!("{published} published, {} and {} missed", all[0].missed, all[1].missed)
    }

    /// There is room for as many as there ever was, and no chunk is anybody's.
    fn is_whole(&self) {
        let options = Topic::<[u8]>::options().segment(&Segment::options().timeout(SOON));
        let tx = options.attach(self.name.address()).unwrap().publisher().unwrap();
        let rx = attach(&self.name).subscriber().unwrap();
        for round in 0..3_u8 {
            let loans: Vec<_> = (0..DEPTH + SPARE).map(|_| tx.loan(LONGEST).unwrap()).collect();
            drop(loans);
            let message = |number: usize| vec![round * 64 + number as u8; LONGEST];
            for number in 0..DEPTH {
                assert!(
                    tx.try_publish(&message(number)).unwrap(),
                    "{number} are in, and there is no more room"
                );
            }
            if self.rules.waits() {
                assert!(!tx.try_publish(b"one more").unwrap());
            }
            for number in 0..DEPTH {
                assert_eq!(rx.try_receive().unwrap().as_deref(), Some(&message(number)[..]));
            }
            assert!(rx.try_receive().unwrap().is_none());
        }
        assert_eq!((rx.missed(), self.topic.statistics().unwrap().subscribers.len()), (0, 1));
    }
}

fn attach(name: &Name) -> Topic {
    Topic::<[u8]>::attach(name.address()).unwrap()
}
