//! Waiting at several bells at once, for whoever rings first.
//!
//! It is what one does who waits at one: say at all of them that somebody is going to sleep, do one barrier for all, look at
//! all once more, and sleep on all their words. The first sleep is short and without a barrier here, too: what that may miss is
//! as unlikely for each of them as it is for one, and is over as soon.
//!
//! A bell that wakes one may have woken us for a message that we do not take, since another channel had one, too. Nobody
//! else is woken for it. So whoever has slept, and leaves, wakes another one wherever there is something left; but not for
//! the channel that it names: what is there is its own to take.

use std::hint;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::spin::MOST;
use super::{Bell, FIRST, Kernel, LONGEST, Spin, announce, notify};
use crate::sync::Word;
use crate::sys::Wait;

/// How long those sleep who cannot be woken by all that they wait for.
const SHORT: Duration = Duration::from_millis(1);

/// Something that can be waited for together with others.
pub(in crate::channel) trait Waited<W> {
    /// Whether there is something, or an error to be seen. It is told whether there is time to look thoroughly.
    fn is_ready(&self, thoroughly: bool) -> bool;

    /// `None`: who waits here cannot say so.
    fn bell(&self) -> Option<Bell<'_, W>>;

    /// What is known of who it is waited for.
    fn spin(&self) -> &Spin;
}

/// What that takes of the system.
pub(in crate::channel) trait Several<W>: Kernel<W> {
    /// On how many words one can sleep at once.
    fn most(&self) -> usize;

    /// Sleeps while the low halves of the words are those, or of the first if there are too many: until somebody wakes at
    /// one of them, or the time is over.
    fn sleep_on_several(&self, words: &[(&W, u32)], time: Duration);
}

/// Looks until one of them has something, spinning and then sleeping in between: which one, or `None` if the wait ended
/// first.
pub(in crate::channel) fn wait_for_any<W: Word, K: Several<W>>(
    sources: &[&dyn Waited<W>],
    kernel: &K,
    wait: Wait,
) -> Option<usize> {
    let look = |thoroughly| sources.iter().position(|source| source.is_ready(thoroughly));
    if let Some(found) = look(true) {
        return Some(found);
    }
    if matches!(wait, Wait::Try) {
        return None;
    }
    if let Some(found) = spin(sources, look) {
        return Some(found);
    }
    let bells: Vec<_> = sources.iter().filter_map(|source| source.bell()).collect();
    let all_wake = bells.len() == sources.len() && bells.len() <= kernel.most();
    let (mut sleep, longest) = if all_wake { (FIRST, LONGEST) } else { (SHORT, SHORT) };
    let mut announced = Vec::with_capacity(bells.len());
    let mut has_slept = false;
    loop {
        announced.clear();
        announced.extend(bells.iter().map(|bell| (bell.word, announce(bell.word) as u32)));
        if sleep <= FIRST {
            // As in `wait`: pairs with nothing on the other side.
            kernel.light_barrier();
            sources.iter().take(1).for_each(|source| source.spin().pause());
        } else {
            // Pairs with the light one in `notify`, of all of them.
            kernel.heavy_barrier();
        }
        let mut found = look(true);
        if found.is_none() {
            let time = wait.left(sleep)?;
            kernel.sleep_on_several(&announced, time);
            has_slept = true;
            found = look(true);
            if let Some(found) = found {
                learn(sources, found, kernel);
            }
        }
        if let Some(found) = found {
            if has_slept {
                pass_on(sources, found, kernel);
            }
            return Some(found);
        }
        sleep = (sleep * 2).min(longest);
    }
}

/// For as long as for one alone.
fn spin<W>(sources: &[&dyn Waited<W>], look: impl Fn(bool) -> Option<usize>) -> Option<usize> {
    if sources.iter().all(|source| source.spin().is_beside()) {
        return None;
    }
    for _ in 0..MOST.div_ceil(u32::try_from(sources.len()).unwrap_or(MOST).max(1)) {
        if let Some(found) = look(false) {
            return Some(found);
        }
        hint::spin_loop();
    }
    None
}

/// After a sleep: whether who woke us is on our own processor. Where they are who did not is known no better.
fn learn<W: Word, K: Kernel<W>>(sources: &[&dyn Waited<W>], found: usize, kernel: &K) {
    let Some(bell) = sources[found].bell() else { return };
    // Relaxed: a hint.
    let own_processor = bell.waker.load(Ordering::Relaxed) == kernel.processor();
    sources.iter().for_each(|source| source.spin().woken_from(own_processor));
}

/// We may have been woken where one is, and take something else: wakes another one there.
fn pass_on<W: Word, K: Kernel<W>>(sources: &[&dyn Waited<W>], found: usize, kernel: &K) {
    for (which, source) in sources.iter().enumerate() {
        if which != found
            && let Some(bell) = source.bell()
            && !bell.all
            && source.is_ready(false)
        {
            notify(&bell, kernel);
        }
    }
}
