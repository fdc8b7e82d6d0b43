//! The floor for sleeping: one word in shared memory a direction, and the kernel's futex on it. Its ends go to sleep at
//! once, and each message wakes.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use rustix::io::Errno;
use rustix::thread::futex::{Flags, wait, wake};

use super::several::Several;
use super::slots::{HEAD, Slots, size};
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;
use crate::harness::region::Region;

pub(crate) struct Futex;

pub(crate) struct Words {
    region: Region,
    out: Slots,
    back: Slots,
    out_word: usize,
    back_word: usize,
    made: Option<std::path::PathBuf>,
}

const FREE: u32 = 0;
const FULL: u32 = 1;

impl Words {
    fn new(config: &Config, region: Region, is_first: bool) -> Self {
        let (out, back) = if is_first { (0, 1) } else { (1, 0) };
        Self {
            region,
            out: Slots::of(config, out, 0),
            back: Slots::of(config, back, 0),
            out_word: out * HEAD / 2,
            back_word: back * HEAD / 2,
            made: is_first.then(|| config.memory()),
        }
    }

    #[inline]
    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `at` has checked size and alignment; it is an atomic, and lives as long as the region.
        unsafe { self.region.at::<AtomicU32>(offset).as_ref() }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Link for Words {
    fn try_send(&mut self, _message: Payload) -> Result<bool, Fault> {
        Err("it always sleeps".to_owned())
    }

    fn try_receive(&mut self, _message: Payload) -> Result<bool, Fault> {
        Err("it always sleeps".to_owned())
    }

    /// There is room for one message, and a sender that finds none is not woken: messages go to and fro.
    #[inline]
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        // Pairs with the store in `receive_asleep` on the other side.
        if self.word(self.out_word).load(Acquire) != FREE {
            return Err("the message before was not received".to_owned());
        }
        // SAFETY: the word said that the slot is free.
        unsafe { self.out.fill(&self.region, message) };
        self.word(self.out_word).store(FULL, Release);
        wake(self.word(self.out_word), Flags::empty(), 1).map_err(|error| format!("futex: {error}"))?;
        Ok(())
    }

    #[inline]
    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        // Pairs with the store in `send_asleep` on the other side.
        while self.word(self.back_word).load(Acquire) != FULL {
            match wait(self.word(self.back_word), Flags::empty(), FREE, None) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(format!("futex: {error}")),
            }
        }
        // SAFETY: the word said that the slot is full.
        unsafe { self.back.check(&self.region, message) }?;
        self.word(self.back_word).store(FREE, Release);
        Ok(())
    }
}

impl Contender for Futex {
    const NAME: &'static str = "futex";
    const ABILITIES: Abilities = Abilities { spins: false, streams: None, ..Abilities::KERNEL };
    type Listening = Words;
    type Link = Words;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Words, String), Fault> {
        let config = one(config);
        let region = Region::create(&config.memory(), size(&config, 0))?;
        Ok((Words::new(&config, region, true), String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Words, Fault> {
        Ok(Words::new(&one(config), Region::open(&config.memory())?, false))
    }

    fn accept(_config: &Config, listening: Words) -> Result<Words, Fault> {
        Ok(listening)
    }
}

/// One slot a direction.
fn one(config: &Config) -> Config {
    Config { depth: 1, ..config.clone() }
}
