//! Words that no honest peer writes.

/// What a word can be that is one of a cell, of a chunk, or a position.
pub(crate) fn words() -> Vec<u64> {
    let mut all = vec![0, 1, 16, 255, u64::from(u32::MAX), 1 << 63, u64::MAX - 1, u64::MAX];
    for state in 0..8 {
        for lap in [0, 1, 2] {
            // Those of the first slots, and none.
            for who in [1, 0xff] {
                all.push(state | who << 4 | 1 << 12 | lap << 28);
            }
        }
    }
    all
}
