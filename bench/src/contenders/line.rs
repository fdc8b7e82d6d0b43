//! The floor itself as a contender: a message is one word in its own cache line.
#![allow(unsafe_code)]

use super::several::Several;
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::line::Line;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;
use crate::harness::region::Region;

const SIZE: usize = 4096;

pub(crate) struct BareLine;

pub(crate) struct Lines {
    region: Region,
    out: usize,
    back: usize,
    /// The word that the line held when last looked at.
    seen: u64,
    made: Option<std::path::PathBuf>,
}

impl Lines {
    #[inline]
    fn line(&self, index: usize) -> &Line {
        let place = self.region.at::<Line>(index * size_of::<Line>());
        // SAFETY: `at` has checked size and alignment; it is an atomic, and lives as long as the region.
        unsafe { place.as_ref() }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Link for Lines {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut word = [0];
        message.fill(&mut word);
        self.line(self.out).put(word[0]);
        Ok(true)
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        let word = self.line(self.back).get();
        if word == self.seen {
            return Ok(false);
        }
        self.seen = word;
        message.check(&[word])?;
        Ok(true)
    }

    fn send_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }

    fn receive_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }
}

impl Contender for BareLine {
    const NAME: &'static str = "line";
    const ABILITIES: Abilities =
        Abilities { sleeps: false, streams: None, sets_up: false, most: 8, ..Abilities::KERNEL };
    type Listening = Lines;
    type Link = Lines;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Lines, String), Fault> {
        let region = Region::create(&config.memory(), SIZE)?;
        Ok((Lines { region, out: 0, back: 1, seen: 0, made: Some(config.memory()) }, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Lines, Fault> {
        Ok(Lines { region: Region::open(&config.memory())?, out: 1, back: 0, seen: 0, made: None })
    }

    fn accept(_config: &Config, listening: Lines) -> Result<Lines, Fault> {
        Ok(listening)
    }
}
