//! Messages of all lengths that say who sent them and whether they are whole: for storms and soaks.

use testkit::Rng;

pub(crate) const LONGEST: usize = 4096;
/// Up to here they lie in cells.
const SHORT: usize = 112;
/// Whose, which one, and a sum of all.
const HEAD: usize = 24;
/// A message: the number of its sender, of all that there ever were, and its own, of all that this one has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) sender: u32,
    pub(crate) number: u64,
}

impl Id {
    /// So many bits are enough for a sender that sends for a year.
    const NUMBER_BITS: u32 = 40;

    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.sender) << Self::NUMBER_BITS | self.number
    }

    pub(crate) fn of_word(word: u64) -> Self {
        let number = word & ((1 << Self::NUMBER_BITS) - 1);
        Self { sender: (word >> Self::NUMBER_BITS) as u32, number }
    }

    /// Its bytes: every message has others, and how many there are follows from whose it is, too.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut rng = Rng::new(self.to_word());
        let range = if rng.one_in(4) { SHORT + 1..LONGEST + 1 } else { HEAD..SHORT + 1 };
        let len = range.start + rng.below(range.len() as u64) as usize;
        self.filled(len, &mut rng)
    }

    /// Its bytes where all have as many.
    pub(crate) fn bytes_of(self, len: usize) -> Vec<u8> {
        self.filled(len, &mut Rng::new(self.to_word()))
    }

    fn filled(self, len: usize, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = vec![0; len];
        rng.fill(&mut bytes[HEAD..]);
        bytes[..8].copy_from_slice(&self.to_word().to_le_bytes());
        let sum = sum(&bytes);
        bytes[16..HEAD].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Of one that was received: as a whole. All have `len` bytes, or each as many as it has.
    pub(crate) fn of(bytes: &[u8], len: Option<usize>) -> Self {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let mut checked = bytes.to_vec();
        checked[16..HEAD].fill(0);
        assert_eq!(sum(&checked), word(16), "a torn message");
        let id = Self::of_word(word(0));
        let sent = len.map_or_else(|| id.bytes(), |len| id.bytes_of(len));
        assert_eq!(bytes, sent, "{id:?} was sent as another one");
        id
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}
