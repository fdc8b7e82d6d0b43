//! Long messages of a topic: kept, written over, left by the dead, in every interleaving with up to two preemptions. Nobody may
//! touch a chunk that somebody else writes.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU64};
use loom::thread;

use super::*;
use crate::channel::ring::{Claim, ReadingAt, Rules, Seen};
use crate::layout::{CONTROL_WORDS, RECORD_WORDS};
use crate::sync::traced::Traced;

const ONE: By = By { slot: 0, generation: 1 };
const TWO: By = By { slot: 1, generation: 1 };
const THREE: By = By { slot: 2, generation: 1 };

const ALONE: Rules = Rules { senders_claim: false, receivers_claim: false, drop_oldest: true, topic: true };
const SEVERAL: Rules = Rules { senders_claim: true, ..ALONE };

/// A cell has its word, and the number of a chunk.
const CELL_BITS: u32 = 1;
const CHUNKS: usize = 2;

/// What is in a chunk: no two touch it at once, of whom one writes.
struct Chunk {
    touched: UnsafeCell<()>,
    /// Those that only copy do so while it is written, and notice.
    message: AtomicU64,
}

struct Memory {
    control: [Traced; CONTROL_WORDS],
    records: Vec<Traced>,
    cells: Vec<Traced>,
    words: Vec<Traced>,
    chunks: [Chunk; CHUNKS],
    rules: Rules,
    one_is_dead: AtomicBool,
}

impl Memory {
    fn new(rules: Rules) -> Arc<Self> {
        let words = |count: usize| (0..count).map(|_| Traced::new(0)).collect();
        let chunk = |_| Chunk { touched: UnsafeCell::new(()), message: AtomicU64::new(0) };
        Arc::new(Self {
            control: std::array::from_fn(|_| Traced::new(0)),
            records: words(3 * RECORD_WORDS),
            cells: words(1 << CELL_BITS),
            words: words(CHUNKS),
            chunks: std::array::from_fn(chunk),
            rules,
            one_is_dead: AtomicBool::new(false),
        })
    }

    fn ring(&self) -> Ring<'_, Traced> {
        let Self { control, records, cells, rules, .. } = self;
        Ring { control, records, cells, cell_bits: CELL_BITS, bits: 0, rules: *rules }
    }

    fn pool(&self) -> Pool<'_, Traced> {
        Pool { words: &self.words, alone: false }
    }

    fn lend(&self, me: By) -> Option<usize> {
        let mut ready = vec![];
        self.pool().set_aside(&self.ring(), &Cell::new(0), me, 1, &mut ready);
        ready.pop()
    }

    /// Publishes the message that says this number, if there is a chunk.
    fn publish(&self, me: By, number: u64) -> bool {
        let Some(chunk) = self.lend(me) else { return false };
        let Chunk { touched, message } = &self.chunks[chunk];
        touched.with_mut(|_| message.store(number, Ordering::Relaxed));
        let (ring, at) = (self.ring(), self.ring().sending_from().unwrap());
        let Claim::Ours(position) = ring.claim(&at, me).unwrap() else {
            self.pool().give_back(chunk, me);
            return false;
        };
        ring.cell(position)[1].store(chunk as u64, Ordering::Relaxed);
        assert!(self.pool().send(chunk, position, me));
        assert!(ring.publish(&at, position, me));
        true
    }

    /// Keeps the next message if it is there: its chunk, and by which word.
    fn keep(&self, at: &ReadingAt, me: By) -> Option<(usize, usize)> {
        let ring = self.ring();
        let Seen::Message(position) = ring.read(at).unwrap() else { return None };
        let chunk = ring.cell(position)[1].load(Ordering::Relaxed) as usize;
        let record = ring.record(me).unwrap();
        let which = record.keep(0, chunk).unwrap();
        if ring.is_still_there(position) {
            at.next.set(position + 1);
            return Some((chunk, which));
        }
        record.let_go(which);
        None
    }

    fn read(&self, chunk: usize) -> u64 {
        let Chunk { touched, message } = &self.chunks[chunk];
        touched.with(|_| message.load(Ordering::Relaxed))
    }
}

impl Living for Memory {
    type Error = ();

    fn is_gone(&self, who: By) -> Result<bool, ()> {
        // Acquire: pairs with the Release of who dies.
        Ok(who == ONE && self.one_is_dead.load(Ordering::Acquire))
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    explore_within(2, model);
}

fn explore_within(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn beside<T: 'static>(
    memory: &Arc<Memory>,
    work: impl FnOnce(&Memory) -> T + 'static,
) -> thread::JoinHandle<T> {
    let memory = Arc::clone(memory);
    thread::spawn(move || work(&memory))
}

#[test]
fn loom_what_is_kept_is_not_written_over() {
    for rules in [ALONE, SEVERAL] {
        explore(move || {
            let memory = Memory::new(rules);
            assert!(memory.publish(THREE, 1));
            let publishing = beside(&memory, |memory| {
                let published = [2, 3].map(|number| memory.publish(THREE, number));
                // One of two chunks can be kept, so that there is always another.
                published[0]
            });
            let at = memory.ring().reading_from(1);
            memory.ring().subscribe(TWO, at.next.get()).unwrap();
            if let Some((chunk, which)) = memory.keep(&at, TWO) {
                let number = memory.read(chunk);
                assert_eq!(number, memory.read(chunk));
                let record = memory.ring().record(TWO).unwrap();
                record.let_go(which);
                record.say(at.next.get(), 0, false);
            }
            assert!(publishing.join().unwrap());
        });
    }
}

/// One takes the chunk that another one has written over: a third one still has it in hand.
#[test]
fn loom_what_is_kept_is_nobodys_of_several() {
    // More would take minutes.
    explore_within(1, || {
        let memory = Memory::new(SEVERAL);
        assert!(memory.publish(THREE, 1));
        let publishing = beside(&memory, |memory| memory.publish(THREE, 2));
        let other = beside(&memory, |memory| memory.publish(ONE, 3));
        let at = memory.ring().reading_from(1);
        memory.ring().subscribe(TWO, at.next.get()).unwrap();
        if let Some((chunk, which)) = memory.keep(&at, TWO) {
            let number = memory.read(chunk);
            assert_eq!(number, memory.read(chunk));
            memory.ring().record(TWO).unwrap().let_go(which);
        }
        let published = [publishing.join().unwrap(), other.join().unwrap()];
        assert!(published.contains(&true));
    });
}

/// Who only copies, and is not known to anybody, notices: also if one takes the chunk of a message that another one has
/// written over.
#[test]
fn loom_what_is_copied_meanwhile_is_told_apart() {
    explore(|| {
        let memory = Memory::new(SEVERAL);
        assert!(memory.publish(THREE, 1));
        let publishing = beside(&memory, |memory| memory.publish(THREE, 2));
        let other = beside(&memory, |memory| memory.publish(ONE, 3));
        let (ring, at) = (memory.ring(), memory.ring().reading_from(1));
        if let Seen::Message(position) = ring.read(&at).unwrap() {
            let chunk = ring.cell(position)[1].load(Ordering::Relaxed) as usize % CHUNKS;
            let number = memory.chunks[chunk].message.load(Ordering::Relaxed);
            assert!(!ring.is_still_there(position) || position > 0 || number == 1, "{number} at {position}");
        }
        assert!(publishing.join().unwrap() | other.join().unwrap());
    });
}

#[test]
fn loom_what_a_dead_one_has_in_hand_comes_back() {
    explore(|| {
        let memory = Memory::new(ALONE);
        assert!(memory.publish(THREE, 1));
        let dying = beside(&memory, |memory| {
            let at = memory.ring().reading_from(1);
            memory.ring().subscribe(ONE, at.next.get()).unwrap();
            if let Some((chunk, _)) = memory.keep(&at, ONE) {
                memory.read(chunk);
            }
            // Release: pairs with the Acquire in `is_gone`, as the kernel's own order does.
            memory.one_is_dead.store(true, Ordering::Release);
        });
        assert!(memory.publish(THREE, 2));
        dying.join().unwrap();
        memory.ring().forget_the_gone(&*memory).unwrap();
        for number in 3..6 {
            assert!(memory.publish(THREE, number));
        }
    });
}

#[test]
fn loom_what_is_withdrawn_can_be_used_and_is_missed() {
    explore(|| {
        let memory = Memory::new(ALONE);
        assert!(memory.publish(THREE, 1));
        let reading = beside(&memory, |memory| {
            let at = memory.ring().reading_from(1);
            memory.ring().subscribe(TWO, at.next.get()).unwrap();
            let kept = memory.keep(&at, TWO);
            kept.map(|(chunk, which)| {
                let number = memory.read(chunk);
                memory.ring().record(TWO).unwrap().let_go(which);
                number
            })
        });
        let (ring, from) = (memory.ring(), Cell::new(0));
        assert!(memory.lend(THREE).is_some());
        assert!(ring.withdraw(&from, 1, |_| true) && !ring.withdraw(&from, 1, |_| true));
        if let Some(chunk) = memory.lend(THREE) {
            memory.chunks[chunk].touched.with_mut(|_| ());
        }
        assert!(matches!(reading.join().unwrap(), None | Some(1)));
    });
}
