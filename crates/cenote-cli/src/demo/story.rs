//! The story on paper: who does what, how long it takes, and by which system calls.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use super::trouble::Trouble;

/// Writes to stdout, a line at a time, as things happen.
pub(super) struct Story {
    quiet: bool,
}

impl Story {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A line on its own.
    pub(super) fn line(&mut self, text: impl Display) -> Result<(), Trouble> {
        if self.quiet {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Trouble::Stdout)
    }

    /// What an act is about.
    pub(super) fn act(&mut self, title: &str) -> Result<(), Trouble> {
        self.line(format_args!("\n{title}"))
    }

    /// Somebody does something.
    pub(super) fn row(
        &mut self,
        who: &str,
        what: impl Display,
        time: Option<Duration>,
        how: impl Display,
    ) -> Result<(), Trouble> {
        self.line(row(who, &what, time, &how))
    }
}

fn row(who: &str, what: &dyn Display, time: Option<Duration>, how: &dyn Display) -> String {
    let time = time.map(short).unwrap_or_default();
    format!("  {who:<7} {:<41} {time:>7}  {how}", what.to_string()).trim_end().to_owned()
}

/// A time with as many digits as mean something.
fn short(time: Duration) -> String {
    let microseconds = time.as_nanos() as f64 / 1000.0;
    match microseconds {
        ..9.95 => format!("{microseconds:.1} µs"),
        ..999.5 => format!("{microseconds:.0} µs"),
        ..9950.0 => format!("{:.1} ms", microseconds / 1000.0),
        ..999_500.0 => format!("{:.0} ms", microseconds / 1000.0),
        _ => format!("{:.1} s", microseconds / 1e6),
    }
}

/// A number with a comma before each three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let cases =
            [(0, "0.0 µs"), (123, "0.1 µs"), (9_960, "10 µs"), (212_400, "212 µs"), (999_600, "1.0 ms")];
        for (nanoseconds, text) in cases {
            assert_eq!(short(Duration::from_nanos(nanoseconds)), text);
        }
        assert_eq!(short(Duration::from_millis(42)), "42 ms");
        assert_eq!(short(Duration::from_millis(1_250)), "1.2 s");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(7, "7"), (640, "640"), (64_000, "64,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn rows_have_columns() {
        let time = Some(Duration::from_micros(95));
        let longest = row("command", &"creates posix:/cenote-demo-4194304, 4 KiB", time, &"x");
        assert_eq!(longest, "  command creates posix:/cenote-demo-4194304, 4 KiB   95 µs  x");
        assert_eq!(row("server", &"locks", None, &"x").chars().count(), longest.chars().count());
        assert_eq!(row("server", &"locks", None, &""), "  server  locks");
    }
}
