//! Who waits and who has something for them, in every interleaving with up to two preemptions. The first sleep ends by
//! itself here, as it does in time; the long sleep ends only by being woken, so that whoever is missed is seen to hang.
//!
//! The two barriers are a full fence each: that is what the kernel makes of the light one whenever somebody does the
//! heavy one.

use std::convert::Infallible;

use loom::sync::atomic::{AtomicU64, fence};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::*;

struct Room {
    word: AtomicU64,
    waker: AtomicU64,
    things: AtomicU64,
    sleeping: Mutex<u32>,
    bell: Condvar,
    all: bool,
}

impl Room {
    fn new(all: bool) -> Arc<Self> {
        let [word, waker, things] = [0; 3].map(AtomicU64::new);
        Arc::new(Self { word, waker, things, sleeping: Mutex::new(0), bell: Condvar::new(), all })
    }

    fn bell(&self) -> Bell<'_, AtomicU64> {
        Bell { word: &self.word, waker: &self.waker, all: self.all }
    }

    fn put(&self) {
        // Release: pairs with the Acquire in `take`.
        self.things.fetch_add(1, Ordering::Release);
        notify(&self.bell(), self);
    }

    fn take(&self) {
        let look = |_| {
            // Relaxed: a guess, which the exchange checks.
            let mut things = self.things.load(Ordering::Relaxed);
            while things > 0 {
                // Acquire: pairs with the Release in `put`.
                match self.things.compare_exchange(things, things - 1, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => return Ok(Some(())),
                    Err(now) => things = now,
                }
            }
            Ok(None)
        };
        let Ok(taken) = wait(&self.bell(), self, &Spin::new(), Wait::Forever, look);
        assert!(taken.is_some());
    }
}

impl Kernel<AtomicU64> for Room {
    type Error = Infallible;

    fn sleep(&self, word: &AtomicU64, half: u32, time: Duration) -> Result<(), Infallible> {
        if time == FIRST {
            thread::yield_now();
            return Ok(());
        }
        let mut sleeping = self.sleeping.lock().unwrap();
        // Relaxed: the kernel looks with its own lock in hand.
        if word.load(Ordering::Relaxed) as u32 == half {
            *sleeping += 1;
            drop(self.bell.wait(sleeping).unwrap());
        }
        Ok(())
    }

    fn wake_one(&self, _word: &AtomicU64) -> bool {
        let mut sleeping = self.sleeping.lock().unwrap();
        let woke = *sleeping > 0;
        *sleeping = sleeping.saturating_sub(1);
        self.bell.notify_one();
        woke
    }

    fn processor(&self) -> u64 {
        0
    }

    fn wake_all(&self, _word: &AtomicU64) {
        *self.sleeping.lock().unwrap() = 0;
        self.bell.notify_all();
    }

    fn light_barrier(&self) {
        fence(Ordering::SeqCst);
    }

    fn heavy_barrier(&self) {
        fence(Ordering::SeqCst);
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// Where one is woken, and where all are.
fn for_each(model: fn(bool)) {
    for all in [false, true] {
        explore(move || model(all));
    }
}

#[test]
fn loom_who_waits_is_woken() {
    for_each(|all| {
        let room = Room::new(all);
        let putting = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.put())
        };
        room.take();
        putting.join().unwrap();
    });
}

#[test]
fn loom_of_two_that_wait_each_is_woken() {
    for_each(|all| {
        let room = Room::new(all);
        let taking = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.take())
        };
        let putting = {
            let room = Arc::clone(&room);
            thread::spawn(move || {
                room.put();
                room.put();
            })
        };
        room.take();
        taking.join().unwrap();
        putting.join().unwrap();
    });
}

#[test]
fn loom_two_that_put_wake_one_that_takes_twice() {
    for_each(|all| {
        let room = Room::new(all);
        let putting = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            thread::spawn(move || room.put())
        });
        room.take();
        room.take();
        for thread in putting {
            thread.join().unwrap();
        }
    });
}
