//! Topics in every interleaving with up to two preemptions: who publishes writes over what is read, and who reads notices;
//! or it waits, and nobody misses anything. Cells are of three words, the cell's own and two of a message that is whole only
//! if both say the same.

use std::sync::atomic::Ordering::Relaxed;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;

use super::*;
use crate::layout::RECORD_WORDS;
use crate::sync::traced::Traced;

const ONE: By = By { slot: 0, generation: 1 };
const TWO: By = By { slot: 1, generation: 1 };

const OVERWRITING: Rules =
    Rules { senders_claim: false, receivers_claim: false, drop_oldest: true, topic: true };
const SEVERAL: Rules = Rules { senders_claim: true, ..OVERWRITING };
const WAITING: Rules = Rules { drop_oldest: false, ..OVERWRITING };
const SEVERAL_WAITING: Rules = Rules { senders_claim: true, ..WAITING };

const CELL_BITS: u32 = 2;
const RECORDS: usize = 2;

struct Memory {
    control: [Traced; CONTROL_WORDS],
    records: Vec<Traced>,
    cells: Vec<Traced>,
    /// Where nobody may write what is being read: of topics that wait.
    touched: Vec<UnsafeCell<()>>,
    bits: u32,
    rules: Rules,
    one_is_dead: AtomicBool,
}

impl Memory {
    fn new(bits: u32, rules: Rules) -> Arc<Self> {
        let words = |count: usize| (0..count).map(|_| Traced::new(0)).collect();
        Arc::new(Self {
            control: std::array::from_fn(|_| Traced::new(0)),
            records: words(RECORDS * RECORD_WORDS),
            cells: words(1 << (bits + CELL_BITS)),
            touched: (0..1 << bits).map(|_| UnsafeCell::new(())).collect(),
            bits,
            rules,
            one_is_dead: AtomicBool::new(false),
        })
    }

    fn ring(&self) -> Ring<'_, Traced> {
        let Self { control, records, cells, bits, rules, .. } = self;
        Ring { control, records, cells, cell_bits: CELL_BITS, bits: *bits, rules: *rules }
    }

    /// Publishes one message if there is room, with its position added, which it says.
    fn publish(&self, at: &SendingAt, me: By, quickly: bool) -> Option<u64> {
        let ring = self.ring();
        let claimed = if quickly { ring.claim_quickly(at, me) } else { None };
        let claim = claimed.map_or_else(|| ring.claim(at, me).unwrap(), Claim::Ours);
        let Claim::Ours(position) = claim else {
            if let Claim::Held(position) = claim {
                ring.skip_if_gone(position, self).unwrap();
            }
            ring.forget_the_gone(self).unwrap();
            return None;
        };
        self.write(position);
        assert!(ring.publish(at, position, me));
        Some(position)
    }

    fn publish_all(&self, me: By, count: usize, quickly: bool) -> Vec<u64> {
        let at = self.ring().sending_from().unwrap();
        (0..count).filter_map(|_| self.publish(&at, me, quickly)).collect()
    }

    fn write(&self, position: u64) {
        let cell = self.ring().cell(position);
        let write = || {
            cell[1].store(position + 100, Relaxed);
            cell[2].store(position + 100, Relaxed);
        };
        if self.rules.drop_oldest {
            return write();
        }
        self.touched[position as usize % self.touched.len()].with_mut(|_| write());
    }

    /// Reads what is there, trying so often: their positions.
    fn read(&self, at: &ReadingAt, me: Option<By>, tries: usize) -> Vec<u64> {
        (0..tries).filter_map(|_| self.try_read(at, me)).collect()
    }

    fn try_read(&self, at: &ReadingAt, me: Option<By>) -> Option<u64> {
        let ring = self.ring();
        let position = match ring.read_quickly(at).map_or_else(|| ring.read(at).unwrap(), Seen::Message) {
            Seen::Message(position) => position,
            Seen::Nothing => return None,
            Seen::Unfinished(position, _) => {
                ring.skip_if_gone(position, self).unwrap();
                return None;
            }
        };
        let cell = ring.cell(position);
        let read = || [1, 2].map(|word| cell[word].load(Relaxed));
        let is_kept = me.is_some() && !self.rules.drop_oldest;
        let message = if is_kept {
            self.touched[position as usize % self.touched.len()].with(|_| read())
        } else {
            read()
        };
        let is_there = ring.is_still_there(position);
        assert!(is_there || !is_kept, "it waits for who has said that it reads");
        if !is_there {
            return None;
        }
        assert_eq!(message, [position + 100; 2], "it was there all the time");
        at.next.set(position + 1);
        if let Some(me) = me {
            ring.record(me).unwrap().say(position + 1, 0, false);
        }
        Some(position)
    }
}

impl Living for Memory {
    type Error = ();

    fn is_gone(&self, who: By) -> Result<bool, ()> {
        // Acquire: pairs with the Release of who dies.
        Ok(who == ONE && self.one_is_dead.load(Ordering::Acquire))
    }
}

fn explore(model: impl Fn(bool) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(2);
    let model = std::sync::Arc::new(model);
    for quickly in [true, false] {
        let model = std::sync::Arc::clone(&model);
        builder.check(move || model(quickly));
    }
}

fn beside<T: 'static>(
    memory: &Arc<Memory>,
    work: impl FnOnce(&Memory) -> T + 'static,
) -> thread::JoinHandle<T> {
    let memory = Arc::clone(memory);
    thread::spawn(move || work(&memory))
}

/// All that was published was read, or is counted as missed.
fn is_all(read: &[u64], at: &ReadingAt, published: &[u64]) {
    assert!(read.is_sorted_by(|one, next| one < next) && read.last() == published.last(), "{read:?}");
    assert_eq!(read.len() as u64 + at.missed.get(), published.len() as u64, "{read:?} of {published:?}");
}

#[test]
fn loom_what_is_read_is_whole_though_it_is_written_over() {
    for (bits, rules) in [(0, OVERWRITING), (1, OVERWRITING), (0, SEVERAL), (0, WAITING)] {
        explore(move |quickly| {
            let memory = Memory::new(bits, rules);
            let publishing = beside(&memory, move |memory| memory.publish_all(ONE, 3, quickly));
            // As one does who cannot say that it reads.
            let at = memory.ring().reading_from(0);
            let from = at.next.get();
            let mut read = memory.read(&at, None, 2);
            let mut published = publishing.join().unwrap();
            read.extend(memory.read(&at, None, 4));
            published.retain(|&position| position >= from);
            is_all(&read, &at, &published);
        });
    }
}

#[test]
fn loom_of_two_who_publish_both_are_read() {
    explore(|quickly| {
        let memory = Memory::new(1, SEVERAL);
        let one = beside(&memory, move |memory| memory.publish_all(ONE, 1, quickly));
        let other = beside(&memory, move |memory| memory.publish_all(TWO, 2, quickly));
        let at = memory.ring().reading_from(0);
        let from = at.next.get();
        let mut read = memory.read(&at, None, 1);
        let mut published = [one.join().unwrap(), other.join().unwrap()].concat();
        read.extend(memory.read(&at, None, 4));
        published.sort_unstable();
        published.retain(|&position| position >= from);
        is_all(&read, &at, &published);
    });
}

/// Whoever subscribes, from then on it misses nothing.
fn nobody_misses(rules: Rules) {
    explore(move |quickly| {
        let memory = Memory::new(0, rules);
        let publishing = beside(&memory, move |memory| memory.publish_all(ONE, 3, quickly));
        let at = memory.ring().reading_from(0);
        at.next.set(memory.ring().subscribe(TWO, at.next.get()).unwrap());
        let from = at.next.get();
        let mut read = memory.read(&at, Some(TWO), 2);
        let mut published = publishing.join().unwrap();
        read.extend(memory.read(&at, Some(TWO), 2));
        published.retain(|&position| position >= from);
        assert_eq!((read, at.missed.get()), (published, 0));
    });
}

#[test]
fn loom_who_has_subscribed_misses_nothing_if_it_is_waited_for() {
    nobody_misses(WAITING);
    nobody_misses(SEVERAL_WAITING);
}

#[test]
fn loom_who_dies_publishing_is_passed_over() {
    for rules in [OVERWRITING, SEVERAL, SEVERAL_WAITING] {
        explore(move |quickly| {
            let memory = Memory::new(0, rules);
            let dying = beside(&memory, |memory| {
                let (ring, at) = (memory.ring(), memory.ring().sending_from().unwrap());
                let claim = ring.claim(&at, ONE).unwrap();
                if let Claim::Ours(position) = claim {
                    memory.write(position);
                }
                // Release: pairs with the Acquire in `is_gone`, as the kernel's own order does.
                memory.one_is_dead.store(true, Ordering::Release);
                u64::from(matches!(claim, Claim::Ours(_)))
            });
            let at = memory.ring().reading_from(0);
            let mut read = memory.read(&at, None, 2);
            let died = dying.join().unwrap();
            // Whoever comes next goes on behind it: alone, where only one may be.
            let mut published = memory.publish_all(TWO, 1, quickly);
            if published.is_empty() {
                published = memory.publish_all(TWO, 1, quickly);
            }
            read.extend(memory.read(&at, None, 3));
            assert_eq!((died, read.len(), &read), (1, 1, &published));
        });
    }
}

#[test]
fn loom_nobody_waits_for_the_dead() {
    explore(|quickly| {
        let memory = Memory::new(0, WAITING);
        let dying = beside(&memory, |memory| {
            memory.ring().subscribe(ONE, 0).unwrap();
            // Release: as above.
            memory.one_is_dead.store(true, Ordering::Release);
        });
        let mut published = memory.publish_all(TWO, 2, quickly);
        dying.join().unwrap();
        published.extend(memory.publish_all(TWO, 2, quickly));
        assert!(published.len() >= 3 || published.len() == 2 && published[1] == 1, "{published:?}");
        assert_eq!(memory.publish_all(TWO, 1, quickly).len(), 1);
    });
}
