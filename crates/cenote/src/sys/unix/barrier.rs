//! Barriers of which one side pays for both: membarrier(2).
//!
//! Who goes to sleep has the system run a full barrier on all processors that run somebody who has registered. So who has,
//! needs none of its own to have its stores seen before its next loads, each time that the other side does so.

#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{Ordering, compiler_fence, fence};

// From linux/membarrier.h; since Linux 4.16.
const GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

/// Whether this process has registered: it does so once.
#[inline]
pub(crate) fn is_registered_for_barriers() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| membarrier(REGISTER_GLOBAL_EXPEDITED))
}

/// Keeps loads after it from being done before stores before it, as others see them who use the heavy one.
#[inline]
pub(crate) fn light_barrier(registered: bool) {
    if registered {
        // SeqCst: what the compiler leaves in order, the system's barrier orders for the processor.
        compiler_fence(Ordering::SeqCst);
    } else {
        // SeqCst: pairs with the one in `heavy_barrier`.
        fence(Ordering::SeqCst);
    }
}

/// The same for this thread, and for all that use the light one. Where the system has no such thing, those who could not
/// register do it themselves.
pub(crate) fn heavy_barrier() {
    // SeqCst: pairs with the one in `light_barrier`.
    fence(Ordering::SeqCst);
    membarrier(GLOBAL_EXPEDITED);
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: it takes numbers, and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
