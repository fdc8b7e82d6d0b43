//! The memory through which the first process of a pair tells the other what to do, and in which both measure the
//! cache line's round trip.
#![allow(unsafe_code)]

use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::time::Duration;

use rustix::thread::futex;
use rustix::time::Timespec;

use super::clock::now;
use super::line::Line;
use super::region::Region;
use super::{Fault, fault};

const TEXT: usize = 3072;

/// Lies in the memory; two lines apart what different sides write.
#[repr(C, align(128))]
pub(super) struct Board {
    pub(super) ping: Line,
    pub(super) pong: Line,
    order: Order,
    answer: Answer,
    /// What the first tells before an order: what to connect to.
    card: Text,
    /// Why the other gave up.
    fault: Text,
}

#[repr(C, align(128))]
struct Order {
    /// Counts the orders; written last.
    number: AtomicU32,
    what: AtomicU32,
    amount: AtomicU64,
}

#[repr(C, align(128))]
struct Answer {
    /// The number of the order that was begun last.
    begun: AtomicU32,
    /// The number of the order that was done last.
    done: AtomicU32,
    result: AtomicU64,
    process: AtomicU32,
    failed: AtomicU32,
}

#[repr(C, align(128))]
struct Text {
    length: AtomicU32,
    bytes: [AtomicU8; TEXT],
}

/// What the other side shall do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// Make its end, by the card.
    Open,
    /// Drop its end.
    Close,
    /// So many round trips of a line.
    Floor,
    /// What the test is about, so many times.
    Work,
    /// Run on this core.
    Pin,
    /// Sleep until the next order: others have their turn on the core.
    Rest,
    /// Go.
    Quit,
}

const ALL: [What; 7] = [What::Open, What::Close, What::Floor, What::Work, What::Pin, What::Rest, What::Quit];

/// One side's view of the board.
pub(crate) struct Control {
    region: Region,
    number: u32,
    /// How long a side looks before it sleeps.
    spin: Duration,
    rests: bool,
}

impl Control {
    /// Makes the file. It holds zeroes: no order, no answer.
    pub(crate) fn create(path: &Path) -> Result<Self, Fault> {
        let region = Region::create(path, size_of::<Board>())?;
        Ok(Self { region, number: 0, spin: Duration::from_micros(20), rests: false })
    }

    pub(crate) fn open(path: &Path, spin: Duration) -> Result<Self, Fault> {
        Ok(Self { region: Region::open(path)?, number: 0, spin, rests: false })
    }

    pub(super) fn board(&self) -> &Board {
        // SAFETY: `at` has checked size and alignment; the file is zeroed memory of that size, it holds nothing but
        // atomics, for which any bytes are good, and lives as long as the region.
        unsafe { self.region.at::<Board>(0).as_ref() }
    }

    /// Tells the other side what to do, and goes on.
    pub(crate) fn order(&mut self, what: What, amount: u64) {
        let order = &self.board().order;
        order.what.store(what as u32, Relaxed);
        order.amount.store(amount, Relaxed);
        self.number += 1;
        let order = &self.board().order;
        // Pairs with the load in `next`.
        order.number.store(self.number, Release);
        wake(&order.number);
    }

    /// [`order`](Self::order), and on as soon as the other side has begun.
    pub(crate) fn order_begun(&mut self, what: What, amount: u64) -> Result<(), Fault> {
        self.order(what, amount);
        self.wait_for(|answer| &answer.begun)
    }

    /// Waits until the order is done, and returns what came of it.
    pub(crate) fn wait(&self) -> Result<u64, Fault> {
        self.wait_for(|answer| &answer.done)?;
        Ok(self.board().answer.result.load(Relaxed))
    }

    pub(crate) fn ask(&mut self, what: What, amount: u64) -> Result<u64, Fault> {
        self.order(what, amount);
        self.wait()
    }

    fn wait_for(&self, word: impl Fn(&Answer) -> &AtomicU32) -> Result<(), Fault> {
        let answer = &self.board().answer;
        let word = word(answer);
        // Pairs with the stores in `next` and `done`.
        while !self.wait_change(word, |value| value == self.number) {
            if answer.failed.load(Acquire) != 0 {
                return Err(self.why_failed().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Waits for the next order; the amount goes with it.
    pub(crate) fn next(&mut self) -> (What, u64) {
        let order = &self.board().order;
        let before = self.number;
        while !self.wait_change(&order.number, |value| value != before) {}
        let number = order.number.load(Acquire);
        let what = ALL[order.what.load(Relaxed) as usize];
        let amount = order.amount.load(Relaxed);
        self.number = number;
        self.rests = what == What::Rest;
        let answer = &self.board().answer;
        answer.begun.store(number, Release);
        wake(&answer.begun);
        (what, amount)
    }

    /// Tells the first side that the order is done.
    pub(crate) fn done(&self, result: u64) {
        let answer = &self.board().answer;
        answer.result.store(result, Relaxed);
        // Pairs with the load in `wait_for`: the result is there with it.
        answer.done.store(self.number, Release);
        wake(&answer.done);
    }

    /// Whether `word` has become what is waited for; now and then no, so that the caller can look at other things.
    fn wait_change(&self, word: &AtomicU32, is_it: impl Fn(u32) -> bool) -> bool {
        let spin = if self.rests { Duration::ZERO } else { self.spin };
        let end = now() + spin.as_nanos() as u64;
        let mut value = word.load(Acquire);
        while !is_it(value) && now() < end {
            std::hint::spin_loop();
            value = word.load(Acquire);
        }
        if !is_it(value) {
            let nap = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            // Woken, not the value any more, or the time is over: the word tells.
            let _ = futex::wait(word, futex::Flags::empty(), value, Some(&nap));
        }
        is_it(word.load(Acquire))
    }

    pub(crate) fn write_card(&self, card: &str) -> Result<(), Fault> {
        self.board().card.write(card)
    }

    pub(crate) fn card(&self) -> String {
        self.board().card.read()
    }

    /// The process of the other side.
    pub(crate) fn process(&self) -> u32 {
        self.board().answer.process.load(Relaxed)
    }

    pub(crate) fn tell_process(&self) {
        self.board().answer.process.store(std::process::id(), Relaxed);
    }

    /// Tells the first side, and who started both, why there will be no answer.
    pub(crate) fn fail(&self, why: &str) {
        let board = self.board();
        let cut = (0..=TEXT.min(why.len())).rev().find(|&at| why.is_char_boundary(at)).unwrap_or(0);
        // It was cut to what there is room for.
        let _ = board.fault.write(&why[..cut]);
        board.answer.failed.store(1, Release);
        wake(&board.answer.begun);
        wake(&board.answer.done);
    }

    pub(crate) fn why_failed(&self) -> Option<Fault> {
        let board = self.board();
        (board.answer.failed.load(Acquire) != 0).then(|| board.fault.read())
    }
}

fn wake(word: &AtomicU32) {
    // It fails only for addresses that are none.
    let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
}

impl Text {
    fn write(&self, text: &str) -> Result<(), Fault> {
        if text.len() > TEXT {
            return Err(format!("{} bytes of text, where {TEXT} fit", text.len()));
        }
        for (place, byte) in self.bytes.iter().zip(text.bytes()) {
            place.store(byte, Relaxed);
        }
        self.length.store(text.len() as u32, Release);
        Ok(())
    }

    fn read(&self) -> String {
        let length = (self.length.load(Acquire) as usize).min(TEXT);
        let bytes: Vec<u8> = self.bytes[..length].iter().map(|byte| byte.load(Relaxed)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Why the other side gave up, if it did; for who has started both.
pub(crate) fn why_failed(path: &Path) -> Option<Fault> {
    let control = Control::open(path, Duration::ZERO).map_err(fault("the board"));
    control.ok()?.why_failed()
}
