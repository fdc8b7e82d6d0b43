//! The attacker: by a random plan, as fast as it can, until it is killed.

use std::fs::File;
use std::path::Path;

use testkit::Rng;

use crate::acts;

/// The most files that it keeps open, and locks that it keeps.
const MOST_HELD: usize = 8;

/// What it knows and has.
pub(crate) struct Attacker<'a> {
    pub(crate) path: &'a Path,
    pub(crate) rng: Rng,
    /// With the locks that it has taken.
    pub(crate) held: Vec<File>,
    /// A segment's first bytes, as they were when they were good.
    pub(crate) good: Vec<u8>,
}

pub(crate) fn run(path: &Path, seed: u64) {
    let mut attacker = Attacker { path, rng: Rng::new(!seed), held: Vec::new(), good: Vec::new() };
    loop {
        acts::one(&mut attacker);
        if attacker.held.len() > MOST_HELD || attacker.rng.one_in(12) {
            attacker.let_go();
        }
        // Where there are fewer processors than processes, the victim's turn would come too rarely.
        if attacker.rng.one_in(3) {
            std::thread::yield_now();
        }
    }
}

impl Attacker<'_> {
    /// Of one file and its locks.
    pub(crate) fn let_go(&mut self) {
        if !self.held.is_empty() {
            let which = self.rng.below(self.held.len() as u64) as usize;
            self.held.swap_remove(which);
        }
    }
}
