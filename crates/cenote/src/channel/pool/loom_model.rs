//! Long messages in chunks, sent, received, given back and left by the dead, in every interleaving with up to two
//! preemptions. Nobody may touch a chunk that somebody else writes.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU64};
use loom::thread;

use super::super::ring::{Claim, Found, Ring, Rules, SendingAt};
use super::*;
use crate::layout::CONTROL_WORDS;
use crate::sync::traced::Traced;

const ONE: By = By { slot: 0, generation: 1 };
const TWO: By = By { slot: 1, generation: 1 };
const THREE: By = By { slot: 2, generation: 1 };

const SENDERS: Rules =
    Rules { senders_claim: true, receivers_claim: false, drop_oldest: false, topic: false };
const DIRECT: Rules = Rules { senders_claim: false, ..SENDERS };
const ALL: Rules = Rules { receivers_claim: true, ..SENDERS };
const DROPPING: Rules = Rules { drop_oldest: true, ..ALL };

/// A cell has its word, and the number of a chunk.
const CELL_BITS: u32 = 1;
/// One for the only cell, and one to spare.
const CHUNKS: usize = 2;

/// What is in a chunk: no two touch it at once, of whom one writes.
struct Chunk {
    touched: UnsafeCell<()>,
    message: AtomicU64,
}

struct Memory {
    control: [Traced; CONTROL_WORDS],
    cells: Vec<Traced>,
    words: Vec<Traced>,
    chunks: [Chunk; CHUNKS],
    rules: Rules,
    one_is_dead: AtomicBool,
}

/// Where one who sends dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    /// With a message that it fills.
    Filling,
    /// With one that is said to be sent, and is not published.
    Publishing,
}

impl Memory {
    fn new(rules: Rules) -> Arc<Self> {
        let words = |count: usize| (0..count).map(|_| Traced::new(0)).collect();
        Arc::new(Self {
            control: std::array::from_fn(|_| Traced::new(0)),
            cells: words(1 << CELL_BITS),
            words: words(CHUNKS),
            chunks: std::array::from_fn(|_| Chunk {
                touched: UnsafeCell::new(()),
                message: AtomicU64::new(0),
            }),
            rules,
            one_is_dead: AtomicBool::new(false),
        })
    }

    fn ring(&self) -> Ring<'_, Traced> {
        let Self { control, cells, rules, .. } = self;
        Ring { control, records: &[], cells, cell_bits: CELL_BITS, bits: 0, rules: *rules }
    }

    fn pool(&self) -> Pool<'_, Traced> {
        Pool { words: &self.words, alone: !self.rules.senders_claim }
    }

    fn lend(&self, me: By) -> Option<usize> {
        self.lend_at(&self.ring().sending_from().unwrap(), me)
    }

    fn lend_at(&self, at: &SendingAt, me: By) -> Option<usize> {
        let ring = self.ring();
        self.pool().lend(&Cell::new(0), me, |position| ring.is_over_since(at, position), self).unwrap()
    }

    fn fill(&self, chunk: usize, message: u64) {
        let Chunk { touched, message: there } = &self.chunks[chunk];
        touched.with_mut(|_| there.store(message, Ordering::Relaxed));
    }

    /// Sends one message if there is a chunk and room, and dies where it is told to: whether it is sent.
    fn send(&self, me: By, message: u64, death: Option<Death>) -> bool {
        let (ring, at) = (self.ring(), self.ring().sending_from().unwrap());
        let Some(chunk) = self.lend_at(&at, me) else { return false };
        self.fill(chunk, message);
        if death == Some(Death::Filling) {
            self.die();
            return false;
        }
        let Claim::Ours(position) = ring.claim(&at, me).unwrap() else {
            self.pool().give_back(chunk, me);
            return false;
        };
        ring.cell(position)[1].store(chunk as u64, Ordering::Relaxed);
        assert!(self.pool().send(chunk, position, me));
        if death == Some(Death::Publishing) {
            self.die();
            return false;
        }
        assert!(ring.publish(&at, position, me));
        true
    }

    fn receive(&self, me: By) -> Option<u64> {
        let (ring, at) = (self.ring(), self.ring().receiving_from());
        // A second look, for what was behind one that is passed over.
        let position = (0..2).find_map(|_| match ring.look(&at, me).unwrap() {
            Found::Message(position) => Some(position),
            Found::Nothing => None,
            Found::Unfinished(position) => {
                ring.skip_if_gone(position, self).unwrap();
                None
            }
        })?;
        let chunk = ring.cell(position)[1].load(Ordering::Relaxed) as usize;
        let Chunk { touched, message } = &self.chunks[chunk];
        let message = touched.with(|_| message.load(Ordering::Relaxed));
        assert!(ring.finish(&at, position, me));
        Some(message)
    }

    fn die(&self) {
        // Release: pairs with the Acquire in `is_gone`, as the kernel's own order does.
        self.one_is_dead.store(true, Ordering::Release);
    }

    /// When there is nothing in it: each chunk can be had, and filled.
    fn has_all(&self) {
        for message in 0..CHUNKS {
            let chunk = self.lend(TWO).expect("none is lost");
            self.fill(chunk, message as u64);
        }
        assert_eq!(self.lend(TWO), None);
    }
}

impl Living for Memory {
    type Error = ();

    fn is_gone(&self, who: By) -> Result<bool, ()> {
        // Acquire: pairs with the Release in `die`.
        Ok(who == ONE && self.one_is_dead.load(Ordering::Acquire))
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(2);
    builder.check(model);
}

fn beside<T: 'static>(
    memory: &Arc<Memory>,
    work: impl FnOnce(&Memory) -> T + 'static,
) -> thread::JoinHandle<T> {
    let memory = Arc::clone(memory);
    thread::spawn(move || work(&memory))
}

/// What is received is what was sent, and in the end every chunk is free.
fn two_send(rules: Rules) {
    explore(move || {
        let memory = Memory::new(rules);
        let one = beside(&memory, |memory| memory.send(ONE, 1, None));
        let two = beside(&memory, |memory| memory.send(TWO, 2, None));
        let mut received = vec![memory.receive(THREE)];
        let sent = [one.join().unwrap().then_some(1), two.join().unwrap().then_some(2)];
        received.extend([memory.receive(THREE), memory.receive(THREE)]);
        let mut received: Vec<u64> = received.into_iter().flatten().collect();
        received.sort_unstable();
        if !rules.drop_oldest {
            assert_eq!(received, sent.into_iter().flatten().collect::<Vec<_>>());
        }
        memory.has_all();
    });
}

#[test]
fn loom_chunks_are_free_when_their_messages_are_over() {
    two_send(SENDERS);
    two_send(ALL);
}

#[test]
fn loom_chunks_are_free_when_their_messages_are_dropped() {
    two_send(DROPPING);
}

/// With a message before it, whose chunk it may get.
#[test]
fn loom_a_chunk_is_not_filled_while_it_is_read() {
    for rules in [DIRECT, SENDERS, ALL, DROPPING] {
        explore(move || {
            let memory = Memory::new(rules);
            assert!(memory.send(THREE, 1, None));
            let sending = beside(&memory, |memory| [2, 3].map(|message| memory.send(ONE, message, None)));
            let mut received: Vec<u64> = memory.receive(TWO).into_iter().collect();
            let sent = sending.join().unwrap();
            received.extend([memory.receive(TWO), memory.receive(TWO)].into_iter().flatten());
            let all: Vec<u64> = (1..4).filter(|&one| one == 1 || sent[one as usize - 2]).collect();
            if rules.drop_oldest {
                assert!(received.is_sorted() && received.last() == all.last(), "{received:?} of {all:?}");
            } else {
                assert_eq!(received, all);
            }
            memory.has_all();
        });
    }
}

#[test]
fn loom_a_chunk_that_was_given_back_is_written_no_more() {
    explore(|| {
        let memory = Memory::new(ALL);
        let giving_back = beside(&memory, |memory| {
            if let Some(chunk) = memory.lend(ONE) {
                memory.fill(chunk, 1);
                memory.pool().give_back(chunk, ONE);
            }
        });
        let chunks = [memory.lend(TWO), memory.lend(TWO)];
        for chunk in chunks.into_iter().flatten() {
            memory.fill(chunk, 2);
            memory.pool().give_back(chunk, TWO);
        }
        giving_back.join().unwrap();
        memory.has_all();
    });
}

#[test]
fn loom_what_a_dead_one_has_is_free_for_others() {
    for (rules, death) in [SENDERS, ALL]
        .into_iter()
        .flat_map(|rules| [Death::Filling, Death::Publishing].map(|death| (rules, death)))
    {
        explore(move || {
            let memory = Memory::new(rules);
            let dying = beside(&memory, move |memory| memory.send(ONE, 1, Some(death)));
            let sending = beside(&memory, |memory| memory.send(TWO, 2, None));
            let mut received: Vec<u64> = memory.receive(THREE).into_iter().collect();
            dying.join().unwrap();
            let sent = sending.join().unwrap();
            received.extend(memory.receive(THREE));
            assert_eq!(received, if sent { &[2][..] } else { &[] });
            assert_eq!(memory.receive(THREE), None);
            memory.has_all();
        });
    }
}
