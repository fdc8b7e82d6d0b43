//! A descriptor for those who wait by poll(2) and its like: readable while there may be something to receive.
//!
//! The words that one sleeps on have no descriptors. So a thread of its own sleeps there, and puts up a sign when somebody
//! has rung. It takes no message and does not know how far the receiver is, which stays where it is: so it is the receiver's
//! own thread that looks, when it arms the descriptor. It says that it waits, does the barrier, and looks, as one
//! does who goes to sleep; and then has the other sleep in its place, on the word as it was.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, mem};

use super::end::Frame;
use super::ring::{ReadingAt, Seen, Survey};
use super::several::{Source, System};
use super::waiting;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Sign};

/// The thread has nothing to do.
const IDLE: u64 = 0;
/// It is to end.
const ENDED: u64 = 1;
/// It is to sleep on the word, whose low half was what the upper half of this is.
const ARMED: u64 = 2;

/// A descriptor that is readable when there is something to receive: for poll(2), epoll(7), and what is built on them. From
/// [`Receiver::descriptor`](super::Receiver::descriptor) and [`Subscriber::descriptor`](super::Subscriber::descriptor).
///
/// It is armed from the beginning. Once it is readable it stays so, until it is armed again: after the messages that were
/// there have been received, or some of them. Then it is readable at once if there are more, and is so when the next
/// one comes: none is missed, whenever it came.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use cenote::Queue;
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// # let name = format!("doc/descriptor-{}", std::process::id());
/// # let name = name.as_str(); // "robot/goals"
/// # let tx = Queue::<u64>::create(name)?.sender()?;
/// # tx.send(&7)?;
/// let goals = Queue::<u64>::attach(name)?.receiver()?;
/// let ready = goals.descriptor()?;
/// # let mut rounds = 1..2;
/// loop {
///     # if rounds.next().is_none() { break }
///     // With whatever else is waited for.
///     poll(&mut [PollFd::new(&ready, PollFlags::IN)], None).unwrap();
///     while let Some(goal) = goals.try_receive()? {
///         println!("{goal}");
///     }
///     ready.arm(&goals)?;
/// }
/// # }
/// # Ok::<(), cenote::Error>(())
/// ```
///
/// It may be readable without there being anything, as with all descriptors: because somebody else was quicker, or has a
/// message in hand. `AsFd` and `AsRawFd` are there on Linux, so that it can be given to `mio`, or to tokio's `AsyncFd`: it
/// rings anew each time that it is armed and finds something, as those need who are told of changes alone. Nobody
/// but this reads from it or writes to it.
///
/// Behind it is a thread, which ends with it. Until it is readable that sleeps, but for a look every half a second, which finds
/// what somebody has left who died before it could wake anybody. It receives no signals. The memory stays mapped
/// as long as this lives. In a forked child it does nothing, and has nothing to wait for.
///
/// Of several who wait for one queue, one is woken for a message. As nobody knows how soon somebody comes who polls, the next
/// one is woken with it.
pub struct Descriptor {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
    forks: u32,
}

sys::readable_by!(Descriptor, watch.sign);

/// What the thread shares with who has the descriptor.
struct Watch {
    frame: Frame,
    /// Whether it is a topic; else a queue.
    is_topic: bool,
    /// What the thread is to do.
    state: AtomicU64,
    /// Of a topic: how far the subscriber was when it was armed.
    from: AtomicU64,
    system: System,
    sign: Sign,
}

impl Descriptor {
    pub(super) fn of(source: &dyn Source, frame: Frame, is_topic: bool) -> Result<Self> {
        let watch = Arc::new(Watch {
            frame,
            is_topic,
            state: AtomicU64::new(IDLE),
            from: AtomicU64::new(0),
            system: System::new(),
            sign: Sign::new()?,
        });
        let forks = sys::generation();
        let own = Arc::clone(&watch);
        let thread = sys::start_quiet_thread("cenote-waits", move || own.keep())?;
        let descriptor = Self { watch, thread: Some(thread), forks };
        descriptor.arm(source)?;
        Ok(descriptor)
    }

    /// Readable from here on when there is something to receive, and at once if there is: to be done whenever it was
    /// readable, after [`try_receive`](super::Receiver::try_receive). `source` is the end that it is of. It does not wait.
    ///
    /// # Errors
    /// `Incompatible` if it is of another end's channel; `LockError` in a forked child.
    pub fn arm(&self, source: &dyn Source) -> Result<()> {
        if self.forks != sys::generation() {
            return Err(sys::inherited());
        }
        let (watch, waiting) = (&*self.watch, source.waiting());
        if !Arc::ptr_eq(watch.frame.mapping(), waiting.mapping) {
            return Err(Error::new(ErrorKind::Incompatible, "the descriptor is of another channel")
                .with_hint("arm it with the end that it was made from"));
        }
        watch.sign.take_down();
        let half = waiting::announce_in_order(&watch.frame.arrivals(), &watch.system);
        if waiting.waited.is_ready(true) {
            watch.sign.put_up();
            return Ok(());
        }
        // Not where the last message is: there may be some behind one that is still being written.
        // Relaxed: the state is stored after it.
        watch.from.store(source.next(), Ordering::Relaxed);
        // Release: pairs with the Acquire in `keep`.
        watch.state.store(ARMED | u64::from(half) << 32, Ordering::Release);
        self.wake_thread();
        Ok(())
    }

    fn wake_thread(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Watch {
    /// The thread.
    fn keep(&self) {
        loop {
            // Acquire: pairs with the Release in `arm` and in `drop`.
            let state = self.state.load(Ordering::Acquire);
            match state & u64::from(u32::MAX) {
                IDLE => thread::park(),
                ENDED => return,
                _ if self.has_rung((state >> 32) as u32) => self.ring(state),
                _ => {}
            }
        }
    }

    /// Sleeps; whether there may be something afterwards.
    fn has_rung(&self, half: u32) -> bool {
        let word = self.frame.arrivals().word;
        sys::sleep_on_low_half(word, half, Duration::MAX);
        // Relaxed: who receives looks for itself.
        word.load(Ordering::Relaxed) as u32 != half
            || self.frame.mapping().is_lost()
            || self.may_have_something()
    }

    /// Whether somebody may have left something without ringing.
    fn may_have_something(&self) -> bool {
        let ring = self.frame.ring();
        if self.is_topic {
            // Relaxed: the state was loaded before it.
            let next = Cell::new(self.from.load(Ordering::Relaxed));
            let at = ReadingAt { next, missed: Cell::new(0) };
            return ring.read(&at) != Ok(Seen::Nothing);
        }
        ring.survey() != Survey::Nothing
    }

    fn ring(&self, state: u64) {
        // Relaxed: it orders nothing. If it fails it was armed anew, or ended, meanwhile.
        if self.state.compare_exchange(state, IDLE, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        self.sign.put_up();
        let bell = self.frame.arrivals();
        if !bell.all && self.frame.ring().survey() == Survey::Message {
            // We were woken for it, and may be slow.
            waiting::notify(&bell, &self.system);
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.forks != sys::generation() {
            // A forked child has no such thread.
            mem::forget(thread);
            return;
        }
        // Release: pairs with the Acquire in `keep`.
        self.watch.state.store(ENDED, Ordering::Release);
        thread.thread().unpark();
        waiting::wake_in_any_case(self.watch.frame.arrivals().word, sys::wake_all_on_low_half);
        // It does not panic.
        let _ = thread.join();
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor").finish_non_exhaustive()
    }
}
