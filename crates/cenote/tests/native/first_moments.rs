//! The first milliseconds: processes that are killed while they start, come, lock, write and leave, a thousand times
//! under one name. Whoever is next always gets in, nothing piles up, and starting stays as quick as it was.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use cenote::{Abandoned, Guard, Segment};
use testkit::{Rng, watchdog};

use super::Name;
use super::workers::{Voice, Worker, kills, median_and_p99, one_at_a_time, pause_below};

const SIZE: u64 = 64;
/// How long whoever comes may have to wait for the lock of somebody who is dead.
const SOON: Duration = Duration::from_secs(5);
/// How many of them there are at a time. With the survivor they need one slot more.
const AT_A_TIME: usize = 3;
/// Deaths for each process that is let through, to see how long it takes.
const DEATHS_PER_CLEAN: usize = 10;

/// How far a process has come, as it says itself.
const PHASES: [&str; 6] = ["starting", "coming", "locking", "writing", "unlocking", "leaving"];
/// In a pipe, where the test harness says things of its own.
const FIRST_PHASE: u8 = 0x80;
const COMING: u8 = 1;
const LOCKING: u8 = 2;
const WRITING: u8 = 3;
const UNLOCKING: u8 = 4;
const LEAVING: u8 = 5;

/// Comes and goes until it is killed.
pub(crate) fn come_and_go(words: &[&str]) {
    let mut voice = Voice::new();
    loop {
        once(words[0], &mut voice);
    }
}

/// Comes and goes once.
pub(crate) fn come_and_go_once(words: &[&str]) {
    once(words[0], &mut Voice::new());
}

/// None of it may fail, whoever dies beside it.
fn once(address: &str, voice: &mut Voice) {
    let mut begin = |phase: u8| voice.say(FIRST_PHASE + phase);
    begin(COMING);
    let segment = Segment::open_or_create(address, SIZE).unwrap();
    begin(LOCKING);
    let guard = segment.lock_timeout(SOON).unwrap();
    begin(WRITING);
    raise_both(&guard);
    begin(UNLOCKING);
    guard.unlock().unwrap();
    begin(LEAVING);
    segment.detach().unwrap();
}

/// Two numbers that are equal for everybody who has the lock and is not told that it was abandoned.
fn raise_both(guard: &Guard<'_>) {
    let (first, second): (u64, u64) = (guard.read_value(0).unwrap(), guard.read_value(8).unwrap());
    assert!(
        first == second || guard.abandoned() == Abandoned::Yes,
        "{first} and {second}, and nobody is told"
    );
    guard.write_value(0, &(first + 1)).unwrap();
    guard.write_value(8, &(first + 1)).unwrap();
}

#[test]
fn a_thousand_deaths_in_the_first_milliseconds_keep_nobody_out() {
    let _turn = one_at_a_time();
    let (kills, name) = (kills(), Name::unique());
    let _watchdog = watchdog(Duration::from_secs(60) + Duration::from_millis(60) * kills as u32);
    let mut rng = Rng::new(1);
    let (mut living, mut deaths) = (Vec::new(), [0; PHASES.len()]);
    let mut survivor = Survivor::new(&name);
    let mut clean = vec![let_one_through(&name)];
    for number in 0..kills {
        while living.len() < AT_A_TIME {
            living.push(Worker::start("come-and-go", &[&name.address()]));
        }
        // As long as it takes to come and go, and as much again.
        pause_below(clean[0] * 2, &mut rng);
        let dead = living.swap_remove(rng.below(living.len() as u64) as usize);
        let said = dead.kill();
        let phase = said.last().and_then(|last| last.checked_sub(FIRST_PHASE)).unwrap_or(0);
        deaths[usize::from(phase)] += 1;
        survivor.lives_on(&mut rng);
        if number % DEATHS_PER_CLEAN == 0 {
            clean.push(let_one_through(&name));
        }
        if rng.one_in(20) {
            living.clear();
            survivor.leave();
            nothing_is_left(&name);
        }
    }
    drop(living);
    survivor.leave();
    nothing_is_left(&name);

    println!("{kills} deaths: {:?}", PHASES.iter().zip(deaths).collect::<Vec<_>>());
    let Survivor { mut waits, told, .. } = survivor;
    let (median, p99) = median_and_p99(&mut waits);
    let longest = waits[waits.len() - 1];
    println!(
        "a survivor came and locked {} times: median {median:?}, p99 {p99:?}, longest {longest:?}; \
         it was told of a death {told} times",
        waits.len()
    );
    let tenth = clean.len() / 10;
    let count = clean.len();
    let first = median_and_p99(&mut clean[..tenth]).0;
    let last = median_and_p99(&mut clean[count - tenth..]).0;
    println!(
        "start, come, lock, write, leave, end: {first:?} among the first {tenth}, {last:?} among the last"
    );
    assert!(last < first * 4 + Duration::from_millis(10), "it becomes slower");
    assert!(p99 < Duration::from_secs(1), "who survives gets in, but late");
    assert!(told > 0, "nobody died with the lock");
    assert!(deaths.iter().all(|&count| count > 0), "in each phase somebody dies: {deaths:?}");
}

/// Lets a process come and go, and says how long it takes from its start to its end.
fn let_one_through(name: &Name) -> Duration {
    let begin = Instant::now();
    let status = Worker::start("come-and-go-once", &[&name.address()]).wait();
    assert!(status.success(), "{status}");
    begin.elapsed()
}

/// When nobody is there any more: the name is free, or what has it is stale, and goes with whoever comes next.
fn nothing_is_left(name: &Name) {
    let files = || {
        let all = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().file_name());
        all.filter(|file| file.to_string_lossy().contains(&name.0)).count()
    };
    assert!(files() <= 1, "it is one file");
    drop(Segment::create(name.address(), SIZE).unwrap());
    assert_eq!(files(), 0);
}

/// This process, which comes and stays and leaves again between the deaths of others.
struct Survivor<'a> {
    name: &'a Name,
    segment: Option<Segment>,
    /// How long it took to come and to have the lock.
    waits: Vec<Duration>,
    /// How often it was told that whoever had the lock is dead.
    told: usize,
}

impl<'a> Survivor<'a> {
    fn new(name: &'a Name) -> Self {
        Self { name, segment: None, waits: Vec::new(), told: 0 }
    }

    fn lives_on(&mut self, rng: &mut Rng) {
        let begin = Instant::now();
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => Segment::open_or_create(self.name.address(), SIZE).unwrap(),
        };
        let guard = segment.lock_timeout(SOON).unwrap();
        self.waits.push(begin.elapsed());
        self.told += usize::from(guard.abandoned() == Abandoned::Yes);
        raise_both(&guard);
        guard.unlock().unwrap();
        self.segment = Some(segment);
        self.has_what_one_has();
        if rng.one_in(3) {
            self.leave();
        }
    }

    /// One descriptor, however many have died; and no more slots were ever used than there were holders.
    fn has_what_one_has(&self) {
        let file = fs::File::open(self.name.path()).unwrap();
        assert_eq!(
            descriptors_of(file.metadata().unwrap().ino()),
            2,
            "the witness, and the one to look with"
        );
        let mut slots = [0; 256 * 32];
        file.read_exact_at(&mut slots, 4096).unwrap();
        let used = slots.chunks(32).filter(|slot| slot[..4] != [0; 4]).count();
        assert!(
            used <= AT_A_TIME + 2,
            "{used} slots were used for at most {} holders at a time",
            AT_A_TIME + 2
        );
    }

    fn leave(&mut self) {
        let Some(segment) = self.segment.take() else { return };
        let inode = fs::metadata(self.name.path()).unwrap().ino();
        segment.detach().unwrap();
        has_descriptors(0, inode);
    }
}

/// Other tests in this process may be looking at all segments of the machine: that takes a moment, and a leak stays.
fn has_descriptors(count: usize, inode: u64) {
    let end = Instant::now() + SOON;
    while descriptors_of(inode) != count {
        assert!(Instant::now() < end, "{} descriptors, not {count}", descriptors_of(inode));
    }
}

/// How many descriptors of this process lead to that file of `/dev/shm`, whether or not it still has a name.
fn descriptors_of(inode: u64) -> usize {
    let device = fs::metadata("/dev/shm").unwrap().dev();
    let all = fs::read_dir("/proc/self/fd").unwrap().flatten();
    // Some are gone again by now: those of other tests, and of this look itself.
    all.filter_map(|entry| fs::metadata(entry.path()).ok())
        .filter(|file| (file.ino(), file.dev()) == (inode, device))
        .count()
}
