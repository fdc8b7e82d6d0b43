//! The soak: for as long as it is told, processes send and receive, publish and subscribe, by all rules at once, some of them are killed at random
//! moments and replaced, and others stay all the time. Meanwhile and in the end all is as the scenes want it, nobody is stuck, and
//! those who stay need no more memory, files or mappings than at the beginning.
//!
//! `cargo xtask soak --time 1h` runs it, and looks afterwards that nothing is left. What is to be soaked beside queues and topics is one
//! more [`Course`]: it needs a name, and a function that works until [`Stage::is_over`] and says what came of it.

mod memory;
mod queues;
pub(crate) mod topics;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memory::{Household, OURS, WORKERS};
use testkit::watchdog;

/// How long, where nothing is said.
const SECONDS: u64 = 10;
/// How often it says how far it is.
const NEWS: Duration = Duration::from_secs(10);

/// Something that is done all the time, beside the others.
struct Course {
    name: String,
    work: Box<Work>,
}

/// Goes on until the stage is over, has the household looked at, and says what came of it.
type Work = dyn FnOnce(&Stage, &mut Household) -> String + Send;

/// What all courses share.
struct Stage {
    begin: Instant,
    time: Duration,
    failed: AtomicBool,
    messages: AtomicU64,
    deaths: AtomicU64,
    /// The most that one of those who stay has in memory, and what all files in `/dev/shm` take, in KiB.
    largest: AtomicU64,
    shm: AtomicU64,
}

impl Stage {
    fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.time || self.failed.load(Ordering::Relaxed)
    }

    /// When everybody has touched the memory that it will need.
    fn is_warm(&self) -> bool {
        self.begin.elapsed() >= self.time / 4
    }

    fn news(&self) -> String {
        // Relaxed: for people.
        let said = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (seconds, messages) = (self.begin.elapsed().as_secs_f64(), said(&self.messages));
        format!(
            "{seconds:>6.0} s: {messages} messages, {:.0} a second; {} deaths; at most {} KiB for one, {} KiB in /dev/shm",
            messages as f64 / seconds,
            said(&self.deaths),
            said(&self.largest),
            said(&self.shm),
        )
    }
}

/// Ends the others if its course fails.
struct Alarm<'a>(&'a Stage);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
#[ignore = "it takes as long as it is told: `cargo xtask soak`"]
fn all_goes_well_for_as_long_as_it_is_told() {
    let seconds = std::env::var("CENOTE_SOAK_SECONDS");
    let seconds =
        seconds.map_or(SECONDS, |seconds| seconds.parse().expect("CENOTE_SOAK_SECONDS is a number"));
    let time = Duration::from_secs(seconds);
    let _watchdog = watchdog(time + Duration::from_secs(120));
    let stage = Stage {
        begin: Instant::now(),
        time,
        failed: AtomicBool::new(false),
        messages: AtomicU64::new(0),
        deaths: AtomicU64::new(0),
        largest: AtomicU64::new(0),
        shm: AtomicU64::new(0),
    };
    let mut ours = Household::new(OURS);
    println!("\nsoaking for {seconds} s");
    let said: Vec<String> = thread::scope(|scope| {
        let stage = &stage;
        let courses: Vec<_> = queues::courses()
            .into_iter()
            .chain(topics::courses())
            .map(|Course { name, work }| {
                scope.spawn(move || {
                    let _alarm = Alarm(stage);
                    let mut household = Household::new(WORKERS);
                    let came = work(stage, &mut household);
                    format!("{name}: {came}\n    {}", household.verdict())
                })
            })
            .collect();
        let mut told = Instant::now();
        while !stage.is_over() {
            thread::sleep(Duration::from_millis(100));
            ours.look([std::process::id()].into_iter(), &[], stage);
            if told.elapsed() >= NEWS {
                told += NEWS;
                println!("{}", stage.news());
            }
        }
        courses.into_iter().map(|course| course.join().expect("the course goes well")).collect()
    });
    println!("{}\n", stage.news());
    said.iter().for_each(|line| println!("{line}"));
    println!("this test itself\n    {}", ours.verdict());
    println!("\nall went well: {} courses, {seconds} s", said.len());
}
