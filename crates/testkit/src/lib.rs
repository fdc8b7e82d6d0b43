//! What Cenote's tests stand on: real processes, names that do not collide, and an end to every wait.
//!
//! - [`Peer`] is a child process that speaks the line protocol of `peers/README.md`; [`peers`] finds the
//!   real ones (Qt 5, Qt 6, PySide6, C, Python, Boost, iceoryx2, Win32), which know nothing of Cenote; [`words`] are
//!   how they say texts.
//! - [`native_keys`] is what Qt says about its native keys, recorded.
//! - [`agent`] is Cenote's own side of that protocol: the test binary, run once more.
//! - [`names`], [`sysv`] and [`qt`] give names of their own to each test, and clean up behind a failed one.
//! - [`watchdog()`] ends a test that hangs; [`skipped`] names one that cannot run here.
//! - [`others`] are agents with the rights of another user, [`containers`] have agents with numbers of their own.
//! - [`states`] are those of a process: asleep, and stopped.
//! - [`system`] and [`cgroup`] put a child where memory is short or rights are few.
//! - [`memory`] asks the kernel what it lets this process do with a mapping.
//! - [`kill_points`] kills a process at every step of what it does.
//! - [`Rng`] gives the same random numbers in every run.

pub mod agent;
#[cfg(target_os = "linux")]
pub mod cgroup;
#[cfg(target_os = "linux")]
pub mod containers;
#[cfg_attr(not(unix), path = "no_forks.rs")]
mod forks;
pub mod kill_points;
#[cfg(any(target_os = "linux", windows))]
pub mod memory;
pub mod names;
pub mod native_keys;
#[cfg(unix)]
pub mod others;
mod peer;
pub mod peers;
#[cfg(unix)]
pub mod qt;
mod rng;
mod skip;
#[cfg(target_os = "linux")]
pub mod states;
#[cfg(unix)]
pub mod system;
#[cfg(unix)]
pub mod sysv;
mod watchdog;
pub mod words;

#[cfg(unix)]
pub use forks::in_child;
pub use peer::{Peer, Reply};
pub use rng::Rng;
pub use skip::skipped;
pub use watchdog::{Watchdog, watchdog};
