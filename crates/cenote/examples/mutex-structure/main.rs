//! A structure behind a lock, whose holders may be killed at any moment.
//!
//!     cargo run -q -p cenote --example mutex-structure -- begin
//!     cargo run -q -p cenote --example mutex-structure -- work
//!     cargo run -q -p cenote --example mutex-structure -- end
//!
//! `hold` takes the lock, changes one half and waits for somebody to kill it. `classic.c` beside this joins
//! with `lockf`, and shows what a robust mutex of POSIX threads does instead.

use std::error::Error;
use std::process::exit;
use std::thread;
use std::time::Duration;

use cenote::{Guard, Segment};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const NAME: &str = "/mutex-structure";
const TIMES: u64 = 1000;
/// How long somebody may hold the lock; `hold` does so for longer.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Two accounts, which are worth `TOTAL` together whenever nobody holds the lock.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Accounts {
    /// 1 while somebody changes them.
    dirty: u64,
    left: i64,
    right: i64,
    moves: u64,
}

const TOTAL: i64 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["begin"] => begin(NAME),
        ["begin", name] => begin(name),
        ["work"] => work(NAME),
        ["work", name] => work(name),
        ["hold"] => hold(NAME),
        ["hold", name] => hold(name),
        ["end"] => end(NAME),
        ["end", name] => end(name),
        _ => {
            eprintln!("usage: mutex-structure begin|work|hold|end [NAME]");
            exit(2)
        }
    }
}

fn begin(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::create(format!("posix:{name}"), size_of::<Accounts>() as u64)?;
    let accounts = Accounts { dirty: 0, left: TOTAL, right: 0, moves: 0 };
    segment.lock_timeout(LOCK_WAIT)?.write_value(0, &accounts)?;
    println!("begin: {} and {}", accounts.left, accounts.right);
    Ok(segment.detach()?)
}

fn work(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::attach(format!("posix:{name}"))?;
    for _ in 0..TIMES {
        let (guard, mut accounts) = enter(&segment)?;
        accounts.left = accounts.left.wrapping_sub(1);
        guard.write_value(0, &accounts)?;
        accounts.right = accounts.right.wrapping_add(1);
        accounts.moves = accounts.moves.wrapping_add(1);
        leave(guard, accounts)?;
    }
    println!("work: moved {TIMES} times");
    Ok(segment.detach()?)
}

fn hold(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::attach(format!("posix:{name}"))?;
    let (guard, mut accounts) = enter(&segment)?;
    accounts.left = accounts.left.wrapping_sub(1);
    guard.write_value(0, &accounts)?;
    println!("hold: has the lock, and one is on its way");
    thread::sleep(Duration::from_secs(60));
    Err("nobody has killed this process".into())
}

fn end(name: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("posix:{name}");
    let segment = Segment::attach(address.as_str())?;
    let (guard, accounts) = enter(&segment)?;
    println!("end: {} and {} after {} moves", accounts.left, accounts.right, accounts.moves);
    leave(guard, accounts)?;
    segment.detach()?;
    Ok(Segment::remove(address)?)
}

/// Takes the lock and a copy of the accounts, and says in the segment that they are being changed.
fn enter(segment: &Segment) -> cenote::Result<(Guard<'_>, Accounts)> {
    let guard = segment.lock_timeout(LOCK_WAIT)?;
    let mut accounts: Accounts = guard.read_value(0)?;
    if accounts.dirty != 0 {
        // This kind of lock cannot tell whether its last holder died. The mark can: it stayed.
        accounts.right = TOTAL.wrapping_sub(accounts.left);
        println!(
            "somebody died while changing the accounts: mended, {} and {}",
            accounts.left, accounts.right
        );
    }
    accounts.dirty = 1;
    guard.write_value(0, &accounts)?;
    Ok((guard, accounts))
}

fn leave(guard: Guard<'_>, mut accounts: Accounts) -> cenote::Result<()> {
    guard.write_value(0, &accounts)?;
    accounts.dirty = 0;
    guard.write_value(0, &accounts)?;
    guard.unlock()
}
