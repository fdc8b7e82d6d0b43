//! The word of a cell: what became of the message there, who is at it, and which lap of the ring it is.

use crate::sync::lock::Holder;

/// What became of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Before the first lap.
    Empty,
    /// Somebody writes it.
    Claimed,
    /// It can be received.
    Published,
    /// Who wrote it has died.
    Skipped,
    /// Somebody reads it.
    Taken,
    /// It was received.
    Done,
}

const STATES: [State; 6] =
    [State::Empty, State::Claimed, State::Published, State::Skipped, State::Taken, State::Done];
const STATE: u64 = 0xf;
const SLOT_SHIFT: u32 = 4;
const GENERATION_SHIFT: u32 = 12;
const LAP_SHIFT: u32 = 28;
const LAPS: u64 = u64::MAX >> LAP_SHIFT;

/// An attachment, as far as there is room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) struct By {
    pub(in crate::channel) slot: u8,
    /// The lower half of it.
    pub(in crate::channel) generation: u16,
}

impl By {
    pub(in crate::channel) fn of(holder: Holder) -> Self {
        Self { slot: holder.slot as u8, generation: holder.generation as u16 }
    }

    /// In the bits above the lowest four.
    pub(in crate::channel) fn bits(self) -> u64 {
        u64::from(self.slot) << SLOT_SHIFT | u64::from(self.generation) << GENERATION_SHIFT
    }

    pub(in crate::channel) fn of_bits(bits: u64) -> Self {
        Self { slot: (bits >> SLOT_SHIFT) as u8, generation: (bits >> GENERATION_SHIFT) as u16 }
    }
}

/// A cell's word that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u64);

impl Mark {
    pub(super) fn new(state: State, lap: u64) -> Self {
        Self(state as u64 | lap << LAP_SHIFT)
    }

    pub(super) fn by(state: State, who: By, lap: u64) -> Self {
        Self(Self::new(state, lap).0 | who.bits())
    }

    /// Anything can be in it.
    pub(super) fn state(self) -> Option<State> {
        STATES.get((self.0 & STATE) as usize).copied()
    }

    pub(super) fn who(self) -> By {
        By::of_bits(self.0)
    }

    /// How many laps it is ahead of another. Half of all laps are behind.
    pub(super) fn ahead_of(self, lap: u64) -> i64 {
        let ahead = (self.0 >> LAP_SHIFT).wrapping_sub(lap) & LAPS;
        if ahead > LAPS / 2 { ahead as i64 - (LAPS + 1) as i64 } else { ahead as i64 }
    }

    /// Whether the message of that lap is of no use to anybody any more.
    pub(super) fn is_over(self, lap: u64) -> bool {
        match self.ahead_of(lap) {
            0 => matches!(self.state(), Some(State::Done | State::Skipped)),
            ahead => ahead > 0,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_parts() {
        let who = By { slot: 0xab, generation: 0xcdef };
        let mark = Mark::by(State::Taken, who, 7);
        assert_eq!(mark.0, 0x7cde_fab4);
        assert_eq!((mark.state(), mark.who()), (Some(State::Taken), who));
        assert_eq!(Mark(0).state(), Some(State::Empty));
        assert_eq!(Mark(0xf).state(), None);
    }

    #[test]
    fn laps_come_round() {
        let last = LAPS;
        for (lap, of, ahead) in
            [(7, 7, 0), (8, 7, 1), (6, 7, -1), (0, last, 1), (last, last + 1, -1), (1, last, 2)]
        {
            assert_eq!(Mark::new(State::Done, lap).ahead_of(of), ahead, "{lap} {of}");
        }
        assert!(Mark::new(State::Done, 3).is_over(3) && !Mark::new(State::Published, 3).is_over(3));
        assert!(Mark::new(State::Claimed, 4).is_over(3) && !Mark::new(State::Done, 2).is_over(3));
    }
}
