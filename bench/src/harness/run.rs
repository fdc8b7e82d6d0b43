//! A whole run: test by test and size by size, all contenders taking turns sample by sample, so that drift hits all
//! alike.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::Fault;
use super::cores;
use super::pair::{INTERRUPTED, Pair};
use super::plan::{Config, Plan};
use super::samples::{ENOUGH, Samples};
use super::scratch::Scratch;
use crate::contenders::{ALL, Entry};
use crate::tests::Test;

/// What shall be run, and how long.
pub(crate) struct Wanted {
    pub(crate) quick: bool,
    pub(crate) tests: Vec<Test>,
    /// Names; all if there are none.
    pub(crate) contenders: Vec<String>,
    pub(crate) cores: Option<[usize; 2]>,
    /// Who has not answered by then hangs.
    pub(crate) patience: Duration,
}

/// One test with one size: what each contender gave.
pub(crate) struct Cell {
    pub(crate) test: Test,
    pub(crate) bytes: usize,
    pub(crate) subscribers: usize,
    pub(crate) results: Vec<Outcome>,
}

pub(crate) struct Outcome {
    pub(crate) contender: &'static str,
    pub(crate) unit: String,
    pub(crate) samples: Samples,
    /// Why it could not run, or not to the end.
    pub(crate) fault: Option<Fault>,
}

/// What a sample and all of it may take, and how many samples are wanted.
struct Pace {
    sample: Duration,
    samples: usize,
    all: Duration,
}

impl Wanted {
    fn pace(&self) -> Pace {
        if self.quick {
            Pace { sample: Duration::from_millis(2), samples: ENOUGH, all: Duration::from_secs(150) }
        } else {
            Pace { sample: Duration::from_millis(5), samples: 200, all: Duration::from_secs(1800) }
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        self.contenders.is_empty() || self.contenders.iter().any(|name| name == entry.name)
    }
}

/// Runs it all; each cell is told as soon as it is done.
pub(crate) fn run(wanted: &Wanted, mut tell: impl FnMut(&Cell)) -> Result<Vec<Cell>, Fault> {
    let cores = wanted.cores.map_or_else(cores::choose, Ok)?;
    let mut scratch = Scratch::new()?;
    let mut cells = Vec::new();
    let end = Instant::now() + wanted.pace().all;
    let sizes = |test: &Test| test.sizes(wanted.quick).len() * test.subscribers().len();
    let mut left: usize = wanted.tests.iter().map(sizes).sum();
    for &test in &wanted.tests {
        for &bytes in test.sizes(wanted.quick) {
            for &subscribers in test.subscribers() {
                let cell = Cell { test, bytes, subscribers, results: Vec::new() };
                // What one cell has not used is for those after it.
                let share = end.saturating_duration_since(Instant::now()) / left as u32;
                left -= 1;
                let cell = measure(cell, wanted, cores, share, &mut scratch)?;
                if !cell.results.is_empty() {
                    tell(&cell);
                    cells.push(cell);
                }
            }
        }
    }
    Ok(cells)
}

fn measure(
    mut cell: Cell,
    wanted: &Wanted,
    cores: [usize; 2],
    share: Duration,
    scratch: &mut Scratch,
) -> Result<Cell, Fault> {
    let pace = wanted.pace();
    let mut pairs = Vec::new();
    for entry in ALL.iter().filter(|entry| wanted.has(entry) && entry.abilities.takes(cell.bytes)) {
        let Ok(wait) = cell.test.wait(&entry.abilities) else { continue };
        let depth = if cell.test == Test::Setup { 16 } else { ((8 << 20) / cell.bytes).clamp(8, 1024) };
        let empty = Config {
            name: String::new(),
            folder: PathBuf::new(),
            key: 0,
            bytes: cell.bytes,
            depth,
            wait,
            subscribers: cell.subscribers,
        };
        let plan = Plan {
            contender: entry.name.to_owned(),
            test: cell.test,
            config: scratch.config(&empty)?,
            cores,
            parent: rustix::process::getpid().as_raw_pid(),
            sample_ns: pace.sample.as_nanos() as u64,
            controls: Vec::new(),
        };
        let mut outcome = Outcome {
            contender: entry.name,
            unit: cell.test.unit(cell.bytes).to_owned(),
            samples: Samples::default(),
            fault: None,
        };
        match (entry.runs_here)().and_then(|()| Pair::start(entry, plan, wanted.patience)) {
            Ok(pair) => {
                if cell.test == Test::Fanout {
                    outcome.unit.clone_from(&pair.unit);
                }
                pairs.push(Some(pair));
            }
            Err(why) => {
                outcome.fault = Some(why);
                pairs.push(None);
            }
        }
        cell.results.push(outcome);
        stop_if_interrupted()?;
    }
    take_turns(&mut cell, &mut pairs, pace.samples, share)?;
    for (pair, outcome) in pairs.into_iter().zip(&mut cell.results) {
        if let Some(Err(why)) = pair.map(Pair::finish) {
            outcome.fault.get_or_insert(why);
        }
    }
    Ok(cell)
}

/// A sample each, again and again, until all have enough of them, or the time is over.
fn take_turns(
    cell: &mut Cell,
    pairs: &mut [Option<Pair>],
    samples: usize,
    share: Duration,
) -> Result<(), Fault> {
    let end = Instant::now() + share;
    loop {
        let mut has_enough = true;
        for (pair, outcome) in pairs.iter_mut().zip(&mut cell.results) {
            let Some(running) = pair else { continue };
            match running.sample() {
                Ok(sample) => outcome.samples.add(sample),
                Err(why) => {
                    outcome.fault = Some(why);
                    *pair = None;
                }
            }
            has_enough &= outcome.samples.most() >= samples;
            stop_if_interrupted()?;
        }
        if has_enough || Instant::now() > end {
            return Ok(());
        }
    }
}

fn stop_if_interrupted() -> Result<(), Fault> {
    if INTERRUPTED.load(Relaxed) { Err("interrupted".to_owned()) } else { Ok(()) }
}
