//! A storm: senders and receivers work as fast as they can, one of them is killed at a random moment and replaced, a
//! thousand times, by all rules. Whoever dies, every message is whole, comes once, and comes in its order; none that was
//! acknowledged is lost but with a receiver that died with it; and there is room for as many as ever.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Queue, Receiver, Segment};
use testkit::names::ShmName;
use testkit::{Rng, watchdog};

use super::traffic::{IN_HAND, Id, LONGEST, Page, SOON};
use super::workers::{Worker, kills, one_at_a_time, pause_below};
use super::{ALL_RULES, Name, Rules};

const DEPTH: usize = 16;
const SPARE: usize = 2;

#[test]
fn one_to_one_comes_through_deaths() {
    comes_through(Rules::OneToOne, 1, 1);
}

#[test]
fn many_to_one_comes_through_deaths() {
    comes_through(Rules::ManyToOne, 3, 1);
}

#[test]
fn one_to_many_comes_through_deaths() {
    comes_through(Rules::OneToMany, 1, 3);
}

#[test]
fn many_to_many_comes_through_deaths() {
    comes_through(Rules::ManyToMany, 2, 2);
}

#[test]
fn dropping_the_oldest_comes_through_deaths() {
    comes_through(Rules::DropOldest, 2, 2);
}

/// Each of the rules has its part of the deaths.
fn comes_through(rules: Rules, senders: usize, receivers: usize) {
    let kills = kills() / ALL_RULES.len();
    let _turn = one_at_a_time();
    let _watchdog = watchdog(Duration::from_secs(60) + Duration::from_millis(100) * kills as u32);
    let begin = Instant::now();
    let mut rng = Rng::new(3);
    let mut storm = Storm::new(rules, senders, receivers);
    let mut workers: Vec<Worker> =
        (0..senders + receivers).map(|place| storm.start(place, &mut rng)).collect();
    for _ in 0..kills {
        // Those who live get on: some way, and for some time.
        storm.wait_for(rng.below(200));
        pause_below(Duration::from_millis(3), &mut rng);
        let place = rng.below(workers.len() as u64) as usize;
        workers.remove(place).kill();
        storm.bury(place);
        if rng.one_in(2) && storm.has_both_without(place) {
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
    println!("{rules:?}: {} in {:.1?}", storm.end(), begin.elapsed());
}

/// What they share, and what became of each message.
struct Storm {
    rules: Rules,
    senders: usize,
    receivers: usize,
    name: Name,
    /// So that it does not go with its last holder.
    queue: Queue,
    /// What is written down: of another kind than what is tried.
    ledger: Segment,
    _ledger_name: ShmName,
    /// Whose the places are now: the number of the sender.
    now: Vec<usize>,
    books: Books,
}

/// Of all senders that there ever were.
#[derive(Default)]
struct Books {
    /// How many it has acknowledged, as far as that is known.
    sent: Vec<u64>,
    /// Which of them somebody is done with.
    done: Vec<Vec<bool>>,
    all_done: u64,
    /// What somebody died with who may have been done with it.
    perhaps: HashSet<Id>,
    /// How many came late.
    late: u64,
    /// Of receivers, and of those of them that may have died with a copy; and of senders.
    dead_receivers: u64,
    dead_copiers: u64,
    dead_senders: u64,
}

impl Books {
    fn done(&mut self, id: Id) {
        let done = &mut self.done[id.sender as usize];
        let number = id.number as usize;
        if done.len() <= number {
            done.resize(number + 1, false);
        }
        assert!(!done[number], "{id:?} came twice");
        done[number] = true;
        self.all_done += 1;
    }

    fn is_done(&self, id: Id) -> bool {
        self.done[id.sender as usize].get(id.number as usize).is_some_and(|&done| done)
    }

    /// How many of those that were acknowledged nobody has seen.
    fn missing(&self) -> u64 {
        let mut missing = 0;
        for (sender, &sent) in self.sent.iter().enumerate() {
            assert!(self.done[sender].len() as u64 <= sent + 1, "a message that was never sent");
            let ids = (0..sent).map(|number| Id { sender: sender as u32, number: number as u32 });
            missing += ids.filter(|&id| !self.is_done(id) && !self.perhaps.contains(&id)).count() as u64;
        }
        missing
    }
}

impl Storm {
    fn new(rules: Rules, senders: usize, receivers: usize) -> Self {
        let (name, ledger_name) = (Name::unique(), ShmName::unique("ledger"));
        let options = rules.options().message(LONGEST as u64).depth(DEPTH as u64).spare(SPARE as u64);
        let queue = options.create(name.address()).unwrap();
        let size = Page::bytes_for(senders + receivers);
        let ledger = Segment::create(format!("posix:{}", ledger_name.name()), size).unwrap();
        let now = vec![0; senders];
        let books = Books::default();
        Self { rules, senders, receivers, name, queue, ledger, _ledger_name: ledger_name, now, books }
    }

    fn page(&self, place: usize) -> Page<'_> {
        Page::of(&self.ledger, place)
    }

    fn start(&mut self, place: usize, rng: &mut Rng) -> Worker {
        self.page(place).clear();
        let (ledger, at) = (self.ledger.address().to_string(), place.to_string());
        let address = self.name.address();
        if place < self.senders {
            self.now[place] = self.books.sent.len();
            self.books.sent.push(0);
            self.books.done.push(vec![]);
            return Worker::start("send", &[address, &ledger, &at, &self.now[place].to_string()]);
        }
        let others = if self.has_one_receiver() { "alone" } else { "others" };
        Worker::start("receive", &[address, &ledger, &at, others, &rng.next_u64().to_string()])
    }

    fn has_one_receiver(&self) -> bool {
        matches!(self.rules, Rules::OneToOne | Rules::ManyToOne)
    }

    /// Whether messages get through although that one is gone.
    fn has_both_without(&self, place: usize) -> bool {
        (if place < self.senders { self.senders } else { self.receivers }) > 1
    }

    /// Copies what receivers have written down.
    fn look(&mut self) {
        for place in self.senders..self.senders + self.receivers {
            self.look_at(place);
        }
    }

    fn look_at(&mut self, place: usize) {
        let new = self.page(place).look();
        new.into_iter().for_each(|id| self.books.done(id));
    }

    /// Waits until so many more were received. If nobody receives any they are stuck.
    fn wait_for(&mut self, more: u64) {
        self.look();
        let goal = self.books.all_done + more;
        let end = Instant::now() + 2 * SOON;
        while self.books.all_done < goal {
            assert!(Instant::now() < end, "nobody gets on: {:?}", self.queue.statistics());
            thread::sleep(Duration::from_micros(50));
            self.look();
        }
    }

    /// Writes down what a dead one leaves.
    fn bury(&mut self, place: usize) {
        if place < self.senders {
            self.books.sent[self.now[place]] = self.page(place).done();
            self.books.dead_senders += 1;
            return;
        }
        self.look_at(place);
        let (late, copies, in_hand) =
            (self.page(place).late(), self.page(place).copies(), self.page(place).in_hand());
        let books = &mut self.books;
        books.late += late;
        books.dead_receivers += 1;
        books.dead_copiers += u64::from(copies);
        let unknown: Vec<Id> = in_hand.into_iter().filter(|&id| !books.is_done(id)).collect();
        books.perhaps.extend(unknown);
    }

    /// When all are dead: receives what is left, and compares.
    fn end(mut self) -> String {
        let rx = self.attach().receiver().unwrap();
        while let Ok(bytes) = rx.receive_timeout(Duration::from_millis(5)) {
            self.books.done(Id::of(&bytes));
        }
        self.is_whole(&rx);
        drop(rx);
        self.counted();
        let Books { late, all_done, dead_senders, dead_receivers, dead_copiers, ref perhaps, .. } =
            self.books;
        let missing = self.books.missing();
        assert!(late <= IN_HAND as u64 * dead_receivers, "{late} came late");
        let Self { queue, name, .. } = self;
        drop(queue);
        assert!(!name.is_there());
        Segment::remove(self.ledger.address().clone()).unwrap();
        format!(
            "{} deaths, {all_done} received, {late} of them late, {missing} not, and perhaps {} that {} died with; \
             {dead_copiers} died copying",
            dead_senders + dead_receivers,
            perhaps.len(),
            dead_receivers - dead_copiers,
        )
    }

    fn attach(&self) -> Queue {
        Queue::<[u8]>::attach(self.name.address()).unwrap()
    }

    /// What the ledger and the queue say of the same.
    fn counted(&self) {
        let books = &self.books;
        let statistics = self.queue.statistics().unwrap();
        let deaths = books.dead_senders + books.dead_receivers;
        let (missing, sent) = (books.missing(), books.sent.iter().sum::<u64>());
        // Who died between dropping and counting has dropped one more; and of those dropped, one may be among those
        // that a dead one had in hand or had not acknowledged.
        let dropped = statistics.dropped;
        assert!(
            missing <= dropped + books.dead_copiers + books.dead_senders,
            "{missing} are lost: {statistics:?}"
        );
        assert!(dropped <= missing + deaths, "{missing} are lost: {statistics:?}");
        if !matches!(self.rules, Rules::DropOldest) {
            assert!(missing <= books.dead_copiers, "{missing} are lost, {} died copying", books.dead_copiers);
            assert_eq!(dropped, 0);
        }
        // Of each dead one a message may be there that was not acknowledged, or one that was skipped and not counted.
        let extra = statistics.sent - sent - self.filled();
        assert!(extra <= 2 * deaths, "{sent} were acknowledged: {statistics:?}");
        assert!(statistics.skipped <= books.dead_senders, "{statistics:?}");
        assert_eq!((statistics.depth, statistics.received), (0, statistics.sent - dropped), "{statistics:?}");
        assert_eq!(statistics.deepest, DEPTH as u64);
    }

    /// How many [`is_whole`](Self::is_whole) sends.
    fn filled(&self) -> u64 {
        3 * DEPTH as u64
    }

    /// There is room for as many as there ever was, and no chunk is anybody's.
    fn is_whole(&self, rx: &Receiver) {
        let tx = self.attach().sender().unwrap();
        for round in 0..3_u8 {
            let loans: Vec<_> = (0..DEPTH + SPARE).map(|_| tx.loan(LONGEST).unwrap()).collect();
            drop(loans);
            let message = |number: usize| vec![round * 64 + number as u8; LONGEST];
            for number in 0..DEPTH {
                assert!(tx.try_send(&message(number)).unwrap(), "{number} are in, and there is no more room");
            }
            if !matches!(self.rules, Rules::DropOldest) {
                assert!(!tx.try_send(b"one more").unwrap());
            }
            for number in 0..DEPTH {
                assert_eq!(rx.try_receive().unwrap().as_deref(), Some(&message(number)[..]));
            }
            assert!(rx.try_receive().unwrap().is_none());
        }
    }
}
