//! Queues and topics: what the data of a native segment are that has one. `docs/format/channel.md` says it byte by byte.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::SLOTS;
use crate::error::{Error, ErrorKind, Result};

/// What processors fetch at once.
pub(crate) const LINE: usize = 64;
const WORD: usize = size_of::<u64>();
/// What a cell begins with: its word, and a word of what it holds.
const CELL_HEAD: usize = 2 * WORD;
/// Where chunks begin, if they are as large as that.
const PAGE: usize = 4096;

/// What one process writes again and again, and what another reads, are so far from each other: processors fetch lines by
/// twos.
const PAIR: usize = 2 * LINE;

/// Where the lock is of who alone may send.
pub(crate) const SENDING_END: usize = LINE;
/// Where the lock is of who alone may receive.
pub(crate) const RECEIVING_END: usize = LINE + WORD;
/// Where those who send say how far they are, how deep it was at most, and how many were dropped.
pub(crate) const TAIL: usize = PAIR;
pub(crate) const DEEPEST: usize = TAIL + WORD;
pub(crate) const DROPPED: usize = TAIL + 2 * WORD;
/// Where those who receive say how far they are, and how many were passed over; of a topic, up to where all may be written
/// over, and how many records were ever used.
pub(crate) const HEAD: usize = 2 * PAIR;
pub(crate) const SKIPPED: usize = HEAD + WORD;
pub(crate) const SUBSCRIBED: usize = HEAD + 2 * WORD;
/// Where those sleep who wait for a message.
pub(crate) const ARRIVALS: usize = 3 * PAIR;
/// Where those sleep who wait for room.
pub(crate) const ROOM: usize = 4 * PAIR;
/// Where what is in front of the others ends, in bytes and words: of a topic the records follow, and then the cells.
const CONTROL: usize = 5 * PAIR;
pub(crate) const CONTROL_WORDS: usize = CONTROL / WORD;

/// What one who subscribes says of itself, by its slot, in words: where it is, how many it has missed, and then the chunks
/// that it has in hand.
pub(crate) const RECORD_WORDS: usize = LINE / WORD;
pub(crate) const PLACE: usize = 0;
pub(crate) const MISSED: usize = 1;
pub(crate) const KEPT_CHUNKS: usize = 2;
/// How many chunks one can have in hand.
pub(crate) const MOST_KEPT: u32 = (RECORD_WORDS - KEPT_CHUNKS) as u32;

/// The most messages that a channel can have room for.
pub(crate) const MOST_CELLS: u64 = 1 << 24;
/// The longest message that lies in a cell where no other size asks for more.
const SHORT: usize = 2 * LINE - CELL_HEAD;
/// The longest that lies in a cell at all.
const LONGEST_INLINE: usize = 4 * LINE - CELL_HEAD;
/// The longest message. Its length is in 32 bits.
pub(crate) const LONGEST: u64 = u32::MAX as u64;

/// In front of all, and never changed.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Plan {
    depth: U32,
    /// Of a cell, in lines.
    lines: U32,
    longest: U64,
    chunks: U32,
    senders: U32,
    receivers: U32,
    when_full: U32,
    reserved: [u8; 32],
}

const _: () = assert!(size_of::<Plan>() == LINE);

/// What a sender does that finds no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits.
    #[default]
    Wait,
    /// It is told so at once.
    Fail,
    /// It puts its message in the place of the oldest one.
    DropOldest,
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// One of many.
    OneOfMany,
    /// The only one there is.
    One,
    /// Everybody: a topic.
    All,
}

/// A channel as it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// How many messages it has room for: made a power of two.
    pub(crate) depth: u64,
    /// In bytes.
    pub(crate) longest: u64,
    /// How many chunks there are beyond one for each cell.
    pub(crate) spare: u64,
    pub(crate) one_sender: bool,
    pub(crate) to: To,
    pub(crate) when_full: WhenFull,
}

/// A channel as it is: all sizes were checked, and lie within the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The depth is two to the power of this.
    pub(crate) bits: u32,
    /// Of a cell.
    lines: usize,
    pub(crate) longest: usize,
    pub(crate) chunks: usize,
    pub(crate) one_sender: bool,
    pub(crate) to: To,
    pub(crate) when_full: WhenFull,
}

impl Plan {
    /// Of a new one.
    pub(crate) fn new(wish: &Wish) -> Result<Self> {
        if wish.depth == 0 || wish.depth > MOST_CELLS {
            return Err(Error::new(
                ErrorKind::InvalidSize,
                format!("it cannot have room for {} messages", wish.depth),
            )
            .with_hint(format!("a channel has room for 1 to {MOST_CELLS}")));
        }
        if wish.longest > LONGEST {
            let what = format!("a message of {} bytes is longer than any can be", wish.longest);
            return Err(
                Error::new(ErrorKind::InvalidSize, what).with_hint(format!("{LONGEST} bytes is the most"))
            );
        }
        let depth = wish.depth.next_power_of_two();
        let in_cells = wish.longest as usize <= LONGEST_INLINE;
        let room = if in_cells { wish.longest as usize } else { SHORT };
        // One, two or four: so that a cell of one line is on one line, and of two on a pair of them.
        let lines = (room + CELL_HEAD).div_ceil(LINE).next_power_of_two();
        let chunks = if in_cells { 0 } else { depth.saturating_add(wish.spare) };
        let few = |number: u64| U32::new(u32::try_from(number).unwrap_or(u32::MAX));
        Ok(Self {
            depth: few(depth),
            lines: few(lines as u64),
            longest: wish.longest.into(),
            chunks: few(chunks),
            senders: u32::from(wish.one_sender).into(),
            receivers: to_number(wish.to).into(),
            when_full: when_full_to(wish.when_full).into(),
            reserved: [0; 32],
        })
    }

    /// What it says, if that is possible.
    pub(crate) fn check(&self) -> Result<Shape> {
        let depth = self.depth.get();
        let lines = self.lines.get() as usize;
        let longest = self.longest.get();
        let possible = depth.is_power_of_two()
            && u64::from(depth) <= MOST_CELLS
            && matches!(lines, 1 | 2 | 4)
            && longest <= LONGEST
            && (self.chunks.get() > 0 || longest as usize <= lines * LINE - CELL_HEAD);
        let when_full = when_full_of(self.when_full.get()).filter(|_| possible).ok_or_else(damaged)?;
        let to = to_of(self.receivers.get()).ok_or_else(damaged)?;
        Ok(Shape {
            bits: depth.trailing_zeros(),
            lines,
            longest: longest as usize,
            chunks: self.chunks.get() as usize,
            one_sender: self.senders.get() == 1,
            to,
            when_full,
        })
    }
}

fn to_number(to: To) -> u32 {
    match to {
        To::OneOfMany => 0,
        To::One => 1,
        To::All => 2,
    }
}

fn to_of(number: u32) -> Option<To> {
    [To::OneOfMany, To::One, To::All].into_iter().find(|&one| to_number(one) == number)
}

fn when_full_to(when_full: WhenFull) -> u32 {
    match when_full {
        WhenFull::Wait => 0,
        WhenFull::Fail => 1,
        WhenFull::DropOldest => 2,
    }
}

fn when_full_of(number: u32) -> Option<WhenFull> {
    [WhenFull::Wait, WhenFull::Fail, WhenFull::DropOldest]
        .into_iter()
        .find(|&one| when_full_to(one) == number)
}

#[cold]
fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "it says that it is a channel of a form that none has")
        .with_hint("somebody has scribbled over it: `cenote rm` removes it")
}

impl Shape {
    pub(crate) fn depth(&self) -> u64 {
        1 << self.bits
    }

    /// How many lines a cell has.
    #[inline]
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// A cell has two to the power of this words.
    pub(crate) fn cell_bits(&self) -> u32 {
        (self.lines * LINE / WORD).trailing_zeros()
    }

    /// How long a message in a cell can be.
    pub(crate) fn inline(&self) -> usize {
        self.lines * LINE - CELL_HEAD
    }

    fn cells_len(&self) -> usize {
        (1_usize << self.bits) * self.lines * LINE
    }

    /// Whether who receives has to say so first: another one, or a sender who drops what is oldest, could come as well.
    pub(crate) fn receivers_claim(&self) -> bool {
        match self.to {
            To::OneOfMany => true,
            To::One => self.when_full == WhenFull::DropOldest,
            To::All => false,
        }
    }

    pub(crate) fn is_topic(&self) -> bool {
        self.to == To::All
    }

    /// How many words the records have.
    pub(crate) fn record_words(&self) -> usize {
        if self.is_topic() { SLOTS as usize * RECORD_WORDS } else { 0 }
    }

    /// Where the record is of one who has that slot.
    pub(crate) fn record_at(&self, slot: u8) -> usize {
        CONTROL + usize::from(slot) * RECORD_WORDS * WORD
    }

    /// Where the cells are.
    #[inline]
    pub(crate) fn cells_at(&self) -> usize {
        CONTROL + self.record_words() * WORD
    }

    /// Where the words of the chunks are.
    pub(crate) fn chunk_words_at(&self) -> usize {
        self.cells_at() + self.cells_len()
    }

    /// Where they end.
    pub(crate) fn chunk_words_end(&self) -> usize {
        self.chunk_words_at() + self.chunks * WORD
    }

    fn chunks_at(&self) -> usize {
        self.chunk_words_end().next_multiple_of(if self.longest < PAGE { LINE } else { PAGE })
    }

    fn stride(&self) -> usize {
        self.longest.next_multiple_of(if self.longest < PAGE { LINE } else { PAGE })
    }

    /// Where a chunk begins.
    #[inline]
    pub(crate) fn chunk_at(&self, chunk: usize) -> usize {
        self.chunks_at() + chunk * self.stride()
    }

    /// How many bytes of data all of it takes.
    pub(crate) fn size(&self) -> Result<u64> {
        let chunks = (self.chunks as u64).checked_mul(self.stride() as u64);
        let size = chunks.and_then(|chunks| chunks.checked_add(self.chunks_at() as u64));
        size.filter(|&size| usize::try_from(size).is_ok_and(|size| size <= isize::MAX as usize)).ok_or_else(
            || {
                let what = format!("{} messages of {} bytes cannot be addressed", self.chunks, self.longest);
                Error::new(ErrorKind::InvalidSize, what).with_hint("ask for fewer, or for shorter ones")
            },
        )
    }

    /// The same, if it is within `len` bytes.
    pub(crate) fn within(self, len: usize) -> Result<Self> {
        if self.size().is_ok_and(|size| size <= len as u64) { Ok(self) } else { Err(damaged()) }
    }
}
