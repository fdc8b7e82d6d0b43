//! Steps of a long task: each with a heading, a time, and a line in the summary.

use std::time::{Duration, Instant};

/// How a step that did not fail ended.
pub(crate) enum Done {
    Passed,
    /// Could not be done here, and why.
    Skipped(String),
}

/// What a step returns: an error stops the task.
pub(crate) type Outcome = Result<Done, String>;

struct Entry {
    title: &'static str,
    result: String,
    time: Duration,
}

/// The steps taken so far.
pub(crate) struct Steps {
    entries: Vec<Entry>,
    /// A skipped step is a failed one.
    strict: bool,
}

impl Steps {
    pub(crate) fn new(strict: bool) -> Self {
        Self { entries: Vec::new(), strict }
    }

    /// Takes one step: announces it, runs it, remembers how it went.
    pub(crate) fn step(&mut self, title: &'static str, work: impl FnOnce() -> Outcome) -> Result<(), String> {
        println!("\n=== {title}");
        let started = Instant::now();
        let outcome = match work() {
            Ok(Done::Skipped(why)) if self.strict => Err(format!("skipped, which CI=true forbids: {why}")),
            other => other,
        };
        let time = started.elapsed();
        let (result, outcome) = match outcome {
            Ok(Done::Passed) => ("passed".to_owned(), Ok(())),
            Ok(Done::Skipped(why)) => (format!("SKIPPED: {why}"), Ok(())),
            Err(why) => ("FAILED".to_owned(), Err(format!("{title}: {why}"))),
        };
        println!("=== {title}: {result} ({:.1} s)", time.as_secs_f64());
        self.entries.push(Entry { title, result, time });
        outcome
    }

    pub(crate) fn print_summary(&self) {
        println!("\n=== summary");
        for Entry { title, result, time } in &self.entries {
            println!("  {title:<34} {:>7.1} s  {result}", time.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_step() {
        let mut steps = Steps::new(false);
        assert_eq!(steps.step("bad", || Err("broken".into())), Err("bad: broken".into()));
    }

    #[test]
    fn a_skip_fails_only_when_strict() {
        let skip = || Ok(Done::Skipped("no compiler".into()));
        assert!(Steps::new(false).step("peer", skip).is_ok());
        assert!(Steps::new(true).step("peer", skip).is_err_and(|message| message.contains("no compiler")));
    }
}
