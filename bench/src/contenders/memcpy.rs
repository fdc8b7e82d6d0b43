//! The floor for large messages: slots in shared memory and one line a slot that says whose turn it is; no checks, no
//! recovery, nothing found by name but a file. Sending copies in, receiving copies out; its loans copy nothing.
#![allow(unsafe_code)]

use super::several::Several;
use super::slots::{Slots, size};
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::line::Line;
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};
use crate::harness::region::Region;

/// Before each slot's message.
const LEAD: usize = size_of::<Line>();

pub(crate) struct Memcpy;

pub(crate) struct Copies {
    region: Region,
    out: Slots,
    back: Slots,
    /// What is copied from, and to.
    words: Vec<u64>,
    /// The first side made the file, and removes it.
    made: Option<std::path::PathBuf>,
}

const FREE: u64 = 0;
const FULL: u64 = 1;

impl Copies {
    fn new(config: &Config, region: Region, is_first: bool) -> Self {
        let (out, back) = if is_first { (0, 1) } else { (1, 0) };
        Self {
            region,
            out: Slots::of(config, out, LEAD),
            back: Slots::of(config, back, LEAD),
            words: vec![0; config.words()],
            made: is_first.then(|| config.memory()),
        }
    }

    #[inline]
    fn line(&self, slots: &Slots) -> &Line {
        let place = self.region.at::<Line>(slots.lead_at());
        // SAFETY: `at` has checked size and alignment; it is an atomic, and lives as long as the region.
        unsafe { place.as_ref() }
    }

    #[inline]
    fn out_line(&self) -> &Line {
        self.line(&self.out)
    }

    #[inline]
    fn back_line(&self) -> &Line {
        self.line(&self.back)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Link for Copies {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.out_line().get() != FREE {
            return Ok(false);
        }
        message.fill(&mut self.words);
        // SAFETY: the line said, with acquire, that the slot is free.
        unsafe { self.out.words_mut(&self.region) }.copy_from_slice(&self.words);
        self.out_line().put(FULL);
        self.out.advance();
        Ok(true)
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.back_line().get() != FULL {
            return Ok(false);
        }
        // SAFETY: the line said, with acquire, that the slot is full.
        self.words.copy_from_slice(unsafe { self.back.words_of(&self.region) });
        self.back_line().put(FREE);
        self.back.advance();
        message.check(&self.words)?;
        Ok(true)
    }

    fn send_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }

    fn receive_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }

    #[inline]
    fn try_loan(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.out_line().get() != FREE {
            return Ok(false);
        }
        // SAFETY: the line said, with acquire, that the slot is free.
        message.fill(unsafe { self.out.words_mut(&self.region) });
        self.out_line().put(FULL);
        self.out.advance();
        Ok(true)
    }

    #[inline]
    fn try_borrow(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.back_line().get() != FULL {
            return Ok(false);
        }
        // SAFETY: the line said, with acquire, that the slot is full.
        message.check(unsafe { self.back.words_of(&self.region) })?;
        self.back_line().put(FREE);
        self.back.advance();
        Ok(true)
    }
}

impl Contender for Memcpy {
    const NAME: &'static str = "memcpy";
    const ABILITIES: Abilities =
        Abilities { sleeps: false, loans: true, streams: Some(Wait::Spin), ..Abilities::KERNEL };
    type Listening = Copies;
    type Link = Copies;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Copies, String), Fault> {
        let region = Region::create(&config.memory(), size(config, LEAD))?;
        Ok((Copies::new(config, region, true), String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Copies, Fault> {
        Ok(Copies::new(config, Region::open(&config.memory())?, false))
    }

    fn accept(_config: &Config, listening: Copies) -> Result<Copies, Fault> {
        Ok(listening)
    }
}
