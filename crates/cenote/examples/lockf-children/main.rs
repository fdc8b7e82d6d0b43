//! Many processes, one counter, and a lock around it.
//!
//!     cargo run -q -p cenote --example lockf-children -- begin
//!     cargo run -q -p cenote --example lockf-children -- count
//!     cargo run -q -p cenote --example lockf-children -- end
//!
//! `classic.c` beside this is the same with `fork` and `lockf`. Both may count at the same time.

use std::error::Error;
use std::process::{Child, Command, exit};
use std::time::Duration;

use cenote::Segment;

const NAME: &str = "/lockf-children";
const SIZE: u64 = 4096;
const CHILDREN: usize = 4;
const TIMES: u64 = 1000;
/// How long somebody may hold the lock, be it stopped in a debugger.
const LOCK_WAIT: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["begin"] => begin(NAME),
        ["begin", name] => begin(name),
        ["count"] => count(NAME),
        ["count", name] => count(name),
        ["end"] => end(NAME),
        ["end", name] => end(name),
        ["child", name] => child(name),
        _ => {
            eprintln!("usage: lockf-children begin|count|end [NAME]");
            exit(2)
        }
    }
}

fn begin(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::create(format!("posix:{name}"), SIZE)?;
    println!("begin: the counter is {}", segment.read_value::<u64>(0)?);
    Ok(segment.detach()?)
}

fn count(name: &str) -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let start = |_| Command::new(&program).args(["child", name]).spawn();
    let children: Vec<Child> = (0..CHILDREN).map(start).collect::<Result<_, _>>()?;
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("a child failed: {status}").into());
        }
    }
    println!("count: {CHILDREN} children have added {TIMES} each");
    Ok(())
}

fn child(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::attach(format!("posix:{name}"))?;
    for _ in 0..TIMES {
        let guard = segment.lock_timeout(LOCK_WAIT)?;
        let counter: u64 = guard.read_value(0)?;
        guard.write_value(0, &counter.wrapping_add(1))?;
        guard.unlock()?;
    }
    Ok(segment.detach()?)
}

fn end(name: &str) -> Result<(), Box<dyn Error>> {
    let address = format!("posix:{name}");
    let segment = Segment::attach(address.as_str())?;
    println!("end: the counter is {}", segment.lock_timeout(LOCK_WAIT)?.read_value::<u64>(0)?);
    segment.detach()?;
    Ok(Segment::remove(address)?)
}
