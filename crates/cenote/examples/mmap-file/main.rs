//! A mapped file: memory that several processes change, and that is on disk afterwards.
//!
//!     cargo run -q -p cenote --example mmap-file -- write notes.bin one
//!     cargo run -q -p cenote --example mmap-file -- await notes.bin one
//!
//! `classic.c` beside this is the same in C. Each sees what the other changes, while it has the file mapped.

use std::error::Error;
use std::fs::File;
use std::path::absolute;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use cenote::Segment;

const SIZE: u64 = 4096;
/// How long somebody may hold the lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long the text may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", file, text] => write(file, text),
        ["await", file, text] => await_text(file, text),
        _ => {
            eprintln!("usage: mmap-file write|await FILE TEXT");
            exit(2)
        }
    }
}

fn write(file: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("file:{}", absolute(file)?.display());
    let segment = Segment::open_or_create(address, SIZE)?;
    let guard = segment.lock_timeout(LOCK_WAIT)?;
    println!("write: {:?} becomes {text:?}", text_in(&guard)?);
    guard.write_at(0, format!("{text}\0").as_bytes())?;
    guard.unlock()?;
    // Other processes see it already; now it also survives a power cut.
    File::open(file)?.sync_all()?;
    Ok(segment.detach()?)
}

fn await_text(file: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("file:{}", absolute(file)?.display());
    let segment = Segment::options().read_only().attach(address)?;
    let end = Instant::now() + PATIENCE;
    while text_in(&*segment.lock_timeout(LOCK_WAIT)?)? != text {
        if Instant::now() > end {
            return Err(format!("the text did not come within {PATIENCE:?}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    println!("await: {text:?} is there");
    Ok(segment.detach()?)
}

/// What the file holds up to the first NUL. Another process wrote it: it may hold any bytes.
fn text_in(segment: &Segment) -> cenote::Result<String> {
    let bytes = segment.read_to_vec(..)?;
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}
