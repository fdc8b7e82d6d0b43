//! Sizes for people.

/// A number of bytes in the largest unit that leaves at least 1 before the point: `64KiB`, `1.5MiB`, `100B`. Without
/// spaces, so that columns stay columns.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let power = bytes.ilog2() / 10;
    let unit = UNITS[power as usize - 1];
    let whole = bytes >> (10 * power);
    // The first digit after the point, rounded down: what is 64KiB was exactly that, or a little more.
    let tenths = ((bytes >> (10 * (power - 1))) & 1023) * 10 / 1024;
    if tenths == 0 { format!("{whole}{unit}") } else { format!("{whole}.{tenths}{unit}") }
}

/// A number of bytes to the byte: `1 byte`, `14 bytes`.
pub(crate) fn exact(bytes: usize) -> String {
    format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_are_short() {
        let pairs = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1KiB"),
            (1536, "1.5KiB"),
            (65_536, "64KiB"),
            (65_535, "63.9KiB"),
            (10_000_000, "9.5MiB"),
            (1 << 40, "1TiB"),
            (u64::MAX, "15.9EiB"),
        ];
        for (bytes, text) in pairs {
            assert_eq!(human(bytes), text);
        }
    }
}
