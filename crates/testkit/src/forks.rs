//! What an agent does with forks: its child has inherited the segment, and perhaps a held lock.
//!
//! | command | reply | |
//! |---|---|---|
//! | `fork lock MS` | `ok yes`, `ok no` | whether a child gets the lock in that time |
//! | `fork write OFFSET BYTE` | `ok yes` | a child writes a byte |
//! | `fork unlock` | `ok yes` | a child drops the guard and the segment that it inherited, and ends |
//! | `fork stay` | `ok PID` | a child stays until it is killed, or its parent's input ends |

#![allow(unsafe_code)]

use std::time::Duration;

use cenote::Segment;

/// Runs what the words say in a forked child.
pub(crate) fn run(words: &[&str], segment: &Segment) -> String {
    match words {
        ["lock", ms] => {
            let timeout = Duration::from_millis(ms.parse().expect("milliseconds"));
            in_child(|| segment.lock_timeout(timeout).is_ok())
        }
        ["write", offset, byte] => {
            let (offset, byte) = (offset.parse().expect("an offset"), byte.parse().expect("a byte"));
            in_child(|| segment.write_at(offset, &[byte]).is_ok())
        }
        ["stay"] => stay(),
        other => panic!("no such command: fork {other:?}"),
    }
}

/// Does `work` in a forked child: whether that says yes.
///
/// # Panics
/// If the system cannot fork, or the child dies.
pub fn in_child(work: impl FnOnce() -> bool) -> String {
    match split() {
        None => leave(work()),
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
    }
}

/// Forks: `None` in the child, and in the parent, once the child is gone, whether it left content.
pub(crate) fn split() -> Option<bool> {
    // SAFETY: the child does little, takes no lock that another thread may hold, and leaves by _exit.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1, "fork fails");
    if pid == 0 {
        return None;
    }
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours to write.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid, "waitpid fails");
    assert!(libc::WIFEXITED(status), "the child died: {status}");
    Some(libc::WEXITSTATUS(status) == 0)
}

/// Ends a child, without a word to what it shares with its parent.
pub(crate) fn leave(content: bool) -> ! {
    // SAFETY: ends this process at once.
    unsafe { libc::_exit(i32::from(!content)) }
}

/// A child that does nothing until it is killed.
fn stay() -> String {
    // SAFETY: the child only sleeps.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1, "fork fails");
    if pid == 0 {
        loop {
            // SAFETY: sleeps until a signal comes.
            unsafe { libc::pause() };
        }
    }
    pid.to_string()
}
