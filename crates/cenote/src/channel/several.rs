//! Waiting for several channels at once, of any types.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use super::waiting::{self, Kernel, Several, Waited};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapping, Wait};

/// What [`wait_for_any`] waits for: a [`Receiver`](super::Receiver) or a [`Subscriber`](super::Subscriber), of whatever
/// messages.
///
/// It is for these alone: nobody else can have it.
pub trait Source: Sealed {}

/// Keeps [`Source`] to those who have it here.
pub trait Sealed {
    #[doc(hidden)]
    fn waiting(&self) -> Waiting<'_>;

    /// Of a topic: the next position that it reads.
    #[doc(hidden)]
    fn next(&self) -> u64 {
        0
    }
}

/// A source, as one waits for it.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "nobody sees it")]
pub struct Waiting<'a> {
    pub(super) waited: &'a dyn Waited<AtomicU64>,
    /// Its memory.
    pub(super) mapping: &'a Arc<Mapping>,
}

/// Waits until one of several channels has something to receive, for so long at most, or as long as it takes: gives its
/// place among them, the first place if several have. (How long a segment's [`Options`](crate::Options) let it wait
/// does not count here.)
///
/// ```
/// use std::time::Duration;
///
/// use cenote::{Queue, Topic};
///
/// # let (queue, topic) = ["goals", "poses"].map(|n| format!("doc/any-{n}-{}", std::process::id())).into();
/// # let (queue, topic) = (queue.as_str(), topic.as_str()); // "robot/goals", "robot/poses"
/// let goals = Queue::<[f64; 2]>::create(queue)?.receiver()?;
/// let poses = Topic::<[f64; 3]>::create(topic)?.subscriber()?;
/// # Topic::<[f64; 3]>::attach(topic)?.publisher()?.publish(&[1.0, 2.0, 3.0])?;
/// // ...
/// match cenote::wait_for_any(&[&goals, &poses], Some(Duration::from_secs(1)))? {
///     0 => println!("to go: {:?}", goals.try_receive()?),
///     _ => println!("we are at {:?}", poses.try_receive()?),
/// }
/// # Ok::<(), cenote::Error>(())
/// ```
///
/// That one's `try_receive` gives a message then, or the error that stands in its way (the memory was taken away, this is a
/// forked child): unless somebody else who receives from the same queue was quicker, or a topic's publisher has just
/// written over it. So `try_receive` is what to call, and not `receive`.
///
/// Who is first in the list is first served, and one that always has something keeps the others waiting: who wants them
/// to take turns asks each of them after a wait, or puts another one first each time.
///
/// It spins for about the price of being woken, and then sleeps, taking no time of a processor. What those have left who
/// died is found as when waiting for one alone: within half a second, if nobody else sends. It looks once in a millisecond if one of them is a
/// topic that is attached read-only, if there are more than 128, or where the system cannot sleep for several (Linux
/// before 5.16).
///
/// Of several who wait for one queue, one is woken for a message. Who is woken and then told of another channel wakes
/// the next one. Who is told of the queue is the one that takes the message: if it leaves it there, somebody else may
/// sleep on beside it, for half a second at most.
///
/// # Errors
/// `Timeout`; `InvalidSize` if there is nothing in the list.
pub fn wait_for_any(sources: &[&dyn Source], timeout: Option<Duration>) -> Result<usize> {
    if sources.is_empty() {
        let error = Error::new(ErrorKind::InvalidSize, "there is nothing to wait for");
        return Err(error.with_hint("name at least one receiver or subscriber"));
    }
    let waited: Vec<_> = sources.iter().map(|source| source.waiting().waited).collect();
    waiting::wait_for_any(&waited, &System::new(), Wait::up_to(timeout)).ok_or_else(|| {
        Error::new(ErrorKind::Timeout, format!("no message came in any of {} channels", sources.len()))
            .with_hint("nobody sends: `cenote show` names those who could; or wait longer")
    })
}

/// The system, for who waits for more than one channel.
pub(super) struct System {
    registered: bool,
}

impl System {
    pub(super) fn new() -> Self {
        Self { registered: sys::is_registered_for_barriers() }
    }
}

impl Kernel<AtomicU64> for System {
    type Error = Infallible;

    fn sleep(&self, word: &AtomicU64, half: u32, time: Duration) -> std::result::Result<(), Infallible> {
        sys::sleep_on_low_half(word, half, time);
        Ok(())
    }

    fn wake_one(&self, word: &AtomicU64) -> bool {
        sys::wake_one_on_low_half(word)
    }

    fn wake_all(&self, word: &AtomicU64) {
        sys::wake_all_on_low_half(word);
    }

    fn processor(&self) -> u64 {
        sys::processor()
    }

    fn light_barrier(&self) {
        sys::light_barrier(self.registered);
    }

    fn heavy_barrier(&self) {
        sys::heavy_barrier();
    }
}

impl Several<AtomicU64> for System {
    fn most(&self) -> usize {
        sys::most_words_to_sleep_on()
    }

    fn sleep_on_several(&self, words: &[(&AtomicU64, u32)], time: Duration) {
        let at_once = if words.len() <= self.most() { words } else { &words[..1] };
        if at_once.is_empty() {
            thread::sleep(time);
        } else {
            sys::sleep_on_low_halves(at_once, time);
        }
    }
}
