//! A value of 4 KiB in which every word says whether it belongs to the others.

use cenote::Shared;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const WORDS: usize = 510;

#[derive(Clone, Debug, PartialEq, Eq, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Frame {
    pub(crate) number: u64,
    words: [u64; WORDS],
    sum: u64,
}

impl Frame {
    pub(crate) fn new(number: u64) -> Self {
        let words = std::array::from_fn(|at| mixed(number, at));
        Self { number, sum: sum(number, &words), words }
    }

    /// Whether it is one that was made as a whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.sum == sum(self.number, &self.words) && *self == Self::new(self.number)
    }
}

fn mixed(number: u64, at: usize) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32 % 64) ^ at as u64
}

fn sum(number: u64, words: &[u64; WORDS]) -> u64 {
    words.iter().fold(number, |sum, word| sum.rotate_left(1) ^ word)
}
