//! What is written over a segment: chosen bytes at chosen places, by `docs/format/segment.md`.

use testkit::Rng;

/// In front of the data.
pub(crate) const FRONT: u64 = 12_288;
const SLOTS: u64 = 4096;
const LOCK: u64 = 192;
/// For what has a name: 16 of 64 bytes.
const PLACES: u64 = 256;
const DESCRIPTION: u64 = 1280;

/// The fields of the header: where, and of how many bytes.
const FIELDS: [(u64, usize); 20] = [
    (0, 8),
    (8, 4),
    (12, 4),
    (16, 8),
    (24, 8),
    (32, 4),
    (36, 4),
    (40, 4),
    (44, 4),
    (48, 8),
    (56, 8),
    (64, 8),
    (72, 4),
    (76, 4),
    (80, 48),
    (128, 4),
    (LOCK, 8),
    (LOCK + 8, 56),
    (DESCRIPTION, 4),
    (DESCRIPTION + 4, 200),
];

/// A place, and how many bytes belong together there.
pub(crate) fn place(rng: &mut Rng, file: u64) -> (u64, usize) {
    match rng.below(16) {
        0..=4 => *rng.choose(&FIELDS),
        5..=6 => (LOCK, 8),
        // The first places are those that are in use.
        7 => {
            let most = *rng.choose(&[2, 6, 16]);
            let place = PLACES + 64 * rng.below(most);
            let (field, len) = *rng.choose(&[(0, 8), (0, 64), (8, 8), (16, 4), (16, 8), (20, 4), (24, 40)]);
            (place + field, len)
        }
        // The first slots are those that somebody has.
        8..=9 => (SLOTS + 32 * rng.below(4) + *rng.choose(&[0, 0, 0, 4, 12, 16, 24]), 4),
        10 => (SLOTS + 32 * rng.below(256), 32),
        // The control line of a value, and the length of a blob.
        11 => *rng.choose(&[(FRONT, 8), (FRONT, 64), (FRONT + 8, 8), (FRONT + 16, 8), (FRONT + 64, 8)]),
        12..=14 => (FRONT + channel_place(rng), 8),
        _ => (rng.below(file.max(1)), 1 + rng.below(300) as usize),
    }
}

/// A word of a queue or a topic, by `docs/format/channel.md`: of its plan, of those in front of the cells, of the first cells (their words,
/// what they say, and the numbers of their chunks), and of the chunks behind them.
fn channel_place(rng: &mut Rng) -> u64 {
    const RECORDS: u64 = 640;
    const CELL: u64 = 128;
    // Of a topic they lie behind the records.
    let cells = *rng.choose(&[RECORDS, RECORDS + 256 * 64]);
    match rng.below(9) {
        0 => 8 * rng.below(4),
        1..=3 => *rng.choose(&[64, 72, 128, 136, 256, 264, 272, 384, 512]),
        4..=5 => cells + CELL * rng.below(4),
        6 => cells + CELL * rng.below(4) + *rng.choose(&[8, 16]),
        // The first records are those that somebody has.
        7 => RECORDS + 64 * rng.below(5) + *rng.choose(&[0, 0, 8, 16, 24]),
        _ => cells + CELL * 4 + 8 * rng.below(6),
    }
}

/// A word that could be a cell's or a chunk's: a state, somebody who may be there, and a lap that may be this one.
fn cell_word(rng: &mut Rng) -> u64 {
    let generation = *rng.choose(&[0, 1, 1, 2, 3, 0xffff]);
    let lap = *rng.choose(&[0, 1, 1, 2, 2, 3, (1 << 36) - 1]);
    rng.below(7) | rng.below(5) << 4 | generation << 12 | lap << 28
}

/// A word that could be the place of one who has subscribed: somebody may be there, near the others or far away.
fn record_place(rng: &mut Rng) -> u64 {
    let position = *rng.choose(&[0, 1, 2, 5, 100, u64::MAX >> 18, u64::MAX >> 17]);
    position << 17 | 1 << 16 | *rng.choose(&[0, 1, 1, 2, 3, 0xffff])
}

/// What is written in the place of `there`. `file` is the file's size.
pub(crate) fn instead_of(there: &[u8], file: u64, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = there.to_vec();
    match rng.below(10) {
        0 => bytes.fill(0),
        8 => put(&mut bytes, cell_word(rng)),
        9 => {
            let word = if rng.one_in(2) { cell_word(rng) } else { record_place(rng) };
            put(&mut bytes, word);
        }
        1 => bytes.fill(0xff),
        2 => rng.fill(&mut bytes),
        3 if !bytes.is_empty() => {
            let which = rng.below(bytes.len() as u64) as usize;
            bytes[which] ^= 1 << rng.below(8);
        }
        4 => {
            // One more or one less than what is there.
            let by = if rng.one_in(2) { 1 } else { u64::MAX };
            put(&mut bytes, number(there).wrapping_add(by));
        }
        5 => put(&mut bytes, boundary(file, rng)),
        // What a place is, or what is in one.
        6 => put(&mut bytes, rng.below(7) | rng.below(4) << 32),
        _ => put(&mut bytes, lock_word(rng)),
    }
    bytes
}

/// Numbers at which sizes, offsets and counts change their meaning.
fn boundary(file: u64, rng: &mut Rng) -> u64 {
    let edge = *rng.choose(&[
        0,
        1,
        255,
        256,
        4096,
        FRONT,
        file,
        file.wrapping_sub(FRONT),
        1 << 31,
        1 << 32,
        1 << 47,
        1 << 62,
        1 << 63,
        u64::MAX - FRONT,
        u64::MAX,
    ]);
    edge.wrapping_add(rng.below(3)).wrapping_sub(1)
}

/// A word that could be the lock's: flags, a slot that may be somebody's, and a generation that may be its.
fn lock_word(rng: &mut Rng) -> u64 {
    let slot = *rng.choose(&[0, 1, 1, 2, 2, 3, 4, 255, 256, 257, 0xffff]);
    let generation = *rng.choose(&[0, 1, 1, 2, 3, u64::from(u32::MAX)]);
    generation << 32 | slot << 16 | rng.below(4) | u64::from(rng.one_in(8)) << 7
}

fn number(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let len = bytes.len().min(8);
    eight[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(eight)
}

fn put(bytes: &mut [u8], number: u64) {
    let len = bytes.len().min(8);
    bytes[..len].copy_from_slice(&number.to_le_bytes()[..len]);
}
