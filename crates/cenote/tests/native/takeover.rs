//! How soon the lock of a killed holder is somebody else's, and whether all who contend get their share.
//!
//! The time of a takeover is counted from the moment when the kernel lets go of the dead holder's slot: before that it
//! tears down its memory, and nobody can know that it is dead. This process asks for the lock on that byte without a
//! pause, and the last time that it was still there is when the counting begins; so what comes out is rather too long.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use cenote::{Abandoned, Segment};
use testkit::{Rng, system, watchdog};

use super::Name;
use super::workers::{Voice, Worker, listen, median_and_p99, one_at_a_time, pause_below};

const KILLS: usize = 200;
const WAITERS: usize = 2;
const CONTENDERS: usize = 4;
const SOON: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);
/// The promises.
const MEDIAN: Duration = Duration::from_millis(20);
const P99: Duration = Duration::from_millis(100);
const SHARE: f64 = 0.1;

/// What the page of the format says: where the lock's word is, the bit of those who wait, the bytes of the slots.
const WORD: u64 = 192;
const WAITING: u8 = 1;
const FIRST_SLOT: i64 = 1 << 62;
/// The test has the first slot, the waiters the next ones, and the holder the lowest that is free.
const HOLDERS_SLOT: i64 = FIRST_SLOT + 1 + WAITERS as i64;

const READY: u8 = 0x80;

/// Takes the lock, and is killed with it.
pub(crate) fn hold(words: &[&str]) {
    let segment = Segment::attach(words[0]).unwrap();
    let _guard = segment.lock().unwrap();
    Voice::new().say(READY);
    listen();
}

/// Waits for the lock whenever it is told to, and writes down when it had it, and whether it was abandoned.
pub(crate) fn wait(words: &[&str]) {
    let segment = Segment::attach(words[0]).unwrap();
    let place: usize = words[1].parse().unwrap();
    let mut voice = Voice::new();
    voice.say(READY);
    while listen().is_some() {
        let guard = segment.lock_timeout(SOON).unwrap();
        let now = system::shared_time();
        guard.write_value(place, &u64::try_from(now.as_nanos()).unwrap()).unwrap();
        guard.write_value(place + 8, &u64::from(guard.abandoned() == Abandoned::Yes)).unwrap();
        guard.unlock().unwrap();
        voice.say(READY);
    }
}

#[test]
fn a_dead_holders_lock_is_taken_over_in_milliseconds() {
    let _turn = one_at_a_time();
    let (_watchdog, name) = (watchdog(3 * PATIENCE), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let file = File::open(name.path()).unwrap();
    let mut rng = Rng::new(3);
    let mut waiters: Vec<Worker> =
        (0..WAITERS).map(|one| ready("wait", &[&name.address(), &(16 * one).to_string()])).collect();
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for _ in 0..KILLS {
        let holder = ready("hold", &[&name.address()]);
        assert!(system::is_byte_locked(&file, HOLDERS_SLOT));
        for waiter in &mut waiters {
            waiter.say(0);
        }
        while lock_word(&file)[0] & WAITING == 0 {
            std::thread::yield_now();
        }
        // At any moment of their sleep.
        pause_below(MEDIAN, &mut rng);
        let alive = system::shared_time();
        holder.send_kill();
        let released = last_time_locked(&file, alive);
        holder.kill();
        for waiter in &mut waiters {
            waiter.wait_for(READY);
        }
        let mut taken: Vec<(Duration, bool)> = (0..WAITERS)
            .map(|one| {
                let time = Duration::from_nanos(segment.read_value(16 * one).unwrap());
                let later = time.checked_sub(released).expect("who seems to live is not robbed");
                (later, segment.read_value::<u64>(16 * one + 8).unwrap() == 1)
            })
            .collect();
        taken.sort_unstable();
        assert_eq!(taken.iter().filter(|(_, told)| *told).count(), 1, "one is told");
        assert!(taken[0].1, "and that is the first");
        first.push(taken[0].0);
        all.push(taken[WAITERS - 1].0);
    }
    let ((median, p99), (last_median, last_p99)) = (median_and_p99(&mut first), median_and_p99(&mut all));
    println!(
        "{KILLS} takeovers by the first of {WAITERS} waiters, from the kernel's release on: \
         median {median:.2?}, p99 {p99:.2?}, longest {:.2?}",
        first[KILLS - 1]
    );
    println!(
        "until all have had it: median {last_median:.2?}, p99 {last_p99:.2?}, longest {:.2?}",
        all[KILLS - 1]
    );
    assert!(median <= MEDIAN && p99 <= P99);
}

fn ready(work: &str, words: &[&str]) -> Worker {
    let mut worker = Worker::start(work, words);
    worker.wait_for(READY);
    worker
}

fn lock_word(file: &File) -> [u8; 8] {
    let mut word = [0; 8];
    file.read_exact_at(&mut word, WORD).unwrap();
    word
}

/// When the holder's slot was last seen locked: it still was `before`. It may be all over when this process runs again.
fn last_time_locked(file: &File, before: Duration) -> Duration {
    let mut last = before;
    loop {
        let now = system::shared_time();
        if !system::is_byte_locked(file, HOLDERS_SLOT) {
            return last;
        }
        last = now;
    }
}

/// Takes the lock as often as it can, and counts, from the word to begin on and until it is killed.
pub(crate) fn contend(words: &[&str]) {
    let segment = Segment::attach(words[0]).unwrap();
    let place: usize = words[1].parse().unwrap();
    Voice::new().say(READY);
    listen();
    let mut count: u64 = 0;
    loop {
        let guard = segment.lock().unwrap();
        count += 1;
        guard.write_value(place, &count).unwrap();
        guard.unlock().unwrap();
    }
}

#[test]
fn of_four_who_contend_each_gets_its_share() {
    let _turn = one_at_a_time();
    let seconds = std::env::var("CENOTE_CONTEND_SECONDS").map_or(2, |all| all.parse().unwrap());
    let (_watchdog, name) = (watchdog(PATIENCE + Duration::from_secs(seconds)), Name::unique());
    let segment = Segment::create(name.address(), 64 * CONTENDERS as u64).unwrap();
    let mut all: Vec<Worker> =
        (0..CONTENDERS).map(|one| ready("contend", &[&name.address(), &(64 * one).to_string()])).collect();
    let begin = Instant::now();
    for one in &mut all {
        one.say(0);
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let guard = segment.lock_timeout(SOON).unwrap();
    let time = begin.elapsed();
    let counts: Vec<u64> = (0..CONTENDERS).map(|one| guard.read_value(64 * one).unwrap()).collect();
    drop(guard);
    drop(all);
    let total: u64 = counts.iter().sum();
    let shares: Vec<f64> = counts.iter().map(|&count| count as f64 / total as f64).collect();
    let each = time / u32::try_from(total).unwrap_or(u32::MAX);
    println!(
        "{CONTENDERS} processes had the lock {total} times in {time:.1?}, {each:?} each; shares {shares:.3?}"
    );
    assert!(shares.iter().all(|&share| share >= SHARE), "{shares:?}");
}
