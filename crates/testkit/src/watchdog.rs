//! An end to every wait: a test that hangs is stopped and named.

use std::io::Write;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// The children of this process that must not outlive it.
static CHILDREN: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Ends this process unless it is dropped in time.
#[derive(Debug)]
#[must_use = "the watch ends when this is dropped"]
pub struct Watchdog {
    /// Never sent through: dropping it is the sign.
    _alive: Sender<()>,
}

/// Watches over the rest of the calling scope: if it takes longer than `limit`, the process, children
/// included, is ended with a message that names the test.
pub fn watchdog(limit: Duration) -> Watchdog {
    let test = thread::current().name().unwrap_or("a thread without a name").to_owned();
    let (alive, gone) = channel();
    thread::spawn(move || watch(&gone, limit, &test));
    Watchdog { _alive: alive }
}

fn watch(gone: &Receiver<()>, limit: Duration, test: &str) {
    if gone.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        // Past the test harness, which would capture what `eprintln!` says and lose it in the abort.
        let _ = writeln!(std::io::stderr(), "watchdog: `{test}` is not done after {limit:?}");
        kill_children();
        std::process::abort();
    }
}

/// Remembers `child`, so that it goes when a watchdog ends this process.
pub(crate) fn adopt(child: &Arc<Mutex<Child>>) {
    let mut children = lock(&CHILDREN);
    children.retain(|known| known.strong_count() > 0);
    children.push(Arc::downgrade(child));
}

fn kill_children() {
    for child in lock(&CHILDREN).iter().filter_map(Weak::upgrade) {
        let _ = lock(&child).kill();
    }
}

/// A test that panicked says nothing about the data here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_time_nothing_happens() {
        let guard = watchdog(Duration::from_millis(20));
        drop(guard);
        thread::sleep(Duration::from_millis(60));
    }
}
