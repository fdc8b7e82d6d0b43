//! System V shared memory in its five steps: a key, `shmget`, `shmat`, `shmdt`, `shmctl`.
//!
//!     cargo run -q -p cenote --example system-v -- write
//!     cargo run -q -p cenote --example system-v -- read
//!
//! `classic.c` beside this is the same in C. What one writes the other reads, and removes.

use std::process::exit;

use cenote::Segment;

/// A file or folder that both programs know, for ftok(3).
const PATH: &str = ".";
const PROJECT: u8 = 81;
const SIZE: u64 = 1024;
const TEXT: &str = "Hello from Cenote!";

fn main() -> cenote::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write"] => write(PATH),
        ["write", path] => write(path),
        ["read"] => read(PATH),
        ["read", path] => read(path),
        _ => {
            eprintln!("usage: system-v write|read [PATH]");
            exit(2)
        }
    }
}

fn write(path: &str) -> cenote::Result<()> {
    let address = format!("sysv:{path}#{PROJECT}"); // the key, by ftok(PATH, 81)
    let segment = Segment::create(address, SIZE)?; // shmget(IPC_CREAT | IPC_EXCL), shmat
    segment.write_at(0, format!("{TEXT}\0").as_bytes())?;
    println!("write: {TEXT:?} to {}, {} bytes", segment.address(), segment.len());
    segment.detach() // shmdt: the segment stays
}

fn read(path: &str) -> cenote::Result<()> {
    let address = format!("sysv:{path}#{PROJECT}");
    let segment = Segment::options().read_only().attach(address.as_str())?; // shmget, shmat(SHM_RDONLY)
    let bytes = segment.read_to_vec(..)?;
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    println!("read: {:?}, {} bytes", String::from_utf8_lossy(text), segment.len());
    segment.detach()?; // shmdt
    Segment::remove(address)?; // shmctl(IPC_RMID)
    println!("read: removed");
    Ok(())
}
