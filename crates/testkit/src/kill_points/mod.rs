//! Kills a process at every step of an operation, to see what others find then.
//!
//! A step is a system call, or a store to memory that is mapped shared: nothing else that a process does can
//! be seen by others. An operation of N steps has N + 1 points to die at: before the first step, between two,
//! and after the last. [`each`] starts a child for every point, which does the operation and is killed there
//! by SIGKILL, before the next step has any effect; then the test looks at what is left. In the end one child
//! comes through.
//!
//! The child is the running program, started once more: in a test file the test `kill_points`, as for
//! [`agent`](crate::agent), and so the very code under test in the profile of the test. It is no fork, which
//! would have the parent's memory, locks and handlers, and no process in real life begins like that.
//!
//! ```standalone_crate
//! use cenote::Segment;
//! use testkit::kill_points::{self, Child};
//! use testkit::names::ShmName;
//!
//! /// The text first, then its length: whoever sees the length sees the text.
//! fn publish(child: &Child) {
//!     let segment = Segment::attach(child.word(0)).unwrap();
//!     child.steps(|| {
//!         segment.write_at(8, b"hello").unwrap();
//!         segment.write_value(0, &5_u64).unwrap();
//!     });
//! }
//!
//! fn main() {
//!     // In a test file: `#[test] fn kill_points() { testkit::kill_points::serve_if_asked(...) }`.
//!     kill_points::serve_if_asked(&[("publish", publish)]);
//!     if !kill_points::AVAILABLE {
//!         return;
//!     }
//!     let name = ShmName::unique("publish");
//!     let address = format!("posix:{}", name.name());
//!     let report = kill_points::each("publish", |round| {
//!         let segment = Segment::create(&address, 64).unwrap();
//!         let end = round.child(&[&address]);
//!         let length: u64 = segment.read_value(0).unwrap();
//!         let text = segment.read_to_vec(8..8 + length as usize).unwrap();
//!         assert!(text.is_empty() || text == b"hello", "{text:?}");
//!         assert!(end.point().is_some() || length == 5, "it came through");
//!         Segment::remove(&address).unwrap();
//!     });
//!     println!("{report}");
//!     assert!(report.stores() >= 2);
//! }
//! ```
//!
//! If the closure panics, the point is named on stderr. Everything else that goes wrong is a panic that names
//! it: a child that hangs ([`KillPoints::limit`], 10 s at first), panics, or leaves otherwise than by
//! returning; one that starts a thread, a process or another program, which nobody would follow; a system
//! that lets nothing be traced (ptrace(2) is refused in some containers). No child outlives the thread that
//! tests, whatever ends it.
//!
//! **How stores are found.** All that the child has mapped shared and writable is made read-only for it, so
//! that every store there is a fault that the tracer sees, whether it changes bytes or not and whatever
//! instruction does it. For that one instruction, and in system calls, the memory is writable again. An
//! instruction is one store, however wide it is, but for the repeated ones: `rep movsb` is as many as it has
//! bytes. What the kernel stores is part of its call. While it is followed the child has one processor, its
//! parent's, which makes it six times faster.
//!
//! **What it costs.** On a virtual machine of two processors: 4 ms for a start and a death; 60 us for a store
//! (35 us for the later ones of a repeated instruction) and for a system call of a process with two mappings;
//! in all some 15,000 steps a second. `cargo test -p testkit --test kill_points speed -- --nocapture`
//! measures it. What is no step costs nothing. To kill at each of N points takes N²/2 steps, so that large
//! copies want [`KillPoints::only`].
//!
//! [`at_random`] kills without looking at steps, at random moments: that reaches the middle of system calls,
//! and threads.
//!
//! Kill points need Linux on x86-64: elsewhere all is here, [`AVAILABLE`] is false, and whoever kills panics.

mod calls;
mod child;
mod report;
mod step;
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "nowhere.rs")]
mod tracer;

use std::fmt;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::Rng;

pub use child::{Child, Operation, serve_if_asked};
pub use report::Report;
pub use step::{Call, Point, Step, Store};

/// Whether this system has kill points.
pub const AVAILABLE: bool = tracer::AVAILABLE;

/// How long a child may take to start, to do its steps and to leave.
const LIMIT: Duration = Duration::from_secs(10);

/// Kills `operation` at each of its points: [`KillPoints::each`] as it is without options.
///
/// # Panics
/// As there.
#[track_caller]
pub fn each(operation: &str, round: impl FnMut(&mut Round<'_>)) -> Report {
    KillPoints::new(operation).each(round)
}

/// Kills `operation` at random moments: [`KillPoints::at_random`] as it is without options.
///
/// # Panics
/// As there.
#[track_caller]
pub fn at_random(operation: &str, seed: u64, rounds: usize, round: impl FnMut(&mut Round<'_>)) -> Report {
    KillPoints::new(operation).at_random(seed, rounds, round)
}

/// Options for killing an operation.
pub struct KillPoints<'a> {
    operation: &'a str,
    limit: Duration,
    only: Box<dyn Fn(&Point) -> bool + 'a>,
}

impl fmt::Debug for KillPoints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, limit, .. } = self;
        f.debug_struct("KillPoints")
            .field("operation", operation)
            .field("limit", limit)
            .finish_non_exhaustive()
    }
}

impl<'a> KillPoints<'a> {
    /// For the operation that [`serve_if_asked`] knows by this name.
    #[must_use]
    pub fn new(operation: &'a str) -> Self {
        Self { operation, limit: LIMIT, only: Box::new(|_| true) }
    }

    /// How long each child may take, from its start to its end (10 s at first).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Kills only at points that `wanted` says yes to. In a large copy, one point in a hundred may be enough:
    ///
    /// ```no_run
    /// use testkit::kill_points::{KillPoints, Point, Step};
    ///
    /// let in_copy = |point: &Point| matches!(&point.before, Some(Step::Store(store)) if store.goes_on);
    /// let points = KillPoints::new("fill").only(|point| !in_copy(point) || point.number % 100 == 0);
    /// ```
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Point) -> bool + 'a) -> Self {
        self.only = Box::new(wanted);
        self
    }

    /// Calls `round` for each point of the operation, in order, and once more for a child that comes through.
    /// `round` makes a fresh start, calls [`Round::child`] once, and checks what is left.
    ///
    /// # Panics
    /// If `round` does, or the child does anything but its operation: hangs, panics, leaves, starts a thread
    /// or a process.
    #[track_caller]
    pub fn each(self, mut round: impl FnMut(&mut Round<'_>)) -> Report {
        let mut report = self.report(None);
        let begin = Instant::now();
        let mut first = 0;
        loop {
            let mut now = Round::new(&self, Plan::At(first));
            round(&mut now);
            report.followed += now.steps.len();
            match now.end() {
                End::Killed(point) => {
                    first = point.number + 1;
                    report.killed += 1;
                }
                End::KilledAfter(_) | End::Completed => {
                    report.completed += 1;
                    report.steps = std::mem::take(&mut now.steps);
                    break;
                }
            }
        }
        report.time = begin.elapsed();
        report
    }

    /// Calls `round` for a child that comes through, which tells how long the operation takes, and then
    /// `rounds` times for children that are killed at random moments of it; some of them come through as
    /// well. The moments come from `seed`, but no run is quite like another: it is time that is random.
    ///
    /// The children may have threads. They are killed wherever they are: in the middle of a system call, too.
    ///
    /// # Panics
    /// As [`each`](Self::each), but for threads and processes.
    #[track_caller]
    pub fn at_random(self, seed: u64, rounds: usize, mut round: impl FnMut(&mut Round<'_>)) -> Report {
        let mut report = self.report(Some(seed));
        let begin = Instant::now();
        let mut rng = Rng::new(seed);
        // The last child that came through says how long it takes: the first one's pages and files were cold.
        let mut duration = None;
        for _ in 0..=rounds {
            let delay = duration.map(|duration| random_below(duration, &mut rng));
            let mut now = Round::new(&self, Plan::After(delay, seed));
            round(&mut now);
            match now.end() {
                End::Completed => report.completed += 1,
                End::Killed(_) | End::KilledAfter(_) => report.killed += 1,
            }
            duration = now.duration.or(duration);
        }
        report.time = begin.elapsed();
        report
    }

    fn report(&self, seed: Option<u64>) -> Report {
        let operation = self.operation.to_owned();
        let (steps, time) = (Vec::new(), Duration::ZERO);
        Report { operation, steps, killed: 0, completed: 0, seed, followed: 0, time }
    }
}

fn random_below(duration: Duration, rng: &mut Rng) -> Duration {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(rng.below(nanoseconds.max(1)))
}

/// When a child is to die.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// At the first point from this number on that is wanted.
    At(usize),
    /// So long after its steps began, or not at all. The seed is for messages.
    After(Option<Duration>, u64),
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By SIGKILL, at this point.
    Killed(Point),
    /// By SIGKILL, so long after its steps began.
    KilledAfter(Duration),
    /// It came through.
    Completed,
}

impl End {
    /// Where it was killed, if that is known.
    #[must_use]
    pub fn point(&self) -> Option<&Point> {
        match self {
            Self::Killed(point) => Some(point),
            Self::KilledAfter(_) | Self::Completed => None,
        }
    }

    /// Whether it came through.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        *self == Self::Completed
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(point) => write!(f, "killed at {point}"),
            Self::KilledAfter(delay) => write!(f, "killed after {delay:?}"),
            Self::Completed => write!(f, "not killed, it came through"),
        }
    }
}

/// One child, from its start to what it left.
#[derive(Debug)]
pub struct Round<'a> {
    points: &'a KillPoints<'a>,
    plan: Plan,
    end: Option<End>,
    steps: Vec<Step>,
    duration: Option<Duration>,
}

impl<'a> Round<'a> {
    fn new(points: &'a KillPoints<'a>, plan: Plan) -> Self {
        Self { points, plan, end: None, steps: Vec::new(), duration: None }
    }

    /// Lets a child do the operation, with these words for [`Child::word`], and waits until it is gone:
    /// locks, descriptors and memory that it had are free.
    ///
    /// # Panics
    /// If it is called twice, or the child does anything but its operation.
    #[track_caller]
    pub fn child(&mut self, words: &[&str]) -> End {
        let KillPoints { operation, limit, only } = self.points;
        assert!(self.end.is_none(), "a round of `{operation}` has one child");
        let delay = match self.plan {
            Plan::At(_) => None,
            Plan::After(delay, _) => delay,
        };
        let command = child::command(operation, words, delay);
        let end = match self.plan {
            Plan::At(first) => {
                let wanted = |point: &Point| point.number >= first && only(point);
                tracer::walk(command, *limit, &wanted).map(|(point, steps)| {
                    self.steps = steps;
                    point.map_or(End::Completed, End::Killed)
                })
            }
            Plan::After(..) => tracer::race(command, *limit).map(|duration| {
                self.duration = duration;
                duration.map_or(End::KilledAfter(delay.unwrap_or_default()), |_| End::Completed)
            }),
        };
        let end = end.unwrap_or_else(|what| panic!("the child that does `{operation}` fails: {what}"));
        self.end = Some(end.clone());
        end
    }

    fn end(&self) -> End {
        let operation = self.points.operation;
        self.end.clone().unwrap_or_else(|| panic!("a round of `{operation}` has no child"))
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        let Some(end) = self.end.as_ref().filter(|_| thread::panicking()) else { return };
        let seed = match self.plan {
            Plan::At(_) => String::new(),
            Plan::After(_, seed) => format!(", seed {seed}"),
        };
        // Past the test harness, as a watchdog does: a point is worth a line.
        let _ = writeln!(std::io::stderr(), "`{}` was {end}{seed}", self.points.operation);
    }
}
