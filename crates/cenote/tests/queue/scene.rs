//! A queue at which senders and receivers work who are killed and replaced, what they write down, and what must be so
//! whatever becomes of them: every message is whole, comes once, and comes in its order; none that was acknowledged is lost
//! but with a receiver that died with it; what the queue counts is what was sent and received; and in the end there is
//! room for as many as ever.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use cenote::channel::Statistics;
use cenote::{Queue, Receiver, Segment};
use testkit::Rng;
use testkit::names::ShmName;

use super::books::Books;
use super::labour::{Goods, Long, Short};
use super::message::{Id, LONGEST};
use super::traffic::{IN_HAND, Page, SOON};
use super::workers::Worker;
use super::{Name, Rules};

pub(crate) const DEPTH: usize = 16;
const SPARE: usize = 2;

/// What they share, and what became of each message.
pub(crate) struct Scene {
    rules: Rules,
    goods: Goods,
    senders: usize,
    receivers: usize,
    name: Name,
    /// So that it does not go with its last holder.
    queue: Queue,
    /// What is written down: of another kind than what is tried.
    ledger: Segment,
    /// Removes it.
    ledger_name: ShmName,
    /// Whose the places are now: the number of the sender.
    now: Vec<u32>,
    pub(crate) books: Books,
    phase: Phase,
    /// How far the receivers have come, each place: a death is far.
    steps: Vec<u64>,
}

/// When what was marked in the books will not come any more if it has not.
enum Phase {
    /// It may be in the queue, until so many have been received: which cannot be as long as somebody has it in hand.
    InQueue(u64),
    /// It may have been received and not been written down, until all have come further than this.
    Unrecorded(Vec<u64>),
}

impl Scene {
    pub(crate) fn new(rules: Rules, goods: Goods, senders: usize, receivers: usize) -> Self {
        let (name, ledger_name) = (Name::unique("queue"), ShmName::unique("ledger"));
        let queue = create(rules, goods, name.address());
        let size = Page::bytes_for(senders + receivers);
        let ledger = Segment::create(format!("posix:{}", ledger_name.name()), size).unwrap();
        Self {
            rules,
            goods,
            senders,
            receivers,
            name,
            queue,
            ledger,
            ledger_name,
            now: vec![0; senders],
            books: Books::default(),
            phase: Phase::InQueue(0),
            steps: vec![0; receivers],
        }
    }

    pub(crate) fn places(&self) -> usize {
        self.senders + self.receivers
    }

    /// The files that it needs: what is kept in `/dev/shm` for it.
    pub(crate) fn files(&self) -> [PathBuf; 2] {
        [self.name.path(), self.ledger_name.path()]
    }

    fn page(&self, place: usize) -> Page<'_> {
        Page::of(&self.ledger, place)
    }

    /// Senders have the first places.
    pub(crate) fn start(&mut self, place: usize, rng: &mut Rng) -> Worker {
        self.page(place).clear();
        let (ledger, at) = (self.ledger.address().to_string(), place.to_string());
        let (address, goods) = (self.name.address(), self.goods.name());
        if place < self.senders {
            self.now[place] = self.books.open();
            return Worker::start("send", &[address, &ledger, &at, &self.now[place].to_string(), goods]);
        }
        let others = if self.has_one_receiver() { "alone" } else { "others" };
        Worker::start("receive", &[address, &ledger, &at, others, &rng.next_u64().to_string(), goods])
    }

    fn has_one_receiver(&self) -> bool {
        matches!(self.rules, Rules::OneToOne | Rules::ManyToOne)
    }

    fn drops_oldest(&self) -> bool {
        matches!(self.rules, Rules::DropOldest)
    }

    /// Whether messages get through although that one is gone.
    pub(crate) fn has_both_without(&self, place: usize) -> bool {
        (if place < self.senders { self.senders } else { self.receivers }) > 1
    }

    /// Copies what receivers have written down.
    pub(crate) fn look(&mut self) {
        (0..self.receivers).for_each(|receiver| self.look_at(receiver));
        match &self.phase {
            Phase::InQueue(goal) if self.books.all_done >= *goal => {
                self.phase = Phase::Unrecorded(self.steps.clone());
            }
            Phase::Unrecorded(then)
                if self.steps.iter().zip(then).all(|(now, then)| now - then > IN_HAND as u64) =>
            {
                self.books.settle();
                self.books.mark();
                // As many as there can be before it, and behind it while it is in hand; and some to spare.
                self.phase = Phase::InQueue(self.books.all_done + 4 * DEPTH as u64);
            }
            _ => {}
        }
    }

    fn look_at(&mut self, receiver: usize) {
        let new = self.page(self.senders + receiver).look();
        self.steps[receiver] += new.len() as u64;
        new.into_iter().for_each(|id| self.books.done(id));
    }

    /// Waits until so many more were received. If nobody receives any they are stuck.
    pub(crate) fn wait_for(&mut self, more: u64) {
        self.look();
        let goal = self.books.all_done + more;
        let end = Instant::now() + 2 * SOON;
        while self.books.all_done < goal {
            assert!(Instant::now() < end, "nobody gets on: {:?}", self.statistics());
            thread::sleep(Duration::from_micros(50));
            self.look();
        }
    }

    /// Writes down what a dead one leaves.
    pub(crate) fn bury(&mut self, place: usize) {
        if place < self.senders {
            let sent = self.page(place).done();
            // What it had sent may have been written down by now, and is looked at first.
            self.look();
            self.books.sender_died(self.now[place], sent);
            // So that nobody counts them twice.
            self.page(place).clear();
            return;
        }
        let receiver = place - self.senders;
        self.look_at(receiver);
        let page = self.page(place);
        let (in_hand, late, copies) = (page.in_hand(), page.late(), page.copies());
        self.books.receiver_died(in_hand, late, copies);
        self.steps[receiver] += 1 + IN_HAND as u64;
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.queue.statistics().unwrap()
    }

    /// How many have been acknowledged.
    pub(crate) fn sent(&self) -> u64 {
        self.books.sent_by_dead + (0..self.senders).map(|place| self.page(place).done()).sum::<u64>()
    }

    /// While they work: what the queue counts is what they have written down, but for what is under way.
    pub(crate) fn is_counted(&mut self) {
        // Its numbers are read one by one: between two of them this process may have to wait while all others go on.
        let mut last = String::new();
        for _ in 0..100 {
            match self.compare() {
                Ok(()) => return,
                Err(what) => last = what,
            }
        }
        panic!("it counts wrong, time and again: {last}");
    }

    fn compare(&mut self) -> Result<(), String> {
        self.look();
        let before = (self.sent(), self.books.all_done);
        let statistics = self.statistics();
        self.look();
        let after = (self.sent(), self.books.all_done);
        // In the queue, or in somebody's hands; and of each dead one up to two, as at the end.
        let under_way = 2 * DEPTH as u64 + self.places() as u64 + 2 * self.books.deaths();
        let agrees =
            |before: u64, said: u64, after: u64| before <= said + under_way && said <= after + under_way;
        self.is_explained(&statistics);
        if agrees(before.0, statistics.sent, after.0) && agrees(before.1, statistics.received, after.1) {
            return Ok(());
        }
        Err(format!(
            "sent and received {before:?}, then {after:?}, and {under_way} under way: {statistics:?}"
        ))
    }

    /// Nothing is missing for which there is no reason.
    fn is_explained(&self, statistics: &Statistics) {
        let Books { missing, dead_copiers, dead_senders, .. } = self.books;
        assert!(statistics.skipped <= dead_senders, "{statistics:?}");
        assert!(statistics.depth <= DEPTH as u64, "{statistics:?}");
        if self.drops_oldest() {
            // Who died between dropping and counting has dropped one more.
            let gone = statistics.dropped + dead_copiers + dead_senders;
            assert!(missing <= gone, "{missing} are lost: {statistics:?}");
        } else {
            assert!(
                missing <= dead_copiers,
                "{missing} are lost, {dead_copiers} died copying: {statistics:?}"
            );
            assert_eq!(statistics.dropped, 0, "{statistics:?}");
        }
    }

    /// When all are dead: receives what is left, and compares.
    pub(crate) fn end(mut self) -> String {
        let rx = self.attach().receiver().unwrap();
        while let Ok(bytes) = rx.receive_timeout(Duration::from_millis(5)) {
            self.books.done(Id::of(&bytes, self.goods.len()));
        }
        // Nothing is under way any more.
        self.books.settle();
        self.books.mark();
        self.books.settle();
        self.is_whole(&rx);
        drop(rx);
        self.is_counted_exactly();
        let Books { late, all_done, missing, died_with, dead_receivers, dead_copiers, .. } = self.books;
        assert!(late <= IN_HAND as u64 * dead_receivers, "{late} came late");
        let deaths = self.books.deaths();
        let Self { queue, name, .. } = self;
        drop(queue);
        assert!(!name.is_there());
        Segment::remove(self.ledger.address().clone()).unwrap();
        format!(
            "{deaths} deaths, {all_done} received, {late} of them late, {missing} not, and perhaps {died_with} that {} \
             died with; {dead_copiers} died copying",
            dead_receivers - dead_copiers,
        )
    }

    fn attach(&self) -> Queue {
        Queue::<[u8]>::attach(self.name.address()).unwrap()
    }

    /// What the ledger and the queue say of the same.
    fn is_counted_exactly(&self) {
        let statistics = self.statistics();
        self.is_explained(&statistics);
        let (deaths, missing, sent) = (self.books.deaths(), self.books.missing, self.books.sent_by_dead);
        // Of those dropped, one may be among those that a dead one had in hand or had not acknowledged.
        assert!(statistics.dropped <= missing + deaths, "{missing} are lost: {statistics:?}");
        // Of each dead one a message may be there that was not acknowledged, or one that was skipped and not counted.
        let extra = statistics.sent - sent - self.filled();
        assert!(extra <= 2 * deaths, "{sent} were acknowledged: {statistics:?}");
        assert_eq!(
            (statistics.depth, statistics.received),
            (0, statistics.sent - statistics.dropped),
            "{statistics:?}"
        );
        assert_eq!(statistics.deepest, DEPTH as u64);
    }

    /// How many [`is_whole`](Self::is_whole) sends.
    fn filled(&self) -> u64 {
        3 * DEPTH as u64
    }

    /// There is room for as many as there ever was, and no chunk is anybody's.
    fn is_whole(&self, rx: &Receiver) {
        let tx = self.attach().sender().unwrap();
        let len = self.goods.len().unwrap_or(LONGEST);
        for round in 0..3_u8 {
            let loans: Vec<_> = (0..DEPTH + SPARE).map(|_| tx.loan(len).unwrap()).collect();
            drop(loans);
            let message = |number: usize| vec![round * 64 + number as u8; len];
            for number in 0..DEPTH {
                assert!(tx.try_send(&message(number)).unwrap(), "{number} are in, and there is no more room");
            }
            if !self.drops_oldest() {
                assert!(!tx.try_send(b"one more").unwrap());
            }
            for number in 0..DEPTH {
                assert_eq!(rx.try_receive().unwrap().as_deref(), Some(&message(number)[..]));
            }
            assert!(rx.try_receive().unwrap().is_none());
        }
    }
}

/// A queue of these goods, as one of bytes.
fn create(rules: Rules, goods: Goods, address: &str) -> Queue {
    let (depth, spare) = (DEPTH as u64, SPARE as u64);
    let attach = || Queue::<[u8]>::attach(address).unwrap();
    match goods {
        Goods::Bytes => {
            rules.options().message(LONGEST as u64).depth(depth).spare(spare).create(address).unwrap()
        }
        Goods::Short => {
            let _typed = rules.options_of::<Short>().depth(depth).spare(spare).create(address).unwrap();
            attach()
        }
        Goods::Long => {
            let _typed = rules.options_of::<Long>().depth(depth).spare(spare).create(address).unwrap();
            attach()
        }
    }
}
