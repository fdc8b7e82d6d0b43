//! A producer and a consumer: a ring in shared memory, and two semaphores that count its free and used slots.
//!
//!     cargo run -q -p cenote --example producer-consumer -- producer &
//!     cargo run -q -p cenote --example producer-consumer -- consumer
//!
//! `classic.cpp` beside this is the same on `QSystemSemaphore`. Each half works with the other's.

use std::error::Error;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment, SystemSemaphore};

const KEY: &str = "ProducerConsumer";
const SLOTS: u16 = 4;
const NUMBERS: u32 = 10;
/// What is put after the last number.
const END: u32 = 0;

/// The ring is an array of `u32`, and behind it lies one more: 1 when the producer is through.
const SIZE: usize = (SLOTS as usize + 1) * size_of::<u32>();
const THROUGH: usize = SLOTS as usize * size_of::<u32>();

/// How long the other half may take to come, and to do its next step.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["producer"] => producer(KEY),
        ["producer", key] => producer(key),
        ["consumer"] => consumer(KEY),
        ["consumer", key] => consumer(key),
        _ => {
            eprintln!("usage: producer-consumer producer|consumer [KEY]");
            exit(2)
        }
    }
}

fn producer(key: &str) -> Result<(), Box<dyn Error>> {
    // With their values set, whatever a killed producer has left. The segment last: who finds it finds all.
    let free = SystemSemaphore::create(format!("{key}-free"), SLOTS)?;
    let used = SystemSemaphore::create(format!("{key}-used"), 0)?;
    let ring = Segment::options().timeout(PATIENCE).open_or_create(format!("qt:{key}"), SIZE as u64)?;
    ring.write_value(THROUGH, &0_u32)?;

    for (turn, number) in (1..=NUMBERS).chain([END]).enumerate() {
        free.acquire_timeout(PATIENCE)?;
        ring.write_value(slot(turn), &number)?;
        println!("producer: put {number}");
        used.release(1)?;
    }

    // All slots are free again when the consumer has taken the last one.
    for _ in 0..SLOTS {
        free.acquire_timeout(PATIENCE)?;
    }
    free.release(SLOTS)?;
    drop((free, used)); // their maker removes them
    ring.write_value(THROUGH, &1_u32)?;
    wait_for("the consumer does not leave", || Ok((ring.stat()?.attached == Some(1)).then_some(())))?;
    Ok(ring.detach()?)
}

fn consumer(key: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("qt:{key}");
    let ring = wait_for("no producer has made the ring", || {
        match Segment::options().timeout(PATIENCE).attach(address.as_str()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    })?;
    let free = SystemSemaphore::open(format!("{key}-free"), SLOTS)?;
    let used = SystemSemaphore::open(format!("{key}-used"), 0)?;

    let mut sum = 0_u32;
    for turn in 0.. {
        used.acquire_timeout(PATIENCE)?;
        let number: u32 = ring.read_value(slot(turn))?;
        free.release(1)?;
        if number == END {
            break;
        }
        println!("consumer: took {number}");
        sum = sum.wrapping_add(number);
    }
    println!("consumer: the sum is {sum}");

    // The kernel undoes what a process did to a semaphore when it ends: stay until the producer has removed them.
    wait_for("the producer is not through", || Ok((ring.read_value::<u32>(THROUGH)? == 1).then_some(())))?;
    Ok(ring.detach()?)
}

/// Where the number of a turn lies.
fn slot(turn: usize) -> usize {
    turn % usize::from(SLOTS) * size_of::<u32>()
}

/// Looks until there is something.
fn wait_for<T>(
    missing: &str,
    mut look: impl FnMut() -> cenote::Result<Option<T>>,
) -> Result<T, Box<dyn Error>> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look()? {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(format!("{missing} within {PATIENCE:?}").into())
}
