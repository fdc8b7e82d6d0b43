//! POSIX shared memory, a process-shared robust mutex and condition variables: what a careful C program does.
#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;

use super::several::Several;
use super::slots::{HEAD, Slots, size};
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;
use crate::harness::region::Region;

pub(crate) struct RobustMutex;

/// One direction's, in the memory.
#[repr(C, align(64))]
struct Turn {
    mutex: libc::pthread_mutex_t,
    filled: libc::pthread_cond_t,
    freed: libc::pthread_cond_t,
    /// How many slots are full; behind the mutex.
    full: usize,
}

const _: () = assert!(size_of::<Turn>() <= HEAD / 2);

pub(crate) struct Shared {
    region: Region,
    out: Slots,
    back: Slots,
    out_turn: NonNull<Turn>,
    back_turn: NonNull<Turn>,
    depth: usize,
    made: Option<std::path::PathBuf>,
}

/// A call of the threads' library, which returns its error.
fn check(call: &str, error: i32) -> Result<(), Fault> {
    if error == 0 { Ok(()) } else { Err(format!("{call}: {}", io::Error::from_raw_os_error(error))) }
}

impl Shared {
    fn new(config: &Config, region: Region, is_first: bool) -> Self {
        let (out, back) = if is_first { (0, 1) } else { (1, 0) };
        Self {
            out: Slots::of(config, out, 0),
            back: Slots::of(config, back, 0),
            out_turn: region.at(out * HEAD / 2),
            back_turn: region.at(back * HEAD / 2),
            depth: config.depth,
            made: is_first.then(|| config.memory()),
            region,
        }
    }
}

/// Makes mutex and conditions in memory that is zero.
fn prepare(turn: NonNull<Turn>) -> Result<(), Fault> {
    let turn = turn.as_ptr();
    // SAFETY: a place for attributes, for which zeroes are good until they are initialised.
    let mut attributes: libc::pthread_mutexattr_t = unsafe { std::mem::zeroed() };
    // SAFETY: `attributes` is there to be written.
    check("pthread_mutexattr_init", unsafe { libc::pthread_mutexattr_init(&raw mut attributes) })?;
    let shared = libc::PTHREAD_PROCESS_SHARED;
    // SAFETY: they are initialised.
    check("pshared", unsafe { libc::pthread_mutexattr_setpshared(&raw mut attributes, shared) })?;
    let robust = libc::PTHREAD_MUTEX_ROBUST;
    // SAFETY: they are initialised.
    check("robust", unsafe { libc::pthread_mutexattr_setrobust(&raw mut attributes, robust) })?;
    // SAFETY: the place lies in the mapping.
    let mutex = unsafe { &raw mut (*turn).mutex };
    // SAFETY: nobody else knows of the memory yet; the attributes are initialised.
    check("pthread_mutex_init", unsafe { libc::pthread_mutex_init(mutex, &raw const attributes) })?;
    // SAFETY: a place for attributes, for which zeroes are good until they are initialised.
    let mut attributes: libc::pthread_condattr_t = unsafe { std::mem::zeroed() };
    // SAFETY: `attributes` is there to be written.
    check("pthread_condattr_init", unsafe { libc::pthread_condattr_init(&raw mut attributes) })?;
    // SAFETY: they are initialised.
    check("pshared", unsafe { libc::pthread_condattr_setpshared(&raw mut attributes, shared) })?;
    // SAFETY: the place lies in the mapping.
    let filled = unsafe { &raw mut (*turn).filled };
    // SAFETY: the place lies in the mapping.
    let freed = unsafe { &raw mut (*turn).freed };
    // SAFETY: nobody else knows of the memory yet; the attributes are initialised.
    check("pthread_cond_init", unsafe { libc::pthread_cond_init(filled, &raw const attributes) })?;
    // SAFETY: nobody else knows of the memory yet; the attributes are initialised.
    check("pthread_cond_init", unsafe { libc::pthread_cond_init(freed, &raw const attributes) })
}

/// The mutex while it is held.
struct Held(NonNull<Turn>);

impl Held {
    fn lock(turn: NonNull<Turn>) -> Result<Self, Fault> {
        // SAFETY: the place lies in the mapping.
        let mutex = unsafe { &raw mut (*turn.as_ptr()).mutex };
        // SAFETY: it was initialised before the other side was told of it.
        check("pthread_mutex_lock", unsafe { libc::pthread_mutex_lock(mutex) })?;
        Ok(Self(turn))
    }

    fn full(&mut self) -> &mut usize {
        // SAFETY: mapped and aligned; the mutex is held, so it is nobody else's.
        unsafe { &mut (*self.0.as_ptr()).full }
    }

    fn wait(&mut self, until_filled: bool) -> Result<(), Fault> {
        let condition = self.condition(until_filled);
        // SAFETY: the place lies in the mapping.
        let mutex = unsafe { &raw mut (*self.0.as_ptr()).mutex };
        // SAFETY: both are initialised, and the mutex is held.
        check("pthread_cond_wait", unsafe { libc::pthread_cond_wait(condition, mutex) })
    }

    /// Lets the mutex go first: who is woken finds it free.
    fn unlock_and_signal(self, filled: bool) -> Result<(), Fault> {
        let condition = self.condition(filled);
        drop(self);
        // SAFETY: it is initialised.
        check("pthread_cond_signal", unsafe { libc::pthread_cond_signal(condition) })
    }

    fn condition(&self, filled: bool) -> *mut libc::pthread_cond_t {
        let turn = self.0.as_ptr();
        if filled {
            // SAFETY: the place lies in the mapping.
            unsafe { &raw mut (*turn).filled }
        } else {
            // SAFETY: the place lies in the mapping.
            unsafe { &raw mut (*turn).freed }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the place lies in the mapping.
        let mutex = unsafe { &raw mut (*self.0.as_ptr()).mutex };
        // SAFETY: it is initialised, and held.
        let _ = unsafe { libc::pthread_mutex_unlock(mutex) };
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Shared {
    /// With the mutex held and a slot free. The mutex is not held while the message is written: the slot is ours.
    fn put(&mut self, held: Held, message: Payload) -> Result<(), Fault> {
        drop(held);
        // SAFETY: fewer slots are full than there are, so that the next one is ours, and the mutex has acquired it.
        unsafe { self.out.fill(&self.region, message) };
        let mut held = Held::lock(self.out_turn)?;
        *held.full() += 1;
        held.unlock_and_signal(true)
    }

    fn take(&mut self, held: Held, message: Payload) -> Result<(), Fault> {
        drop(held);
        // SAFETY: a slot is full, so that the next one is ours, and the mutex has acquired it.
        unsafe { self.back.check(&self.region, message) }?;
        let mut held = Held::lock(self.back_turn)?;
        *held.full() -= 1;
        held.unlock_and_signal(false)
    }
}

impl Link for Shared {
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut held = Held::lock(self.out_turn)?;
        if *held.full() == self.depth {
            return Ok(false);
        }
        self.put(held, message).map(|()| true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut held = Held::lock(self.back_turn)?;
        if *held.full() == 0 {
            return Ok(false);
        }
        self.take(held, message).map(|()| true)
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        let mut held = Held::lock(self.out_turn)?;
        while *held.full() == self.depth {
            held.wait(false)?;
        }
        self.put(held, message)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        let mut held = Held::lock(self.back_turn)?;
        while *held.full() == 0 {
            held.wait(true)?;
        }
        self.take(held, message)
    }

    fn try_loan(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_send(message)
    }

    fn try_borrow(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_receive(message)
    }
}

impl Contender for RobustMutex {
    const NAME: &'static str = "robust_mutex";
    const ABILITIES: Abilities = Abilities { loans: true, ..Abilities::KERNEL };
    type Listening = Shared;
    type Link = Shared;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Shared, String), Fault> {
        let region = Region::create(&config.memory(), size(config, 0))?;
        let shared = Shared::new(config, region, true);
        prepare(shared.out_turn)?;
        prepare(shared.back_turn)?;
        Ok((shared, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Shared, Fault> {
        Ok(Shared::new(config, Region::open(&config.memory())?, false))
    }

    fn accept(_config: &Config, listening: Shared) -> Result<Shared, Fault> {
        Ok(listening)
    }
}
