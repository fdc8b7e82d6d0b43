//! Two contenders taking turns, and the ratio of their medians.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Rounds of each contender.
const ROUNDS: usize = 7;
/// How long a round should take.
const ROUND: Duration = Duration::from_millis(60);

pub(crate) struct Table {
    filter: Vec<String>,
    missed: usize,
}

impl Table {
    pub(crate) fn new(filter: Vec<String>) -> Self {
        println!("{:<46} {:>12} {:>12} {:>7} {:>7}", "what", "bare ns", "cenote ns", "ratio", "limit");
        Self { filter, missed: 0 }
    }

    /// Whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|word| name.contains(word.as_str()))
    }

    /// Measures both and prints their row. `limit` is the largest ratio that keeps the promise, if there is one.
    pub(crate) fn compare(
        &mut self,
        name: &str,
        limit: Option<f64>,
        mut bare: impl FnMut(),
        mut ours: impl FnMut(),
    ) {
        if !self.wants(name) {
            return;
        }
        let times = repetitions(&mut bare).max(repetitions(&mut ours));
        self.compare_times(name, limit, || time(&mut bare, times), || time(&mut ours, times));
    }

    /// The same for calls that take no system call, where it shows if another process had the processor for a moment:
    /// many short turns, and of each contender's the quickest tenth.
    pub(crate) fn compare_quick(
        &mut self,
        name: &str,
        limit: Option<f64>,
        mut bare: impl FnMut(),
        mut ours: impl FnMut(),
    ) {
        const TURNS: usize = 400;
        if !self.wants(name) {
            return;
        }
        let times = repetitions(&mut bare).max(repetitions(&mut ours)) / 200 + 1;
        let quickest = |work: &mut dyn FnMut()| {
            let turns = (0..TURNS / ROUNDS).map(|_| time(&mut || work(), times));
            at(turns.collect(), 0.1)
        };
        self.compare_times(name, limit, || quickest(&mut bare), || quickest(&mut ours));
    }

    /// The same for contenders that tell the nanoseconds of one call themselves.
    pub(crate) fn compare_times(
        &mut self,
        name: &str,
        limit: Option<f64>,
        mut bare: impl FnMut() -> f64,
        mut ours: impl FnMut() -> f64,
    ) {
        if !self.wants(name) {
            return;
        }
        let mut rounds = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            // Neither always goes first.
            if round % 2 == 0 {
                rounds[0].push(bare());
                rounds[1].push(ours());
            } else {
                rounds[1].push(ours());
                rounds[0].push(bare());
            }
        }
        let [bare, ours] = rounds.map(median);
        let ratio = ours / bare;
        let missed = limit.is_some_and(|limit| ratio > limit);
        self.missed += usize::from(missed);
        let limit = limit.map_or_else(|| "-".to_owned(), |limit| format!("{limit:.2}"));
        let remark = if missed { "  missed" } else { "" };
        println!("{name:<46} {bare:>12.1} {ours:>12.1} {ratio:>7.3} {limit:>7}{remark}");
    }

    pub(crate) fn finish(self) -> ExitCode {
        if self.missed == 0 {
            return ExitCode::SUCCESS;
        }
        println!("{} beyond the limit", self.missed);
        ExitCode::FAILURE
    }
}

/// How many calls fill a round.
fn repetitions(work: &mut impl FnMut()) -> u32 {
    let mut times = 1;
    loop {
        let start = Instant::now();
        for _ in 0..times {
            work();
        }
        let elapsed = start.elapsed();
        if elapsed > ROUND / 4 {
            let each = elapsed.as_secs_f64() / f64::from(times);
            return (ROUND.as_secs_f64() / each).ceil() as u32;
        }
        times *= 2;
    }
}

/// Nanoseconds for one call.
fn time(work: &mut impl FnMut(), times: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

fn median(values: Vec<f64>) -> f64 {
    at(values, 0.5)
}

/// The value that so large a part of them lies below.
fn at(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() as f64 * part) as usize]
}
