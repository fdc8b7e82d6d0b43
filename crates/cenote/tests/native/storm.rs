//! A storm: four processes work on what they share, one of them is killed at a random moment and replaced, a thousand
//! times. Nothing that was acknowledged is lost, nothing is half done, nobody is stuck, and nothing is left.
//!
//! What they do is a [`Work`], of which there is one for each thing that has to come through. To try another thing is one
//! function more, a line in `WORKS`, and a test of one line.

use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, Error, ErrorKind, Segment};
use testkit::names::ShmName;
use testkit::{Rng, watchdog};

use super::Name;
use super::workers::{Worker, kills, one_at_a_time, pause_below};

/// Comes to what has this address, or makes it, and gives what does the work there once: it finds two numbers equal, and
/// raises both by one, the second after the first. It tells the number that it has reached. Whoever dies between the
/// two leaves it to the next one to make them equal. Dropped, it leaves.
type Work = fn(&str) -> Result<Box<Once>, Error>;
type Once = dyn FnMut() -> Result<u64, Error>;

const WORKS: [(&str, Work); 6] = [
    ("lock", lock),
    ("named-lock", named_lock),
    ("rwlock", rw_lock),
    ("semaphore", semaphore),
    ("event", event),
    ("condvar", condvar),
];

fn lock(address: &str) -> Result<Box<Once>, Error> {
    let segment = Segment::open_or_create(address, SIZE)?;
    Ok(Box::new(move || {
        let guard = segment.lock_timeout(SOON)?;
        let reached = raise_both(&guard, guard.abandoned())?;
        guard.unlock()?;
        Ok(reached)
    }))
}

fn named_lock(address: &str) -> Result<Box<Once>, Error> {
    let segment = Segment::open_or_create(address, SIZE)?;
    Ok(Box::new(move || {
        let guard = segment.named_lock("both")?.lock_timeout(SOON)?;
        let reached = raise_both(&guard, guard.abandoned())?;
        guard.unlock()?;
        Ok(reached)
    }))
}

/// Who reads sees both equal, or is told.
fn rw_lock(address: &str) -> Result<Box<Once>, Error> {
    let segment = Segment::open_or_create(address, SIZE)?;
    Ok(Box::new(move || {
        let both = segment.rw_lock("both")?;
        for _ in 0..3 {
            let guard = both.read_timeout(SOON)?;
            let (first, second): (u64, u64) = (guard.read_value(FIRST)?, guard.read_value(SECOND)?);
            assert!(first == second || guard.abandoned() == Abandoned::Yes, "{first} and {second}");
            guard.unlock()?;
        }
        let guard = both.write_timeout(SOON)?;
        let reached = raise_both(&guard, guard.abandoned())?;
        guard.unlock()?;
        Ok(reached)
    }))
}

/// Nobody is told of a death by a semaphore of one permit: the numbers themselves tell.
fn semaphore(address: &str) -> Result<Box<Once>, Error> {
    let segment = Segment::open_or_create(address, SIZE)?;
    Ok(Box::new(move || {
        let permit = segment.semaphore("one of them", 1)?.acquire_timeout(SOON)?;
        let reached = raise_both(&segment, Abandoned::Yes)?;
        permit.release()?;
        Ok(reached)
    }))
}

/// Whoever has raised them sets it, and waits a moment until somebody else has. Who dies may have taken it.
fn event(address: &str) -> Result<Box<Once>, Error> {
    let (segment, mut raise) = (Segment::open_or_create(address, SIZE)?, lock(address)?);
    Ok(Box::new(move || {
        let (raised, reached) = (segment.event("raised")?, raise()?);
        raised.set()?;
        in_time(raised.take_timeout(Duration::from_micros(100)))?;
        Ok(reached)
    }))
}

/// Waits with the lock until somebody else has raised them, a moment at most, and raises them then.
fn condvar(address: &str) -> Result<Box<Once>, Error> {
    let segment = Segment::open_or_create(address, SIZE)?;
    Ok(Box::new(move || {
        let raised = segment.condvar("raised")?;
        let guard = segment.lock_timeout(SOON)?;
        // Whoever is told of a death mends first: who has the lock while this one waits is told of nothing.
        let guard = match guard.abandoned() {
            Abandoned::Yes => guard,
            _ => raised.wait(guard, Duration::from_micros(100))?.0,
        };
        let reached = raise_both(&guard, guard.abandoned())?;
        guard.unlock()?;
        raised.notify_all()?;
        Ok(reached)
    }))
}

fn in_time(waited: Result<(), Error>) -> Result<(), Error> {
    match waited {
        Err(error) if error.kind() == ErrorKind::Timeout => Ok(()),
        waited => waited,
    }
}

/// By whoever has the right to: makes them equal first, if it is told that somebody has died.
fn raise_both(segment: &Segment, abandoned: Abandoned) -> Result<u64, Error> {
    let (mut first, second): (u64, u64) = (segment.read_value(FIRST)?, segment.read_value(SECOND)?);
    if first != second {
        assert_eq!(abandoned, Abandoned::Yes, "{first} and {second}, and nobody is told");
        assert_eq!(first, second + 1);
        first = second;
    }
    segment.write_value(FIRST, &(first + 1))?;
    segment.write_value(SECOND, &(first + 1))?;
    Ok(first + 1)
}

#[test]
fn the_lock_comes_through_a_thousand_deaths() {
    comes_through("lock", kills());
}

/// A quarter of the deaths for each.
#[test]
fn what_has_a_name_comes_through_deaths_too() {
    for (work, _) in &WORKS[1..] {
        comes_through(work, kills() / 4);
    }
}

/// They are in lines of their own.
const FIRST: usize = 0;
const SECOND: usize = 64;
const SIZE: u64 = 128;
const WORKERS: usize = 4;
/// How long anybody may have to wait for anything, on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// Of so many times of its work, a worker comes anew once, and goes to the place where all make and remove.
const TIMES_PER_COMING: u64 = 16;
/// What others may just have done there.
const TRAFFIC: [ErrorKind; 2] = [ErrorKind::NotFound, ErrorKind::AlreadyExists];

/// Works until it is killed: what it does, at which address, where others come and go, in which ledger and where there,
/// and what its random numbers begin with.
pub(crate) fn work(words: &[&str]) {
    let [work, address, traffic, ledger, place, seed] = words else { panic!("{words:?}") };
    let work = find(work);
    let ledger = Segment::attach(*ledger).unwrap();
    let place: usize = place.parse().unwrap();
    let mut acknowledged: u64 = ledger.read_value(place).unwrap();
    let mut rng = Rng::new(seed.parse().unwrap());
    loop {
        let mut once = work(address).unwrap();
        for _ in 0..=rng.below(2 * TIMES_PER_COMING) {
            once().unwrap();
            acknowledged += 1;
            ledger.write_value(place, &acknowledged).unwrap();
        }
        drop(once);
        come_and_go(traffic, &mut rng);
    }
}

/// Makes, attaches and removes under a name that all others make, attach and remove, too.
fn come_and_go(address: &str, rng: &mut Rng) {
    let done = match rng.below(4) {
        0 => Segment::create(address, SIZE).map(drop),
        1 => Segment::options().read_only().attach(address).map(drop),
        2 => Segment::remove(address),
        _ => lock(address).and_then(|mut once| once()).map(drop),
    };
    if let Err(error) = done {
        assert!(TRAFFIC.contains(&error.kind()), "{error}");
    }
}

fn find(work: &str) -> Work {
    WORKS.iter().find(|(name, _)| *name == work).expect("a work of that name").1
}

fn comes_through(work: &'static str, kills: usize) {
    let _turn = one_at_a_time();
    let _watchdog = watchdog(Duration::from_secs(60) + Duration::from_millis(60) * kills as u32);
    let begin = Instant::now();
    let storm = Storm::new(work);
    let mut rng = Rng::new(2);
    let mut workers: Vec<Worker> = (0..WORKERS).map(|place| storm.worker(place, &mut rng)).collect();
    for _ in 0..kills {
        // Those who live get on: some way, and for some time.
        storm.wait_for(storm.acknowledged() + rng.below(100));
        pause_below(Duration::from_millis(3), &mut rng);
        let place = rng.below(WORKERS as u64) as usize;
        workers.remove(place).kill();
        if rng.one_in(2) {
            // Without the help of a new one, who may be in the dead one's slot and so shows that it is dead.
            storm.wait_for(storm.acknowledged() + 1);
        }
        // It goes on in the ledger where the dead one ended.
        workers.insert(place, storm.worker(place, &mut rng));
    }
    storm.wait_for(storm.acknowledged() + 100);
    for worker in workers {
        worker.kill();
    }
    println!("{work}: {} in {:.1?}", storm.end(kills), begin.elapsed());
}

/// What they share, and what the test needs to see that they do.
struct Storm {
    work: &'static str,
    name: Name,
    /// This process's own part, so that it never goes with its last holder.
    once: Box<Once>,
    traffic: Name,
    /// How often each has done its work: of another kind than what is tried.
    ledger: Segment,
    _ledger_name: ShmName,
}

impl Storm {
    fn new(work: &'static str) -> Self {
        let (name, traffic, ledger_name) = (Name::unique(), Name::unique(), ShmName::unique("ledger"));
        let once = find(work)(&name.address()).unwrap();
        let ledger = Segment::create(format!("posix:{}", ledger_name.name()), 64 * WORKERS as u64).unwrap();
        Self { work, name, once, traffic, ledger, _ledger_name: ledger_name }
    }

    fn worker(&self, place: usize, rng: &mut Rng) -> Worker {
        let (address, traffic, ledger) =
            (self.name.address(), self.traffic.address(), self.ledger.address().to_string());
        let (place, seed) = ((64 * place).to_string(), rng.next_u64().to_string());
        Worker::start("storm", &[self.work, &address, &traffic, &ledger, &place, &seed])
    }

    fn acknowledged(&self) -> u64 {
        (0..WORKERS).map(|place| self.ledger.read_value::<u64>(64 * place).unwrap()).sum()
    }

    /// Waits until so much is done. If nobody does anything, they are stuck.
    fn wait_for(&self, goal: u64) {
        let end = Instant::now() + 2 * SOON;
        while self.acknowledged() < goal {
            assert!(Instant::now() < end, "nobody gets on");
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// When all are dead: does the work itself, and compares.
    fn end(mut self, kills: usize) -> String {
        let (acknowledged, reached) = (self.acknowledged(), (self.once)().unwrap() - 1);
        let dead = kills + WORKERS;
        // Each may have died between its work and its entry.
        assert!(
            (acknowledged..=acknowledged + dead as u64).contains(&reached),
            "{acknowledged} were acknowledged, and {reached} are there"
        );
        assert_eq!((self.once)().unwrap(), reached + 2, "and it goes on");
        drop(self.once);
        assert!(!self.name.is_there());
        drop(Segment::open_or_create(self.traffic.address(), SIZE).unwrap());
        assert!(!self.traffic.is_there());
        Segment::remove(self.ledger.address().clone()).unwrap();
        format!("{dead} deaths, {acknowledged} times acknowledged, {reached} times done")
    }
}
