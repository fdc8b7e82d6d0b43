//! Who waits at two bells, who waits at one of them, and who has something for them, in every interleaving with up to two
//! preemptions. As in the other model the first sleep ends by itself, and the others only by being woken.

use std::convert::Infallible;

use loom::sync::atomic::fence;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::*;
use crate::sync::traced::Traced;

/// A channel of which is only known how many things are in it.
struct Room {
    word: Traced,
    waker: Traced,
    things: Traced,
    all: bool,
}

impl Room {
    fn new(all: bool) -> Self {
        let [word, waker, things] = [0; 3].map(Traced::new);
        Self { word, waker, things, all }
    }

    fn bell(&self) -> Bell<'_, Traced> {
        Bell { word: &self.word, waker: &self.waker, all: self.all }
    }

    fn take(&self) -> bool {
        // Relaxed: a guess, which the exchange checks.
        let mut things = self.things.load(Ordering::Relaxed);
        while things > 0 {
            // Acquire: pairs with the Release in `put`.
            match self.things.compare_exchange(things, things - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => things = now,
            }
        }
        false
    }
}

/// One who waits there.
struct Guest<'a>(&'a Room, Spin);

impl Waited<Traced> for Guest<'_> {
    fn is_ready(&self, _thoroughly: bool) -> bool {
        // Relaxed: who takes it looks again.
        self.0.things.load(Ordering::Relaxed) > 0
    }

    fn bell(&self) -> Option<Bell<'_, Traced>> {
        Some(self.0.bell())
    }

    fn spin(&self) -> &Spin {
        &self.1
    }
}

/// One who sleeps: at which words, and whether somebody has woken it.
struct Sleeper {
    words: Vec<usize>,
    is_woken: bool,
}

struct House {
    rooms: [Room; 2],
    /// All who ever slept: their places stay.
    sleepers: Mutex<Vec<Sleeper>>,
    woken: Condvar,
}

fn key(word: &Traced) -> usize {
    std::ptr::from_ref(word).addr()
}

impl House {
    fn new(all: [bool; 2]) -> Arc<Self> {
        let (rooms, sleepers) = (all.map(Room::new), Mutex::new(Vec::new()));
        Arc::new(Self { rooms, sleepers, woken: Condvar::new() })
    }

    fn put(&self, room: usize) {
        // Release: pairs with the Acquire in `take`.
        self.rooms[room].things.fetch_add(1, Ordering::Release);
        notify(&self.rooms[room].bell(), self);
    }

    /// One who waits there alone.
    fn take(&self, room: usize) {
        let room = &self.rooms[room];
        let Ok(taken) =
            wait(&room.bell(), self, &Spin::new(), Wait::Forever, |_| Ok(room.take().then_some(())));
        assert!(taken.is_some());
    }

    fn wait_for_both(&self) -> usize {
        let guests = self.rooms.each_ref().map(|room| Guest(room, Spin::new()));
        wait_for_any(&[&guests[0], &guests[1]], self, Wait::Forever).unwrap()
    }

    fn wake(&self, word: &Traced, most: usize) -> usize {
        let mut sleepers = self.sleepers.lock().unwrap();
        let there = sleepers.iter_mut().filter(|one| !one.is_woken && one.words.contains(&key(word)));
        let woken = there.take(most).map(|one| one.is_woken = true).count();
        self.woken.notify_all();
        woken
    }
}

impl Kernel<Traced> for House {
    type Error = Infallible;

    fn sleep(&self, word: &Traced, half: u32, time: Duration) -> Result<(), Infallible> {
        self.sleep_on_several(&[(word, half)], time);
        Ok(())
    }

    fn wake_one(&self, word: &Traced) -> bool {
        self.wake(word, 1) > 0
    }

    fn wake_all(&self, word: &Traced) {
        self.wake(word, usize::MAX);
    }

    fn processor(&self) -> u64 {
        0
    }

    fn light_barrier(&self) {
        fence(Ordering::SeqCst);
    }

    fn heavy_barrier(&self) {
        fence(Ordering::SeqCst);
    }
}

impl Several<Traced> for House {
    fn most(&self) -> usize {
        2
    }

    fn sleep_on_several(&self, words: &[(&Traced, u32)], time: Duration) {
        if time == FIRST {
            thread::yield_now();
            return;
        }
        let mut sleepers = self.sleepers.lock().unwrap();
        // Relaxed: the kernel looks with its own locks in hand.
        if words.iter().any(|(word, half)| word.load(Ordering::Relaxed) as u32 != *half) {
            return;
        }
        let words = words.iter().map(|(word, _)| key(word)).collect();
        sleepers.push(Sleeper { words, is_woken: false });
        let mine = sleepers.len() - 1;
        while !sleepers[mine].is_woken {
            sleepers = self.woken.wait(sleepers).unwrap();
        }
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// What is put into either is seen, whichever bells they have.
#[test]
fn loom_who_waits_for_either_is_woken() {
    for all in [[false, true], [true, false]] {
        for room in [0, 1] {
            explore(move || {
                let house = House::new(all);
                let putting = {
                    let house = Arc::clone(&house);
                    thread::spawn(move || house.put(room))
                };
                assert_eq!(house.wait_for_both(), room);
                assert!(house.rooms[room].take());
                putting.join().unwrap();
            });
        }
    }
}

/// One after the other, by two who know nothing of each other.
#[test]
fn loom_who_waits_for_either_gets_both() {
    explore(|| {
        let house = House::new([true, true]);
        let putting = [0, 1].map(|room| {
            let house = Arc::clone(&house);
            thread::spawn(move || house.put(room))
        });
        for _ in 0..2 {
            let room = house.wait_for_both();
            assert!(house.rooms[room].take());
        }
        for thread in putting {
            thread.join().unwrap();
        }
    });
}

/// Who is woken for a queue of many, takes from another channel instead, and leaves, leaves nobody asleep beside the message.
#[test]
fn loom_who_is_woken_and_takes_something_else_wakes_another() {
    explore(|| {
        let house = House::new([true, false]);
        let other = {
            let house = Arc::clone(&house);
            thread::spawn(move || house.take(1))
        };
        let putting = {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                house.put(1);
                house.put(0);
            })
        };
        // Told of the queue it takes the message, as it is to, and hands it on.
        if house.wait_for_both() == 1 && house.rooms[1].take() {
            house.put(1);
        }
        other.join().unwrap();
        putting.join().unwrap();
    });
}
