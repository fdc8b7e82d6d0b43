//! The messages between the command and the two roles: a line each, a word and then numbers, or words.
//!
//! The parent says a word to the stdin of a role; the role reports on its stdout, and the first number of a report is
//! a time in nanoseconds, as the role measured it.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use super::trouble::Trouble;

/// What went wrong, and after it what to do about it.
const TROUBLE: &str = "trouble";
const BETWEEN: char = '\t';

/// A role's end of the pipes.
pub(super) struct Wire(());

impl Wire {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// Waits for the parent to say `word`. If the parent is gone, that is seen here too.
    pub(super) fn wait_for(&self, word: &str) -> Result<(), Trouble> {
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => Err(Trouble::Alone),
            Ok(_) if line.trim_end() == word => Ok(()),
            Ok(_) => {
                Err(Trouble::unexpected(format!("`{word}` was expected, and here is `{}`", line.trim_end())))
            }
        }
    }

    /// Says what was done, how long it took, and what there is to know of it.
    pub(super) fn report(&self, word: &str, time: Duration, numbers: &[u64]) -> Result<(), Trouble> {
        let mut line = format!("{word} {}", time.as_nanos());
        for number in numbers {
            line.push_str(&format!(" {number}"));
        }
        self.say(&line)
    }

    /// Tells the parent why this role ends.
    pub(super) fn complain(&self, trouble: &Trouble) -> Result<(), Trouble> {
        let (what, hint) = trouble.words();
        let line = |text: String| text.replace(['\n', BETWEEN], " ");
        self.say(&format!("{TROUBLE} {}{BETWEEN}{}", line(what), line(hint)))
    }

    fn say(&self, line: &str) -> Result<(), Trouble> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|_| Trouble::Alone)
    }
}

/// A report, as the parent received it.
#[derive(Debug)]
pub(super) struct Report {
    line: String,
    /// When it arrived.
    pub(super) at: Instant,
}

impl Report {
    pub(super) fn new(line: String) -> Self {
        Self { line, at: Instant::now() }
    }

    /// The time and the numbers of a report of `word`, or what went wrong instead.
    pub(super) fn read<const N: usize>(&self, word: &str) -> Result<(Duration, [u64; N]), Trouble> {
        let unexpected =
            || Trouble::unexpected(format!("`{word}` was expected, and here is `{}`", self.line));
        let (said, rest) = self.line.split_once(' ').ok_or_else(unexpected)?;
        if said == TROUBLE {
            let (what, hint) = rest.split_once(BETWEEN).unwrap_or((rest, ""));
            return Err(Trouble::told(what, hint));
        }
        let numbers: Vec<u64> = rest.split(' ').map_while(|number| number.parse().ok()).collect();
        let (nanoseconds, numbers) = numbers.split_first().ok_or_else(unexpected)?;
        match numbers.try_into() {
            Ok(numbers) if said == word => Ok((Duration::from_nanos(*nanoseconds), numbers)),
            _ => Err(unexpected()),
        }
    }
}

/// Does something, and says how long it took.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_time_and_as_many_numbers_as_expected() {
        let report = Report::new("made 1500 4096".to_owned());
        let (time, [size]) = report.read("made").unwrap();
        assert_eq!((time, size), (Duration::from_nanos(1500), 4096));
        assert!(report.read::<0>("made").is_err());
        assert!(report.read::<2>("made").is_err());
        assert!(report.read::<1>("locked").is_err());
        for line in ["", "made", "made x", "made 1 x"] {
            assert!(Report::new(line.to_owned()).read::<1>("made").is_err(), "{line}");
        }
    }

    #[test]
    fn trouble_has_two_lines() {
        let report = Report::new("trouble it is full\tmake room".to_owned());
        let trouble = report.read::<0>("made").unwrap_err();
        assert_eq!(trouble.words(), ("it is full".to_owned(), "make room".to_owned()));
    }
}
