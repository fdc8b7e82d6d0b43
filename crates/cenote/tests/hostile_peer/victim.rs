//! The victim: does one operation after the other, and holds each to what it promises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::Segment;
use testkit::Rng;

use crate::accounts::{Stock, watched};
use crate::operations::{OPERATIONS, Operation};

/// How much longer than it may an operation can take on a machine that has other things to do.
const MARGIN: Duration = Duration::from_secs(5);
/// How often all segments are detached, and everything is counted.
const ROUND: u32 = 300;
/// What may stay on the heap: tables that grow with the most segments at a time.
const GROWTH: usize = 64 << 10;
/// What must have happened in a second, so that it proves something.
const NEEDED: u64 = 50;

/// What it has and knows.
pub(crate) struct Victim {
    pub(crate) address: String,
    pub(crate) rng: Rng,
    pub(crate) held: Vec<Segment>,
}

#[derive(Default)]
struct Tally {
    done: u64,
    errors: BTreeMap<String, u64>,
    longest: Duration,
}

pub(crate) fn run(name: &str, seed: u64, time: Duration) {
    let mut victim = Victim { address: format!("cenote:{name}"), rng: Rng::new(seed), held: Vec::new() };
    let current = watch_over(seed);
    let trace = std::env::var_os("CENOTE_FUZZ_TRACE").is_some();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let weights: u64 = OPERATIONS.iter().map(|operation| operation.weight).sum();
    // What is made once, at the first use, is no leak.
    drop(Segment::create(format!("{}.first", victim.address), 64).unwrap());
    let _ = cenote::catalog::look(&victim.address.parse().unwrap());
    let before = Stock::taken();
    let (begun, mut rounds) = (Instant::now(), 0);
    while begun.elapsed() < time {
        for _ in 0..ROUND {
            let which = pick(victim.rng.below(weights));
            let operation = &OPERATIONS[which];
            if trace {
                eprintln!("seed {seed}: {}", operation.name);
            }
            current.begin(which);
            one(&mut victim, operation, tallies.entry(operation.name).or_default());
            current.end();
        }
        victim.held.clear();
        let after = Stock::taken();
        assert_eq!(after.descriptors, before.descriptors, "descriptors stay open");
        assert_eq!(after.mappings, 0, "memory stays mapped");
        let grown = after.heap.saturating_sub(before.heap);
        // The tallies are there too.
        assert!(grown < GROWTH, "{grown} bytes stay allocated");
        rounds += 1;
    }
    for (name, Tally { done, errors, longest }) in &tallies {
        println!("  {name:<16} {done:>8} done, {:>6.1} ms at most, {errors:?}", longest.as_secs_f64() * 1e3);
    }
    let done: u64 = tallies.values().map(|tally| tally.done).sum();
    println!("  {rounds} rounds, {done} done");
    assert!(done >= NEEDED * time.as_secs(), "too little happened to prove anything");
    for operation in OPERATIONS {
        assert!(tallies[operation.name].done > 0, "{} was never done", operation.name);
    }
}

fn one(victim: &mut Victim, operation: &Operation, tally: &mut Tally) {
    let begun = Instant::now();
    let (result, memory) = watched(|| (operation.run)(victim));
    let took = begun.elapsed();
    tally.longest = tally.longest.max(took);
    assert!(took < operation.bound + MARGIN, "{} took {took:?}", operation.name);
    assert!(memory <= operation.memory, "{} took {memory} bytes", operation.name);
    match result {
        Ok(did) => tally.done += u64::from(did),
        Err(error) => {
            let kind = error.kind();
            assert!(operation.kinds.contains(&kind), "{}: {kind}: {error:?}", operation.name);
            assert!(!error.hint().is_empty(), "{error}");
            *tally.errors.entry(kind.to_string()).or_default() += 1;
        }
    }
}

fn pick(mut at: u64) -> usize {
    OPERATIONS
        .iter()
        .position(|operation| {
            let here = at < operation.weight;
            at = at.saturating_sub(operation.weight);
            here
        })
        .unwrap()
}

/// Which operation is being done, one more than its number, and since when.
struct Current {
    which: AtomicUsize,
    count: AtomicUsize,
}

impl Current {
    // Relaxed throughout: the one that looks comes back.
    fn begin(&self, which: usize) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.which.store(which + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.which.store(0, Ordering::Relaxed);
    }
}

/// Ends this process, with the operation's name, if one never ends.
fn watch_over(seed: u64) -> Arc<Current> {
    let current = Arc::new(Current { which: AtomicUsize::new(0), count: AtomicUsize::new(0) });
    let watched = Arc::clone(&current);
    thread::spawn(move || {
        let mut since = (0, Instant::now());
        loop {
            thread::sleep(Duration::from_millis(500));
            let count = watched.count.load(Ordering::Relaxed);
            if count != since.0 {
                since = (count, Instant::now());
            }
            let Some(which) = watched.which.load(Ordering::Relaxed).checked_sub(1) else { continue };
            let Operation { name, bound, .. } = OPERATIONS[which];
            if since.1.elapsed() > bound + 2 * MARGIN {
                eprintln!("seed {seed}: {name} does not end");
                std::process::abort();
            }
        }
    });
    current
}
