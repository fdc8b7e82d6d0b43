//! What every measurement needs: processes on their cores, the memory they are told what to do through, the floor
//! beside every sample, and watchdogs.

pub(crate) mod agent;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod cores;
pub(crate) mod counter;
pub(crate) mod floor;
pub(crate) mod line;
pub(crate) mod pair;
pub(crate) mod payload;
pub(crate) mod peer;
pub(crate) mod plan;
pub(crate) mod region;
pub(crate) mod run;
pub(crate) mod samples;
pub(crate) mod scratch;
pub(crate) mod task;

/// What went wrong, in words for people.
pub(crate) type Fault = String;

/// `what` before the words of an error.
pub(crate) fn fault<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Fault {
    move |error| format!("{what}: {error}")
}
