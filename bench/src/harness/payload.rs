//! What the messages hold: the same for all contenders, written and read the same way.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::Fault;

/// Words of a cache line.
const LINE: usize = 8;

/// The contents of one message: word `i` is `first + i`, so that a torn or a wrong message has another sum.
#[derive(Clone, Copy)]
pub(crate) struct Payload {
    first: u64,
    /// Only the first and the last line are written and read.
    ends: bool,
}

impl Payload {
    /// Written whole and read whole.
    #[inline]
    pub(crate) fn whole(number: u64) -> Self {
        Self { first: number.wrapping_mul(0x9E37_79B9_7F4A_7C15), ends: false }
    }

    /// The first and the last line written and read.
    #[inline]
    pub(crate) fn ends(number: u64) -> Self {
        Self { ends: true, ..Self::whole(number) }
    }

    /// What the message holds after `at` words, as the payload of a piece; for messages that travel in pieces.
    #[inline]
    pub(crate) fn after_words(self, at: usize) -> Self {
        debug_assert!(!self.ends, "a piece has no ends");
        Self { first: self.first.wrapping_add(at as u64), ..self }
    }

    #[inline]
    pub(crate) fn fill(self, words: &mut [u64]) {
        // SAFETY: the same memory as words that may hold anything; only words are written to it.
        let words = unsafe { &mut *(std::ptr::from_mut(words) as *mut [MaybeUninit<u64>]) };
        self.fill_uninit(words);
    }

    #[inline]
    pub(crate) fn fill_uninit(self, words: &mut [MaybeUninit<u64>]) {
        let count = words.len();
        if self.ends && count > 2 * LINE {
            self.put(0, &mut words[..LINE]);
            self.put(count - LINE, &mut words[count - LINE..]);
        } else {
            self.put(0, words);
        }
    }

    #[inline]
    fn put(self, at: usize, words: &mut [MaybeUninit<u64>]) {
        let first = self.first.wrapping_add(at as u64);
        for (index, word) in words.iter_mut().enumerate() {
            word.write(first.wrapping_add(index as u64));
        }
    }

    /// Whether `words` are this message.
    #[inline]
    pub(crate) fn check(self, words: &[u64]) -> Result<(), Fault> {
        let count = words.len();
        let good = if self.ends && count > 2 * LINE {
            self.is_sum(0, &words[..LINE]) && self.is_sum(count - LINE, &words[count - LINE..])
        } else {
            self.is_sum(0, words)
        };
        if good { Ok(()) } else { Err(self.wrong(words)) }
    }

    #[inline]
    fn is_sum(self, at: usize, words: &[u64]) -> bool {
        let first = self.first.wrapping_add(at as u64);
        let count = words.len() as u64;
        let expected = first.wrapping_mul(count).wrapping_add(count * count.saturating_sub(1) / 2);
        words.iter().fold(0_u64, |sum, &word| sum.wrapping_add(word)) == expected
    }

    #[cold]
    fn wrong(self, words: &[u64]) -> Fault {
        let first = words.first().copied().unwrap_or_default();
        format!(
            "a message of {} words begins with {first:#x} and not {:#x}, or is torn",
            words.len(),
            self.first
        )
    }
}

/// Words as the bytes that system calls take.
#[inline]
pub(crate) fn bytes(words: &[u64]) -> &[u8] {
    // SAFETY: the same memory; bytes need no alignment, and words have no padding.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

/// Words as the bytes that system calls fill.
#[inline]
pub(crate) fn bytes_mut(words: &mut [u64]) -> &mut [u8] {
    // SAFETY: the same memory; bytes need no alignment, and any bytes are words.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_filled_is_right_and_nothing_else() {
        for count in [1, 8, 17, 1024] {
            let mut words = vec![0; count];
            for payload in [Payload::whole(7), Payload::ends(7)] {
                payload.fill(&mut words);
                payload.check(&words).unwrap();
                Payload::whole(8).check(&words).unwrap_err();
                words[count - 1] ^= 1;
                payload.check(&words).unwrap_err();
            }
        }
    }

    #[test]
    fn only_the_ends_are_touched() {
        let mut words = vec![0; 64];
        Payload::ends(1).fill(&mut words);
        assert!(words[8..56].iter().all(|&word| word == 0));
        assert!(words[..8].iter().chain(&words[56..]).all(|&word| word != 0));
    }

    #[test]
    fn pieces_are_the_whole() {
        let mut words = vec![0; 64];
        Payload::whole(3).fill(&mut words);
        Payload::whole(3).after_words(40).check(&words[40..]).unwrap();
    }
}
