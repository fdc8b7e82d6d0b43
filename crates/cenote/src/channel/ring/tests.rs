//! The ring by one thread, and with anything in its words.

use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::*;

const ME: By = By { slot: 3, generation: 9 };
const RULES: [Rules; 5] = {
    let direct = Rules { senders_claim: false, receivers_claim: false, drop_oldest: false, topic: false };
    [
        direct,
        Rules { senders_claim: true, ..direct },
        Rules { receivers_claim: true, ..direct },
        Rules { senders_claim: true, receivers_claim: true, ..direct },
        Rules { senders_claim: true, receivers_claim: true, drop_oldest: true, ..direct },
    ]
};

struct Nobody;

impl Living for Nobody {
    type Error = std::convert::Infallible;

    fn is_gone(&self, _who: By) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

fn memory(bits: u32, word: impl Fn(usize) -> u64) -> ([AtomicU64; CONTROL_WORDS], Vec<AtomicU64>) {
    let words = |from: usize, at: usize| AtomicU64::new(word(from + at));
    (std::array::from_fn(|at| words(0, at)), (0..8 << bits).map(|at| words(CONTROL_WORDS, at)).collect())
}

fn ring<'a>(
    (control, cells): &'a ([AtomicU64; CONTROL_WORDS], Vec<AtomicU64>),
    bits: u32,
    rules: Rules,
) -> Ring<'a, AtomicU64> {
    Ring { control, records: &[], cells, cell_bits: 3, bits, rules }
}

#[test]
fn it_is_full_and_empty_when_it_should_be_for_many_laps() {
    for (rules, bits) in RULES.into_iter().flat_map(|rules| [0, 1, 3].map(|bits| (rules, bits))) {
        let memory = memory(bits, |_| 0);
        let ring = ring(&memory, bits, rules);
        let (sending, receiving) = (ring.sending_from().unwrap(), ring.receiving_from());
        let mut next = 0;
        for _ in 0..5 {
            for sent in next..next + ring.depth() {
                assert_eq!(ring.claim(&sending, ME), Ok(Claim::Ours(sent)), "{rules:?}");
                assert!(ring.publish(&sending, sent, ME));
            }
            if !rules.drop_oldest {
                assert_eq!(ring.claim(&sending, ME), Ok(Claim::Full(next + ring.depth())));
            }
            for received in next..next + ring.depth() {
                assert_eq!(ring.look(&receiving, ME), Ok(Found::Message(received)));
                assert!(!ring.is_over(received));
                assert!(ring.finish(&receiving, received, ME));
                assert!(ring.is_over(received));
            }
            assert_eq!(ring.look(&receiving, ME), Ok(Found::Nothing));
            next += ring.depth();
            assert_eq!((ring.sent(), ring.head().load(Relaxed)), (next, next), "{rules:?}");
            assert_eq!(ring.receiving_from().next.get(), next);
        }
        // Who comes now finds its place.
        assert_eq!(ring.claim(&ring.sending_from().unwrap(), ME), Ok(Claim::Ours(next)));
    }
}

#[test]
fn the_oldest_goes_but_not_from_under_a_reader() {
    let memory = memory(1, |_| 0);
    let ring = ring(&memory, 1, RULES[4]);
    let (sending, receiving) = (ring.sending_from().unwrap(), ring.receiving_from());
    let send = || match ring.claim(&sending, ME) {
        Ok(Claim::Ours(position)) => ring.publish(&sending, position, ME),
        other => panic!("{other:?}"),
    };
    assert!(send() && send() && send());
    assert_eq!(ring.dropped().load(Relaxed), 1);
    // The second and the third are there.
    assert_eq!(ring.look(&receiving, ME), Ok(Found::Message(1)));
    assert_eq!(ring.claim(&sending, ME), Ok(Claim::Held(1)), "it is being read");
    assert!(ring.finish(&receiving, 1, ME) && send() && send());
    assert_eq!((ring.dropped().load(Relaxed), ring.look(&receiving, ME)), (2, Ok(Found::Message(3))));
}

#[test]
fn who_sends_alone_goes_on_where_a_dead_one_ended() {
    let memory = memory(2, |_| 0);
    let ring = ring(&memory, 2, RULES[0]);
    let (first, receiving) = (ring.sending_from().unwrap(), ring.receiving_from());
    for position in 0..3 {
        assert_eq!(ring.claim(&first, ME), Ok(Claim::Ours(position)));
        ring.publish(&first, position, ME);
    }
    // As if it had died between publishing and saying so; and somebody has received it out of its turn.
    ring.tail().store(1, Relaxed);
    assert_eq!(ring.look(&receiving, ME), Ok(Found::Message(0)));
    assert_eq!(ring.look(&receiving, ME), Ok(Found::Message(1)));
    assert!(ring.finish(&receiving, 1, ME));
    assert_eq!(ring.sending_from().unwrap().next.get(), 3);
    // Who receives next begins with what was not finished, and does not get twice what was.
    let next = ring.receiving_from();
    assert_eq!(ring.look(&next, ME), Ok(Found::Message(0)));
    assert!(ring.finish(&next, 0, ME));
    assert_eq!(ring.look(&next, ME), Ok(Found::Message(2)));
}

/// Who has slept while others sent and received goes on where they are, at once: else it would say that there is no room,
/// or no message.
#[test]
fn who_was_away_for_long_finds_its_place_at_once() {
    for rules in RULES.into_iter().filter(|rules| rules.claims()) {
        let memory = memory(12, |_| 0);
        let ring = ring(&memory, 12, rules);
        let (away, sending) = (ring.sending_from().unwrap(), ring.sending_from().unwrap());
        let (receiving, late) = (ring.receiving_from(), ring.receiving_from());
        for position in 0..3 * TRIES {
            assert_eq!(ring.claim(&sending, ME), Ok(Claim::Ours(position)));
            assert!(ring.publish(&sending, position, ME));
            assert_eq!(ring.look(&receiving, ME), Ok(Found::Message(position)));
            assert!(ring.finish(&receiving, position, ME));
        }
        let next = sending.next.get();
        assert_eq!(ring.claim(&away, ME), Ok(Claim::Ours(next)), "{rules:?}");
        assert!(ring.publish(&away, next, ME));
        if rules.receivers_claim {
            assert_eq!(ring.look(&late, ME), Ok(Found::Message(next)), "{rules:?}");
        }
    }
}

/// Whatever is in the words: every call ends, and no position lies outside.
#[test]
fn anything_at_all_ends_in_time() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..3000 {
        let bits = (round % 4) as u32;
        let seed = random();
        let few = round % 4;
        let memory = memory(bits, |at| {
            let word = seed.wrapping_mul(at as u64 + 1).rotate_left(at as u32);
            match few {
                0 => word,
                1 => (word & 0xf) | (word & 3) << 28,
                // At the edges of all numbers.
                3 => (word & 7).wrapping_sub(4),
                _ => word & 0xff,
            }
        });
        for rules in RULES {
            let ring = ring(&memory, bits, rules);
            let at = Cell::new(0);
            if let Ok(sending) = ring.sending_from() {
                for _ in 0..10 {
                    match ring.claim(&sending, ME) {
                        Ok(Claim::Ours(position)) => {
                            ring.publish(&sending, position, ME);
                        }
                        Ok(Claim::Held(position)) => {
                            ring.skip_if_gone(position, &Nobody).unwrap();
                        }
                        _ => break,
                    }
                }
            }
            let receiving = ring.receiving_from();
            for _ in 0..10 {
                match ring.look(&receiving, ME) {
                    Ok(Found::Message(position)) => {
                        ring.finish(&receiving, position, ME);
                    }
                    Ok(Found::Unfinished(position)) => {
                        ring.skip_if_gone(position, &Nobody).unwrap();
                    }
                    _ => break,
                }
                at.set(at.get() + 1);
            }
            ring.take_over(&receiving, ME, &Nobody).unwrap();
            ring.sent();
        }
    }
}

/// The same of a topic, with positions at the edges, too.
#[test]
fn anything_at_all_in_a_topic_ends_in_time() {
    let edges = [0, 1, 1 << 35, 1 << 36, 1 << 46, 1 << 60, 1 << 63, u64::MAX];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..3000_u64 {
        let bits = (round % 4) as u32;
        let near = edges[(random() % 8) as usize].wrapping_add(random() % 16).wrapping_sub(8);
        let rough = random() % 3 == 0;
        let mut word = |at: usize| match (random(), at) {
            (seen, _) if rough || seen % 16 == 0 => seen.rotate_left(at as u32),
            (seen, at) if at < CONTROL_WORDS => near.wrapping_add(seen % 8),
            // A cell's word, as it could be there.
            (seen, _) => {
                (near >> bits).wrapping_add(seen % 3) << 28
                    | [2, 2, 2, 1, 3, 5, 4, 0][(seen >> 8) as usize % 8]
            }
        };
        let memory = (
            std::array::from_fn(|at| AtomicU64::new(word(at))),
            (0..8 << bits).map(|at| AtomicU64::new(word(CONTROL_WORDS + at))).collect(),
        );
        let records: Vec<_> = (0..256 * 8)
            .map(|at| AtomicU64::new(near.wrapping_add(at as u64) << 18 | (at as u64 & 3) << 16))
            .collect();
        for (senders_claim, drop_oldest) in [(false, false), (false, true), (true, false), (true, true)] {
            let rules = Rules { senders_claim, receivers_claim: false, drop_oldest, topic: true };
            let ring = Ring { records: &records, ..ring(&memory, bits, rules) };
            let reading = ring.reading_from(round % 5);
            let from = ring.subscribe(ME, reading.next.get());
            assert!(from.is_ok());
            if let Ok(sending) = ring.sending_from() {
                let withdrawn = Cell::new(near);
                for _ in 0..10 {
                    match ring
                        .claim_quickly(&sending, ME)
                        .map_or_else(|| ring.claim(&sending, ME), |at| Ok(Claim::Ours(at)))
                    {
                        Ok(Claim::Ours(position)) => {
                            ring.publish(&sending, position, ME);
                        }
                        Ok(Claim::Held(position)) => {
                            ring.skip_if_gone(position, &Nobody).unwrap();
                        }
                        Ok(Claim::Full(_)) => {
                            ring.forget_the_gone(&Nobody).unwrap();
                        }
                        _ => break,
                    }
                    let mut candidates = Candidates::default();
                    candidates.push(1, 0);
                    ring.strike_kept(&mut candidates);
                    ring.withdraw(&withdrawn, ring.held_back_at(ring.sent()), |_| true);
                }
            }
            for _ in 0..10 {
                match ring.read(&reading) {
                    Ok(Seen::Message(position)) => {
                        ring.is_still_there(position);
                        reading.next.set(position.wrapping_add(1));
                    }
                    Ok(Seen::Unfinished(position, _)) => {
                        ring.skip_if_gone(position, &Nobody).unwrap();
                    }
                    _ => break,
                }
                ring.record(ME).unwrap().say(reading.next.get(), reading.missed.get(), true);
            }
        }
    }
}
