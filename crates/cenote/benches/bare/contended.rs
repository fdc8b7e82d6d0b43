//! Two processes, one on each of two processors, that take the same lock as fast as they can.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use cenote::Segment;

use crate::locks::Set;
use crate::measure::Table;
use crate::native::RobustMutex;

/// How long both are at it, each time.
const ROUND: Duration = Duration::from_millis(100);
const BATCH: u64 = 100;

/// What the other one is asked to do.
const WAIT: u64 = 0;
const MUTEX: u64 = 1;
const NATIVE: u64 = 2;
const SEMAPHORE: u64 = 3;
const LEAVE: u64 = 4;

/// What both see.
#[repr(C, align(64))]
struct Board {
    what: AtomicU64,
    /// What the other one has read there.
    heard: AtomicU64,
    done: AtomicU64,
}

pub(crate) fn run(table: &mut Table, segment: &Segment, mutex: &RobustMutex) {
    let names = ["native lock, contended, beside robust mutex", "native lock, contended, beside semop"];
    if !names.iter().any(|name| table.wants(name)) {
        return;
    }
    let usable = Processors::of_this_process();
    let [one, other] = usable.first()[..] else {
        println!("{:<46} needs two processors", names[0]);
        return;
    };
    let (board, set) = (board(), Set::new());
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        one_of(other).pin();
        // A forked child is no holder of what its parent attached.
        let own = Segment::attach(segment.address().to_string().as_str()).expect("attached");
        serve(board, &own, mutex, &set);
        own.detach().expect("detached");
        // SAFETY: ends the child, and runs nothing of the parent's.
        unsafe { libc::_exit(0) };
    }
    one_of(one).pin();
    let native = || drop(segment.lock().expect("locked"));
    let ours = || both(board, NATIVE, &native);
    table.compare_times(names[0], Some(1.0), || both(board, MUTEX, &|| mutex.lock_and_unlock()), ours);
    table.compare_times(names[1], Some(0.01), || both(board, SEMAPHORE, &|| set.lock_and_unlock()), ours);
    board.tell(LEAVE);
    // SAFETY: a child of ours.
    unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
    usable.pin();
}

/// Nanoseconds for one acquisition, of both together.
fn both(board: &Board, what: u64, work: &dyn Fn()) -> f64 {
    let before = board.done.load(Ordering::Relaxed);
    board.tell(what);
    let (begun, mut done) = (Instant::now(), 0);
    while begun.elapsed() < ROUND {
        for _ in 0..BATCH {
            work();
        }
        done += BATCH;
    }
    let took = begun.elapsed();
    // Relaxed: a count, which grows by one batch at most before the other one hears of the end.
    done += board.done.load(Ordering::Relaxed) - before;
    board.tell(WAIT);
    took.as_secs_f64() * 1e9 / done as f64
}

fn serve(board: &Board, segment: &Segment, mutex: &RobustMutex, set: &Set) {
    loop {
        // Acquire: pairs with the Release in `tell`.
        let what = board.what.load(Ordering::Acquire);
        // Release: pairs with the Acquire in `tell`.
        board.heard.store(what, Ordering::Release);
        let work: &dyn Fn() = match what {
            MUTEX => &|| mutex.lock_and_unlock(),
            NATIVE => &|| drop(segment.lock().expect("locked")),
            SEMAPHORE => &|| set.lock_and_unlock(),
            LEAVE => return,
            _ => {
                std::hint::spin_loop();
                continue;
            }
        };
        for _ in 0..BATCH {
            work();
        }
        // Relaxed: a count.
        board.done.fetch_add(BATCH, Ordering::Relaxed);
    }
}

impl Board {
    /// Waits until the other one does it: so both do from then on, and nobody does when this is over.
    fn tell(&self, what: u64) {
        // Release: pairs with the Acquire in `serve`.
        self.what.store(what, Ordering::Release);
        // Acquire: pairs with the Release in `serve`.
        while self.heard.load(Ordering::Acquire) != what {
            std::hint::spin_loop();
        }
    }
}

fn board() -> &'static Board {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at a place of the kernel's choice.
    let base = unsafe { libc::mmap(ptr::null_mut(), 4096, access, flags, -1, 0) };
    assert_ne!(base, libc::MAP_FAILED);
    // SAFETY: zeros, which are a board, mapped as long as the program runs.
    unsafe { &*base.cast::<Board>() }
}

/// Processors to run on.
struct Processors(libc::cpu_set_t);

impl Processors {
    /// Those that this process may use.
    fn of_this_process() -> Self {
        // SAFETY: a mask, for which all zeros are valid.
        let mut set = unsafe { mem::zeroed::<libc::cpu_set_t>() };
        // SAFETY: fills the mask, which is ours.
        unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
        Self(set)
    }

    /// The first two of them, if there are two.
    fn first(&self) -> Vec<usize> {
        // SAFETY: looks into the mask.
        let has = |which: &usize| unsafe { libc::CPU_ISSET(*which, &self.0) };
        (0..libc::CPU_SETSIZE as usize).filter(has).take(2).collect()
    }

    fn pin(&self) {
        // SAFETY: a mask that lives through the call.
        let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const self.0) };
        assert_eq!(result, 0);
    }
}

fn one_of(which: usize) -> Processors {
    // SAFETY: a mask, for which all zeros are valid.
    let mut set = unsafe { mem::zeroed::<libc::cpu_set_t>() };
    // SAFETY: within the mask, as `first` found it there.
    unsafe { libc::CPU_SET(which, &mut set) };
    Processors(set)
}
