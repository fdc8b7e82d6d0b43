//! A block of readings, as simulators and sensor tools publish it: written many times a second, read without a lock.
//!
//!     cargo run -q -p cenote --example telemetry -- publisher
//!     cargo run -q -p cenote --example telemetry -- read
//!     cargo run -q -p cenote --example telemetry -- watch
//!
//! A counter says what can be believed: it is odd while the publisher writes. `read` shows readings; `watch` tells
//! who publishes, and when nobody does any more. Publisher and `watch` end with Enter, or with their input.
//! `classic.cpp` beside this is a publisher for Windows, in the same format.

use std::error::Error;
use std::io;
use std::mem::offset_of;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cenote::{ErrorKind, Segment};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const NAME: &str = "Telemetry";
const INTERVAL: Duration = Duration::from_millis(20);
/// How long a publisher may take for one update.
const WRITE_LIMIT: Duration = Duration::from_millis(200);
/// What stands still for so long is out of date.
const NEWS_LIMIT: Duration = Duration::from_secs(1);

const MAGIC: u32 = u32::from_le_bytes(*b"TELE");
const VERSION: u16 = 1;

/// What lies in the segment.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Block {
    magic: u32,
    version: u16,
    /// Of the block, in bytes.
    size: u16,
    /// Odd while somebody writes.
    updates: u32,
    process: u32,
    /// When this publisher began: another one began at another time.
    started: u64,
    speed: f32,
    height: f32,
    heading: f32,
    climb: f32,
    /// Up to a NUL, or all of it.
    name: [u8; 32],
}

const UPDATES: usize = offset_of!(Block, updates);
const SIZE: u16 = size_of::<Block>() as u16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["publisher"] => publisher(NAME, INTERVAL),
        ["publisher", name] => publisher(name, INTERVAL),
        ["publisher", name, milliseconds] => publisher(name, Duration::from_millis(milliseconds.parse()?)),
        ["read"] => read(NAME, 1),
        ["read", name] => read(name, 1),
        ["read", name, count] => read(name, count.parse()?),
        ["watch"] => watch(NAME),
        ["watch", name] => watch(name),
        _ => {
            eprintln!(
                "usage: telemetry publisher [NAME [MILLISECONDS]] | read [NAME [COUNT]] | watch [NAME]"
            );
            exit(2)
        }
    }
}

/// The same name on every system.
fn address(name: &str) -> String {
    if cfg!(windows) { format!(r"windows:Local\{name}") } else { format!("posix:/{name}") }
}

fn publisher(name: &str, interval: Duration) -> Result<(), Box<dyn Error>> {
    let segment = Segment::open_or_create(address(name), SIZE.into())?;
    // Kept to the end, and freed by the system if we do not come so far. Readers never ask for it.
    let Some(_alone) = segment.try_lock()? else { return Err("somebody publishes here already".into()) };
    if segment.stat()?.removed {
        return Err("the publisher before us has just removed it: try again".into());
    }
    // A publisher that was killed may have left an odd number.
    let mut updates: u32 = segment.read_value::<u32>(UPDATES)? & !1;
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos() as u64;
    let done = enter_is_pressed();
    for turn in 0.. {
        let block = Block { started, updates: updates.wrapping_add(1), ..reading(turn, b"cenote's mast") };
        segment.write_value(UPDATES, &block.updates)?;
        // Pairs with the readers' first fence: who sees any of the block sees that it is being written.
        fence(Ordering::Release);
        segment.write_value(0, &block)?;
        // Pairs with their last load of the number: who sees it even sees all of the block.
        fence(Ordering::Release);
        updates = updates.wrapping_add(2);
        segment.write_value(UPDATES, &updates)?;
        if turn == 0 {
            println!("publisher: at work; Enter ends it");
        }
        if done.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(interval);
    }
    if cfg!(unix) {
        Segment::remove(address(name))?;
    }
    Ok(())
}

/// What is measured in a turn. All values follow from the turn, so that a reader can tell a torn reading.
fn reading(turn: u32, name: &[u8]) -> Block {
    let step = (turn % 1000) as f32;
    let mut block = Block {
        magic: MAGIC,
        version: VERSION,
        size: SIZE,
        updates: 0,
        process: std::process::id(),
        started: 0,
        speed: step,
        height: step + 1000.0,
        heading: step / 10.0,
        climb: step - 500.0,
        name: [0; 32],
    };
    block.name[..name.len()].copy_from_slice(name);
    block
}

fn read(name: &str, count: u32) -> Result<(), Box<dyn Error>> {
    let segment = Segment::options().read_only().attach(address(name))?;
    for _ in 0..count {
        let Some(block) = sample(&segment)? else {
            return Err(format!("the publisher is not done with an update after {WRITE_LIMIT:?}").into());
        };
        if block.magic == 0 {
            return Err("nothing was published here yet".into());
        }
        let Block { speed, height, heading, climb, .. } = block;
        println!(
            "read: {:?}: {speed} m/s, at {height} m, to {heading} deg, climbs {climb} m/s",
            name_of(&block)
        );
    }
    Ok(segment.detach()?)
}

/// A copy of the block that is whole, and of a format that we know. None while it is being written.
fn sample(segment: &Segment) -> Result<Option<Block>, Box<dyn Error>> {
    let end = Instant::now() + WRITE_LIMIT;
    loop {
        let before: u32 = segment.read_value(UPDATES)?;
        // Pairs with the publisher's last fence.
        fence(Ordering::Acquire);
        let block: Block = segment.read_value(0)?;
        // Pairs with its first one.
        fence(Ordering::Acquire);
        let after: u32 = segment.read_value(UPDATES)?;
        if before.is_multiple_of(2) && before == after {
            checked(&block)?;
            return Ok(Some(Block { updates: before, ..block }));
        }
        if Instant::now() > end {
            return Ok(None);
        }
        thread::yield_now();
    }
}

/// Anybody may have written anything. A block of zeros is one that nobody has written to.
fn checked(block: &Block) -> Result<(), String> {
    match (block.magic, block.version, block.size) {
        (0, 0, 0) | (MAGIC, VERSION, SIZE) => Ok(()),
        (MAGIC, VERSION, size) => Err(format!("version {VERSION} has {SIZE} bytes, and not {size}")),
        (MAGIC, version, _) => Err(format!("its version is {version}, and ours {VERSION}")),
        (magic, ..) => Err(format!("this is no telemetry: it begins with {magic:#010x}")),
    }
}

fn name_of(block: &Block) -> String {
    let name = block.name.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

fn watch(name: &str) -> Result<(), Box<dyn Error>> {
    let done = enter_is_pressed();
    println!("watch: begins; Enter ends it");
    let mut segment = None;
    let mut last: Option<Block> = None;
    let mut news = Instant::now();
    let mut is_stale = false;
    while !done.load(Ordering::Relaxed) {
        // A publisher that comes later may have made another segment under the name.
        if segment.is_none() || is_stale {
            segment = attached(name)?.or(segment);
        }
        let block = segment.as_ref().map(sample).transpose()?.flatten().filter(|block| block.magic != 0);
        match (block, last) {
            (Some(new), Some(old)) if (new.started, new.updates) == (old.started, old.updates) => {}
            (Some(new), old) => {
                if old.is_none_or(|old| (old.started, old.process) != (new.started, new.process)) {
                    println!("watch: {:?} publishes, as process {}", name_of(&new), new.process);
                } else if is_stale {
                    println!("watch: {:?} is back", name_of(&new));
                }
                (last, news, is_stale) = (block, Instant::now(), false);
            }
            (None, _) => {}
        }
        if !is_stale && news.elapsed() > NEWS_LIMIT {
            is_stale = true;
            match last {
                Some(block) => println!("watch: no new data since update {}", block.updates / 2),
                None => println!("watch: nobody has published yet"),
            }
        }
        thread::sleep(INTERVAL / 4);
    }
    Ok(())
}

fn attached(name: &str) -> cenote::Result<Option<Segment>> {
    match Segment::options().read_only().attach(address(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Becomes true when somebody presses Enter, or the input ends.
fn enter_is_pressed() -> &'static AtomicBool {
    static DONE: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        // Whatever comes, or does not: it is the end.
        let _ = io::stdin().read_line(&mut String::new());
        DONE.store(true, Ordering::Relaxed);
    });
    &DONE
}
