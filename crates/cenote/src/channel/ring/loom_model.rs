//! Senders, receivers and deaths in every interleaving with up to two preemptions, over cells of three words: the cell's
//! own, and two of a message that is whole only if both say the same. Beside each is something that no two may touch
//! at once, of whom one writes: loom's loads are never of what comes later, so that alone it does not see a message
//! written over before it was read.

use std::sync::atomic::Ordering::Relaxed;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;

use super::*;
use crate::sync::traced::Traced;

const ONE: By = By { slot: 0, generation: 1 };
const TWO: By = By { slot: 1, generation: 1 };
const THREE: By = By { slot: 2, generation: 1 };

const DIRECT: Rules =
    Rules { senders_claim: false, receivers_claim: false, drop_oldest: false, topic: false };
const SENDERS: Rules = Rules { senders_claim: true, ..DIRECT };
const RECEIVERS: Rules = Rules { receivers_claim: true, ..DIRECT };
const ALL: Rules = Rules { senders_claim: true, ..RECEIVERS };
const DROPPING: Rules = Rules { drop_oldest: true, ..RECEIVERS };

const CELL_BITS: u32 = 2;

struct Memory {
    control: [Traced; CONTROL_WORDS],
    cells: Vec<Traced>,
    touched: Vec<UnsafeCell<()>>,
    bits: u32,
    rules: Rules,
    /// Whether the quick ways are tried first.
    hurries: bool,
    one_is_dead: AtomicBool,
}

impl Memory {
    fn new(bits: u32, rules: Rules, hurries: bool) -> Arc<Self> {
        let words = 1 << (bits + CELL_BITS);
        Arc::new(Self {
            control: std::array::from_fn(|_| Traced::new(0)),
            cells: (0..words).map(|_| Traced::new(0)).collect(),
            touched: (0..1 << bits).map(|_| UnsafeCell::new(())).collect(),
            bits,
            rules,
            hurries,
            one_is_dead: AtomicBool::new(false),
        })
    }

    fn ring(&self) -> Ring<'_, Traced> {
        let Self { control, cells, bits, rules, .. } = self;
        Ring { control, records: &[], cells, cell_bits: CELL_BITS, bits: *bits, rules: *rules }
    }

    fn die(&self) {
        // Release: pairs with the Acquire in `is_gone`, as the kernel's own order does.
        self.one_is_dead.store(true, Ordering::Release);
    }

    /// Sends one message if there is room.
    fn send(&self, at: &SendingAt, me: By, message: u64) -> bool {
        let ring = self.ring();
        let quickly = if self.hurries { ring.claim_quickly(at, me) } else { None };
        let claim = quickly.map_or_else(|| ring.claim(at, me).unwrap(), Claim::Ours);
        match claim {
            Claim::Ours(position) => {
                self.write(position, message);
                assert!(ring.publish(at, position, me));
                true
            }
            Claim::Held(position) => {
                ring.skip_if_gone(position, self).unwrap();
                false
            }
            Claim::Full(_) | Claim::Restless => false,
        }
    }

    /// Sends them in this order, as far as there is room for each that is tried once: those that were sent.
    fn send_all(&self, me: By, messages: &[u64]) -> Vec<u64> {
        let at = self.ring().sending_from().unwrap();
        messages.iter().copied().filter(|&message| self.send(&at, me, message)).collect()
    }

    /// Receives what is there, trying so often.
    fn receive(&self, at: &ReceivingAt, me: By, tries: usize) -> Vec<u64> {
        (0..tries).filter_map(|_| self.try_receive(at, me)).collect()
    }

    fn try_receive(&self, at: &ReceivingAt, me: By) -> Option<u64> {
        let position = self.look(at, me)?;
        let message = self.read(position);
        assert!(self.ring().finish(at, position, me));
        Some(message)
    }

    fn touched(&self, position: u64) -> &UnsafeCell<()> {
        &self.touched[position as usize % self.touched.len()]
    }

    fn write(&self, position: u64, message: u64) {
        let cell = self.ring().cell(position);
        self.touched(position).with_mut(|_| {
            cell[1].store(message, Relaxed);
            cell[2].store(message, Relaxed);
        });
    }

    fn read(&self, position: u64) -> u64 {
        let cell = self.ring().cell(position);
        let halves = self.touched(position).with(|_| (cell[1].load(Relaxed), cell[2].load(Relaxed)));
        assert_eq!(halves.0, halves.1, "a message is whole");
        halves.0
    }

    /// As a receiver does that has time to look thoroughly.
    fn look(&self, at: &ReceivingAt, me: By) -> Option<u64> {
        let ring = self.ring();
        if self.hurries {
            match ring.glance(at, me) {
                Glance::Message(position) => return Some(position),
                Glance::Nothing => return None,
                Glance::Unclear => {}
            }
        }
        match ring.look(at, me).unwrap() {
            Found::Message(position) => Some(position),
            Found::Nothing => ring.take_over(at, me, self).unwrap(),
            Found::Unfinished(position) => {
                ring.skip_if_gone(position, self).unwrap();
                None
            }
        }
    }
}

impl Living for Memory {
    type Error = ();

    fn is_gone(&self, who: By) -> Result<bool, ()> {
        // Acquire: pairs with the Release in `die`.
        Ok(who == ONE && self.one_is_dead.load(Ordering::Acquire))
    }
}

fn explore(model: impl Fn(bool) + Sync + Send + 'static) {
    explore_within(2, model);
}

/// With so many preemptions: with the quick ways, and without them.
fn explore_within(preemptions: u8, model: impl Fn(bool) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(preemptions.into());
    let model = std::sync::Arc::new(model);
    for hurries in [true, false] {
        let model = std::sync::Arc::clone(&model);
        builder.check(move || model(hurries));
    }
}

fn beside<T: 'static>(
    memory: &Arc<Memory>,
    work: impl FnOnce(&Memory) -> T + 'static,
) -> thread::JoinHandle<T> {
    let memory = Arc::clone(memory);
    thread::spawn(move || work(&memory))
}

#[test]
fn loom_one_sends_to_one_in_order_and_whole() {
    for bits in [0, 1] {
        explore(move |hurries| {
            let memory = Memory::new(bits, DIRECT, hurries);
            let sending = beside(&memory, |memory| memory.send_all(ONE, &[1, 2, 3]));
            let at = memory.ring().receiving_from();
            let mut received = memory.receive(&at, TWO, 3);
            let sent = sending.join().unwrap();
            received.extend(memory.receive(&at, TWO, 3));
            assert_eq!(received, sent);
            assert_eq!(memory.ring().sent(), sent.len() as u64);
        });
    }
}

#[test]
fn loom_what_is_in_hand_is_not_written_over() {
    explore(|hurries| {
        let memory = Memory::new(1, DIRECT, hurries);
        let sending = beside(&memory, |memory| memory.send_all(ONE, &[1, 2, 3]));
        let at = memory.ring().receiving_from();
        let first = memory.look(&at, TWO);
        let mut received = memory.receive(&at, TWO, 2);
        if let Some(first) = first {
            received.insert(0, memory.read(first));
            assert!(memory.ring().finish(&at, first, TWO));
        }
        let sent = sending.join().unwrap();
        received.extend(memory.receive(&at, TWO, 3));
        assert_eq!(received, sent);
        assert_eq!(memory.ring().receiving_from().next.get(), sent.len() as u64);
    });
}

/// Each of two senders' messages come in their order, and each comes once.
fn two_send_to_one(rules: Rules) {
    explore(move |hurries| {
        let memory = Memory::new(0, rules, hurries);
        let sending = beside(&memory, |memory| memory.send_all(ONE, &[1, 2]));
        let other = beside(&memory, |memory| memory.send_all(TWO, &[10]));
        let at = memory.ring().receiving_from();
        let mut received = memory.receive(&at, THREE, 2);
        let sent = [sending.join().unwrap(), other.join().unwrap()];
        received.extend(memory.receive(&at, THREE, 3));
        let of =
            |wanted: fn(u64) -> bool| received.iter().copied().filter(|&one| wanted(one)).collect::<Vec<_>>();
        assert_eq!([of(|one| one < 10), of(|one| one >= 10)], sent, "{received:?}");
    });
}

#[test]
fn loom_two_send_to_one_that_is_alone() {
    two_send_to_one(SENDERS);
}

#[test]
fn loom_two_send_to_one_of_several() {
    two_send_to_one(ALL);
}

#[test]
fn loom_of_two_who_receive_each_message_reaches_one() {
    // More would take minutes.
    explore_within(1, |hurries| {
        let memory = Memory::new(1, RECEIVERS, hurries);
        let at = memory.ring().sending_from().unwrap();
        assert!(memory.send(&at, ONE, 1));
        let receiving = beside(&memory, |memory| memory.receive(&memory.ring().receiving_from(), TWO, 2));
        let sending = beside(&memory, move |memory| memory.send(&at, ONE, 2));
        let mine = memory.receive(&memory.ring().receiving_from(), THREE, 2);
        let mut all = [mine, receiving.join().unwrap()].concat();
        assert!(sending.join().unwrap());
        all.extend(memory.receive(&memory.ring().receiving_from(), THREE, 2));
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    });
}

#[test]
fn loom_who_dies_sending_is_passed_over() {
    for rules in [SENDERS, ALL] {
        explore(move |hurries| {
            let memory = Memory::new(0, rules, hurries);
            let dying = beside(&memory, |memory| {
                let (ring, at) = (memory.ring(), memory.ring().sending_from().unwrap());
                let Claim::Ours(position) = ring.claim(&at, ONE).unwrap() else { return false };
                memory.write(position, 1);
                memory.die();
                true
            });
            let sending = beside(&memory, |memory| memory.send_all(TWO, &[10]));
            let at = memory.ring().receiving_from();
            let mut received = memory.receive(&at, THREE, 2);
            let (claimed, mut sent) = (dying.join().unwrap(), sending.join().unwrap());
            // Whatever it has left, there is room again after a look.
            received.extend(memory.receive(&at, THREE, 2));
            sent.extend(memory.send_all(TWO, &[11]));
            received.extend(memory.receive(&at, THREE, 2));
            assert_eq!(received, sent);
            assert_eq!((sent.last(), memory.ring().skipped().load(Relaxed)), (Some(&11), u64::from(claimed)));
        });
    }
}

#[test]
fn loom_what_a_dead_one_has_taken_is_taken_over_by_one() {
    explore(|hurries| {
        let memory = Memory::new(1, RECEIVERS, hurries);
        let at = memory.ring().sending_from().unwrap();
        memory.send(&at, THREE, 1);
        let dying = beside(&memory, |memory| {
            if let Glance::Message(taken) = memory.ring().glance(&memory.ring().receiving_from(), ONE) {
                assert_eq!(memory.read(taken), 1);
            }
            memory.die();
        });
        let other = beside(&memory, |memory| memory.receive(&memory.ring().receiving_from(), TWO, 2));
        let mine = memory.receive(&memory.ring().receiving_from(), THREE, 1);
        let theirs = other.join().unwrap();
        dying.join().unwrap();
        // Whoever died with it, it is there for one.
        let late = memory.receive(&memory.ring().receiving_from(), THREE, 1);
        assert_eq!([mine, theirs, late].concat(), [1]);
        assert_eq!(memory.ring().receiving_from().next.get(), 1);
    });
}

#[test]
fn loom_what_is_oldest_is_dropped_and_never_torn() {
    explore(|hurries| {
        let memory = Memory::new(0, DROPPING, hurries);
        let sending = beside(&memory, |memory| memory.send_all(ONE, &[1, 2, 3]));
        let at = memory.ring().receiving_from();
        let mut received = memory.receive(&at, TWO, 2);
        let sent = sending.join().unwrap();
        received.extend(memory.receive(&at, TWO, 1));
        assert!(received.is_sorted() && received.last() == sent.last(), "{received:?} of {sent:?}");
        let dropped = memory.ring().dropped().load(Relaxed);
        assert_eq!(received.len() as u64 + dropped, sent.len() as u64);
    });
}
