//! A segment of System V and counting semaphores beside it, as `QSharedMemory` and `QSystemSemaphore` are used on Unix:
//! slots in the memory, a semaphore for those that are full and one for those that are free, for each direction.
#![allow(unsafe_code)]

use std::ptr::{NonNull, null};

use super::several::Several;
use super::sysv::{MODE, check, refused, remove_segment, remove_set};
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};

pub(crate) struct SysvShm;

/// The semaphores of a direction.
const FULL: u16 = 0;
const FREE: u16 = 1;

pub(crate) struct Segment {
    start: NonNull<u64>,
    set: i32,
    words: usize,
    depth: usize,
    /// Where a direction's slots and semaphores begin.
    out: Side,
    back: Side,
    flags: i16,
    /// The first side made them, and removes them.
    remove: Option<i32>,
}

struct Side {
    direction: usize,
    next: usize,
}

impl Segment {
    fn open(config: &Config, flags: i32, is_first: bool) -> Result<Self, Fault> {
        let remove = (flags != 0).then_some(config.key);
        let size = 2 * config.depth * config.bytes;
        // SAFETY: numbers alone.
        let segment = check("shmget", unsafe { libc::shmget(config.key, size, flags | MODE) })?;
        // SAFETY: the kernel chooses the address, so nothing that is mapped already is replaced.
        let start = unsafe { libc::shmat(segment, null(), 0) };
        if start as isize == -1 {
            return Err(format!("shmat: {}", std::io::Error::last_os_error()));
        }
        let start = NonNull::new(start.cast()).ok_or("shmat: no address")?;
        let (out, back) = if is_first { (0, 1) } else { (1, 0) };
        let mut this = Self {
            start,
            set: -1,
            words: config.words(),
            depth: config.depth,
            out: Side { direction: out, next: 0 },
            back: Side { direction: back, next: 0 },
            flags: if config.wait == Wait::Spin { libc::IPC_NOWAIT as i16 } else { 0 },
            remove,
        };
        // SAFETY: numbers alone.
        this.set = check("semget", unsafe { libc::semget(config.key, 4, flags | MODE) })?;
        Ok(this)
    }

    /// All slots are free.
    fn free_all(&self) -> Result<(), Fault> {
        for direction in 0..2 {
            // SAFETY: this command takes a number.
            check("semctl", unsafe {
                libc::semctl(self.set, 2 * direction + i32::from(FREE), libc::SETVAL, self.depth as i32)
            })?;
        }
        Ok(())
    }

    /// Adds one to the semaphore, or takes one away; no if it would have to wait.
    fn change(&self, side: &Side, which: u16, by: i16) -> Result<bool, Fault> {
        let number = 2 * side.direction as u16 + which;
        let mut operation = libc::sembuf { sem_num: number, sem_op: by, sem_flg: self.flags };
        // SAFETY: one operation, which lives through the call.
        match unsafe { libc::semop(self.set, &raw mut operation, 1) } {
            0 => Ok(true),
            _ => refused("semop"),
        }
    }

    /// The side's next slot.
    fn slot(&self, side: &Side) -> *mut u64 {
        let index = (side.direction * self.depth + side.next) * self.words;
        // SAFETY: the segment has `depth` slots of `words` for either direction.
        unsafe { self.start.add(index) }.as_ptr()
    }

    fn after(&self, next: usize) -> usize {
        (next + 1) % self.depth
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: it is what `shmat` gave, and nothing borrows from it.
        let _ = unsafe { libc::shmdt(self.start.as_ptr().cast()) };
        if let Some(key) = self.remove {
            remove_segment(key);
            remove_set(key);
        }
    }
}

impl Link for Segment {
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        if !self.change(&self.out, FREE, -1)? {
            return Ok(false);
        }
        let slot = self.slot(&self.out);
        // SAFETY: mapped, aligned, and ours alone: the semaphore has given us the slot.
        message.fill(unsafe { std::slice::from_raw_parts_mut(slot, self.words) });
        while !self.change(&self.out, FULL, 1)? {}
        self.out.next = self.after(self.out.next);
        Ok(true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        if !self.change(&self.back, FULL, -1)? {
            return Ok(false);
        }
        let slot = self.slot(&self.back);
        // SAFETY: mapped, aligned, and nobody writes it: the semaphore has given us the slot.
        message.check(unsafe { std::slice::from_raw_parts(slot, self.words) })?;
        while !self.change(&self.back, FREE, 1)? {}
        self.back.next = self.after(self.back.next);
        Ok(true)
    }

    /// The semaphores wait; only a signal makes them come back without.
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_send(message)? {}
        Ok(())
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_receive(message)? {}
        Ok(())
    }

    fn try_loan(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_send(message)
    }

    fn try_borrow(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_receive(message)
    }
}

impl Contender for SysvShm {
    const NAME: &'static str = "sysv_shm";
    const ABILITIES: Abilities = Abilities { loans: true, ..Abilities::KERNEL };
    type Listening = Segment;
    type Link = Segment;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Segment, String), Fault> {
        let segment = Segment::open(config, libc::IPC_CREAT | libc::IPC_EXCL, true)?;
        segment.free_all()?;
        Ok((segment, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Segment, Fault> {
        Segment::open(config, 0, false)
    }

    fn accept(_config: &Config, listening: Segment) -> Result<Segment, Fault> {
        Ok(listening)
    }

    fn sweep(config: &Config) {
        remove_segment(config.key);
        remove_set(config.key);
    }
}
