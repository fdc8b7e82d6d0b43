//! Qt's first program in shared memory: a server that leaves a text, and a client that reads and answers it.
//!
//!     cargo run -q -p cenote --example qt-hello -- server &
//!     cargo run -q -p cenote --example qt-hello -- client
//!
//! `classic.cpp` beside this is the same on `QSharedMemory`. Each half works with the other's.

use std::error::Error;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment};

const KEY: &str = "MyUniqueKey";
const SIZE: u64 = 1024;
const GREETING: &str = "Hello, Client!";
const ANSWER: &str = "Hello, Server!";

/// How long somebody may hold the lock. After five seconds Cenote gives a value to one that Qt has left without.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How long the other half may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server"] => server(KEY),
        ["server", key] => server(key),
        ["client"] => client(KEY),
        ["client", key] => client(key),
        _ => {
            eprintln!("usage: qt-hello server|client [KEY]");
            exit(2)
        }
    }
}

fn server(key: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::options().timeout(LOCK_WAIT).open_or_create(format!("qt:{key}"), SIZE)?;
    let how = if segment.was_created() { "created" } else { "attached to" };
    println!("server: {how} {}, {} bytes", segment.address(), segment.len());

    let guard = segment.lock_timeout(LOCK_WAIT)?;
    guard.write_at(0, format!("{GREETING}\0").as_bytes())?;
    println!("server: wrote {GREETING:?}");
    if let Err(error) = guard.unlock() {
        // A Qt program that looks too early makes a lock, and removes it before it looks again, whoever holds it
        // by then. All is written, so that does no harm.
        if error.kind() != ErrorKind::LockError {
            return Err(error.into());
        }
    }

    // Qt's segments go with the last process that has them: stay until the client was here, and has left.
    let answer = wait_for("no client has answered", || {
        let text = text_in(&*segment.lock_timeout(LOCK_WAIT)?)?;
        let alone = segment.stat()?.attached == Some(1);
        Ok(Some(text).filter(|text| text != GREETING && alone))
    })?;
    println!("server: the answer is {answer:?}");
    Ok(segment.detach()?)
}

fn client(key: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("qt:{key}");
    let segment = wait_for("no server has made the segment", || {
        match Segment::options().timeout(LOCK_WAIT).attach(address.as_str()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => result.map(Some),
        }
    })?;
    wait_for("no server has written", || {
        let guard = segment.lock_timeout(LOCK_WAIT)?;
        let text = text_in(&guard)?;
        if text.is_empty() {
            return Ok(None);
        }
        println!("client: read {text:?}");
        guard.write_at(0, format!("{ANSWER}\0").as_bytes())?;
        guard.unlock().map(Some)
    })?;
    Ok(segment.detach()?)
}

/// What the segment holds up to the first NUL. Another process wrote it: it may hold any bytes.
fn text_in(segment: &Segment) -> cenote::Result<String> {
    let bytes = segment.read_to_vec(..)?;
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
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
