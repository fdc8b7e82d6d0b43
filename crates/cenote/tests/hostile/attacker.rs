//! The attacker: another process, with system calls of its own, as fast as it can.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io::Read;

use testkit::Rng;

/// The most bytes that it lets the segment have, and the size that a new one gets.
pub(crate) const MOST: u64 = 64 << 10;
/// How often it attacks before it says so. It goes on until its input ends, so that the victim sees enough.
const ATTACKS: u32 = 10_000;
const PAGE: u64 = 4096;

/// Attacks the file at `path` until its input ends.
pub(crate) fn run(path: &str) {
    let path = CString::new(path).unwrap();
    let mut rng = Rng::new(0xbad);
    println!("\nready");
    let input = std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
    });
    let mut done = 0_u32;
    while !input.is_finished() {
        // One that fails, because an earlier one has spoilt it, does not count.
        if attack(&path, &mut rng) == 0 {
            done = done.saturating_add(1);
            if done == ATTACKS {
                println!("ok {done}");
            }
        }
        // Where there are fewer processors than threads, the victims' turn would come too rarely.
        if rng.one_in(8) {
            std::thread::yield_now();
        }
    }
}

/// One attack; 0 if it had its way.
fn attack(path: &CString, rng: &mut Rng) -> i32 {
    // Not often, or nobody would use any of them for long.
    if rng.one_in(300) {
        // SAFETY: a C string that outlives the call.
        let unlinked = unsafe { libc::unlink(path.as_ptr()) };
        // Sometimes the name stays free for a while, for whoever creates it first.
        return if rng.one_in(3) { unlinked } else { make(path) };
    }
    match rng.below(16) {
        0..=4 => truncate(path, rng.below(MOST / PAGE) * PAGE),
        5 => truncate(path, 0),
        6 => truncate(path, rng.below(MOST)),
        7..=11 => truncate(path, MOST),
        12..=14 => punch_hole(path, rng.below(MOST), 1 + rng.below(MOST)),
        _ => {
            let modes: [libc::mode_t; 5] = [0o600, 0o600, 0o666, 0o400, 0o000];
            // SAFETY: a C string that outlives the call.
            unsafe { libc::chmod(path.as_ptr(), *rng.choose(&modes)) }
        }
    }
}

fn truncate(path: &CString, size: u64) -> i32 {
    // SAFETY: a C string that outlives the call.
    unsafe { libc::truncate(path.as_ptr(), size.cast_signed()) }
}

fn punch_hole(path: &CString, offset: u64, len: u64) -> i32 {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    with_open(path, libc::O_RDWR, |file| {
        // SAFETY: takes plain numbers.
        unsafe { libc::fallocate(file, mode, offset.cast_signed(), len.cast_signed()) }
    })
}

/// As C programs do: it has a name before it has a size.
fn make(path: &CString) -> i32 {
    with_open(path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, |file| {
        // SAFETY: takes plain numbers.
        unsafe { libc::ftruncate(file, MOST.cast_signed()) }
    })
}

fn with_open(path: &CString, flags: i32, work: impl FnOnce(i32) -> i32) -> i32 {
    // SAFETY: a C string that outlives the call.
    let file = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600) };
    if file == -1 {
        return -1;
    }
    let result = work(file);
    // SAFETY: opened above, and closed once.
    unsafe { libc::close(file) };
    result
}
