//! What every maker is put through: of two programs that run one is killed.

use crate::program::Program;
use crate::room::{Entry, Room, sorted};

/// A maker, as the command should know it.
pub(crate) struct Trial<'a> {
    /// Under which name it is listed.
    pub(crate) maker: Option<&'a str>,
    /// What its segments fit, all of these.
    pub(crate) patterns: &'a [&'a str],
    /// Lets a program use its memory once more, and sees that it is as it was.
    pub(crate) goes_on: fn(&mut Program),
}

impl Trial<'_> {
    /// `lives` and `dies` have their segments: nothing is stale but what `dies` leaves, `cenote reap` takes just that,
    /// and `lives` does not notice.
    #[track_caller]
    pub(crate) fn run(&self, room: &Room, mut lives: Program, mut dies: Program) {
        let (stay, go) = (self.made(room, &lives), self.made(room, &dies));
        let all = sorted(stay.iter().chain(&go).cloned());
        let patterns = room.patterns(self.patterns, &all);
        assert!(room.reap(&[], &patterns).is_empty(), "all of them are live");
        dies.kill();
        for address in &go {
            let left = room.until(address, "stale");
            assert_eq!(left.maker.as_deref(), self.maker, "{left:?}");
            assert!(left.holders.is_empty(), "{left:?}");
        }
        for address in &stay {
            assert_eq!(room.find(address).map(|entry| entry.verdict).as_deref(), Some("live"), "{address}");
        }
        (self.goes_on)(&mut lives);
        room.reaps(&patterns, &go);
        for address in &go {
            assert!(room.find(address).is_none(), "{address}");
        }
        assert_eq!(self.made(room, &lives), stay);
        (self.goes_on)(&mut lives);
        lives.kill();
        for address in &stay {
            room.until(address, "stale");
        }
        room.reaps(&patterns, &stay);
    }

    /// The addresses of what the program has: all of them live, of this maker, and as the patterns say.
    #[track_caller]
    pub(crate) fn made(&self, room: &Room, program: &Program) -> Vec<String> {
        let held: Vec<Entry> = room.held_by(&program.pids());
        for entry in &held {
            assert_eq!((entry.verdict.as_str(), entry.maker.as_deref()), ("live", self.maker), "{entry:?}");
        }
        let has = |pattern: &&str| held.iter().any(|entry| entry.address.starts_with(head(pattern)));
        assert!(self.patterns.iter().all(has), "{:?}: {held:#?}", self.patterns);
        sorted(held.into_iter().map(|entry| entry.address))
    }
}

/// What is before its first gap.
fn head(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}
