//! Two processes that both wait for a queue of jobs, each of them with a channel of its own that comes first: who is
//! woken for a job, and does something else, leaves nobody asleep beside it.

use std::thread;
use std::time::{Duration, Instant};

use cenote::{Queue, Receiver, Result, Sender, wait_for_any};
use testkit::{Peer, Rng};

use super::{Name, SOON};

const JOBS: u64 = 10_000;
const LONG_SLEEPS: u64 = 40;
/// A sleep that nobody ends takes longer, as a rule.
const LATE: Duration = Duration::from_millis(30);

/// Receives jobs until it is killed, and says so of each. Who is told to hold on, holds on until it may go.
pub(crate) fn work(control: &Receiver, jobs: &Receiver, go: &Receiver, done: &Sender) -> Result<()> {
    loop {
        match wait_for_any(&[control, jobs], None)? {
            0 => {
                assert_eq!(control.receive()?, b"hold");
                go.receive()?;
            }
            _ => {
                if let Some(job) = jobs.try_receive()? {
                    done.send(&job)?;
                }
            }
        }
    }
}

fn queue(name: &Name) -> Queue {
    Queue::<[u8]>::options().message(48).create(name.address()).unwrap()
}

struct Worker {
    control: Sender,
    go: Sender,
    _process: Peer,
}

impl Worker {
    fn start(jobs: &Name, done: &Name) -> Self {
        let (control, go) = (Name::unique(), Name::unique());
        let senders = [&control, &go].map(|name| queue(name).sender().unwrap());
        let mut process = testkit::agent::spawn();
        for name in [&control, jobs, &go] {
            process.ask(&format!("receiver {}", name.address())).expect_ok();
        }
        process.ask(&format!("sender {}", done.address())).expect_ok();
        process.tell("worker");
        let [control, go] = senders;
        Self { control, go, _process: process }
    }
}

/// Sends a job, and mostly has one of the workers hold on at the same time: how long it takes until somebody
/// has done the job.
fn round(tx: &Sender, done: &Receiver, workers: &[Worker; 2], job: u64, rng: &mut Rng) -> Duration {
    let held = &workers[rng.below(2) as usize];
    let holds = !rng.one_in(4);
    let begin = Instant::now();
    // It is woken, and before it is awake, perhaps woken for the job, too.
    if holds {
        held.control.send(b"hold").unwrap();
    }
    tx.send(&job.to_ne_bytes()).unwrap();
    // The other one has it, or the one that holds on had it before that.
    assert_eq!(done.receive_timeout(SOON).unwrap(), job.to_ne_bytes());
    let took = begin.elapsed();
    if holds {
        held.go.send(b"go").unwrap();
    }
    took
}

#[test]
fn of_two_who_wait_for_many_neither_sleeps_beside_a_message() {
    let _watchdog = testkit::watchdog(Duration::from_secs(120));
    let (jobs, done) = (Name::unique(), Name::unique());
    let (tx, rx) = (queue(&jobs).sender().unwrap(), queue(&done).receiver().unwrap());
    let workers = [(); 2].map(|()| Worker::start(&jobs, &done));
    let mut rng = Rng::new(7);
    let mut most = Duration::ZERO;
    for job in 0..JOBS {
        // Both look, or are about to sleep, or sleep.
        thread::sleep(Duration::from_nanos(rng.below(200_000)));
        most = most.max(round(&tx, &rx, &workers, job, &mut rng));
    }
    // And while both are in a long sleep: who sleeps beside it goes on doing so for long.
    let mut late = 0;
    for job in 0..LONG_SLEEPS {
        thread::sleep(Duration::from_millis(80));
        late += usize::from(round(&tx, &rx, &workers, job, &mut rng) > LATE);
    }
    println!("{most:?} at most; {late} of {LONG_SLEEPS} later than {LATE:?}");
    assert!(late <= LONG_SLEEPS as usize / 10);
}
