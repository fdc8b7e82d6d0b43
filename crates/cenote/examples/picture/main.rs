//! A picture from one program to another, as Qt's `sharedmemory` example passes it from window to window.
//!
//!     cargo run -q -p cenote --features image --example picture -- load picture.png &
//!     cargo run -q -p cenote --features image --example picture -- show copy.png
//!
//! `classic.cpp` beside this is the same with `QSharedMemory` and `QImage`. Each half works with the other's.

use std::error::Error;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment, qt::image_form};

const KEY: &str = "QSharedMemoryExample";
/// What a null `QImage` is in a stream: the way to say that the picture was taken out.
const NULL_IMAGE: [u8; 4] = [0; 4];

/// How long somebody may hold the lock. After five seconds Cenote gives a value to one that Qt has left without.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How long the other half may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["load", file] => load(file, KEY),
        ["load", file, key] => load(file, key),
        ["show", file] => show(file, KEY),
        ["show", file, key] => show(file, key),
        _ => {
            eprintln!("usage: picture load|show FILE [KEY]");
            exit(2)
        }
    }
}

fn load(file: &str, key: &str) -> Result<(), Box<dyn Error>> {
    let picture = image_form::open(file)?;
    let stream = image_form::encode(&picture)?;

    let address = format!("qt:{key}");
    let segment = Segment::options().timeout(LOCK_WAIT).create(address, stream.len() as u64)?;
    let guard = segment.lock_timeout(LOCK_WAIT)?;
    println!("load: {} x {} pixels to {}", picture.width(), picture.height(), segment.address());
    guard.write_at(0, &stream)?;
    if let Err(error) = guard.unlock() {
        // A Qt program that looks too early makes a lock, and removes it before it looks again, whoever holds it
        // by then. All is written, so that does no harm.
        if error.kind() != ErrorKind::LockError {
            return Err(error.into());
        }
    }

    // Qt's segments go with the last process that has them: stay until somebody has taken the picture.
    wait_for("nobody has taken the picture", || {
        let mark: [u8; 4] = segment.lock_timeout(LOCK_WAIT)?.read_value(0)?;
        let alone = segment.stat()?.attached == Some(1);
        Ok((mark == NULL_IMAGE && alone).then_some(()))
    })?;
    println!("load: the picture was taken");
    Ok(segment.detach()?)
}

fn show(file: &str, key: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("qt:{key}");
    let segment = wait_for("nobody has made the segment", || {
        match Segment::options().timeout(LOCK_WAIT).attach(address.as_str()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    })?;
    wait_for("nobody has loaded a picture", || {
        let guard = segment.lock_timeout(LOCK_WAIT)?;
        let Some(picture) = image_form::decode(&guard.read_to_vec(..)?)? else { return Ok(None) };
        image_form::save(&picture, file)?;
        println!("show: {} x {} pixels to {file}", picture.width(), picture.height());
        guard.write_at(0, &NULL_IMAGE)?;
        guard.unlock().map(Some)
    })?;
    Ok(segment.detach()?)
}

/// Looks until there is something, which is not a matter of the lock but of the other program being there.
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
