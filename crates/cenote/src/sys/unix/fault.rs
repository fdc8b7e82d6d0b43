//! Outliving SIGBUS: a peer that shrinks a file under a mapping costs its users an error, not their life.
//!
//! The kernel raises SIGBUS where a mapped file has no page any more. The handler here looks the address up among the
//! mappings of this crate; if it is one of them, the mapping is marked as lost and replaced by zero pages, and the
//! access goes on. All other faults go to the handler that was there before (that of the standard library, which
//! reports stack overflows, usually).
//!
//! A handler that others install later and that does not pass on what is not theirs undoes this protection.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use super::fault_table::{Entry, Table};
use super::fork;

/// "Action optional"; the libc crate lacks it. See sigaction(2).
const BUS_MCEERR_AO: c_int = 5;

static TABLE: OnceLock<&'static Table> = OnceLock::new();
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// A range of addresses under watch, for as long as this lives.
pub(crate) struct Watch(&'static Entry);

impl Watch {
    pub(super) fn new(start: usize, len: usize, writable: bool) -> Self {
        // All of it while no fork can happen: a child that was cut off in the middle would wait for ever.
        Self(fork::quietly(|_| {
            let table = TABLE.get_or_init(|| {
                install();
                Box::leak(Box::new(Table::new()))
            });
            table.insert(start, start + len, writable)
        }))
    }

    /// Whether a fault has hit the range: what is read there since then is zeros, and what is written is lost.
    #[inline]
    pub(super) fn lost(&self) -> bool {
        self.0.is_lost()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        fork::quietly(|_| self.0.clear());
    }
}

fn install() {
    let empty = || {
        // SAFETY: a struct of integers, a pointer and a mask, for which all zeros are valid.
        unsafe { std::mem::zeroed::<libc::sigaction>() }
    };
    let mut previous = empty();
    // SAFETY: a null action only asks; `previous` is ours to write.
    unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) };
    // Known before the first fault can come to us.
    PREVIOUS.get_or_init(|| previous);
    let mut ours = empty();
    ours.sa_sigaction = on_sigbus as *const () as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler has the signature that SA_SIGINFO asks for, and calls only what a handler may.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
}

extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    // Codes above 0 are the kernel's own, and others were sent by a process. One of the kernel's comes at any time
    // and not from an access of this thread: that memory has failed somewhere.
    let is_fault = code > 0 && code != BUS_MCEERR_AO;
    if is_fault {
        // SAFETY: likewise.
        let info = unsafe { &*info };
        // SAFETY: a fault's siginfo has the address.
        let address = unsafe { info.si_addr() } as usize;
        if rescue(address) {
            return;
        }
    }
    pass_on(signal, info, context, is_fault);
}

/// Replaces the mapping at `address` by zero pages, if it is one of ours.
fn rescue(address: usize) -> bool {
    let Some(found) = TABLE.get().and_then(|table| table.find(address)) else { return false };
    found.lose();
    let protection = if found.writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
    // The access that faulted borrows the mapping at these addresses, so that it is mapped until that access is over:
    // nothing else can lie there.
    let replaced = |from: usize, len: usize| {
        let from = ptr::without_provenance_mut::<c_void>(from);
        // SAFETY: see above.
        (unsafe { map_keeping_errno(from, len, protection, flags) }) == from
    };
    // A process that locks its memory may have no room for as much again: a page will do for this access.
    let page = rustix::param::page_size();
    replaced(found.start, found.end - found.start) || replaced(address - address % page, page)
}

/// `mmap`, which is one system call and takes no lock, with the interrupted code's errno as it was.
///
/// # Safety
/// As for `mmap` with `MAP_FIXED`: nothing but what may be replaced lies at `start`.
unsafe fn map_keeping_errno(start: *mut c_void, len: usize, protection: c_int, flags: c_int) -> *mut c_void {
    // SAFETY: the thread's own errno, always valid.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: see above.
    let before = unsafe { errno.read() };
    // SAFETY: the caller's promise.
    let page = unsafe { libc::mmap(start, len, protection, flags, -1, 0) };
    // SAFETY: see above.
    unsafe { errno.write(before) };
    page
}

/// Does what would have happened without us.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
    let Some(previous) = PREVIOUS.get() else { return };
    match previous.sa_sigaction {
        libc::SIG_IGN if !is_fault => {}
        // A fault that is ignored ends the process all the same, as if the default action stood.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: all zeros is the default action with an empty mask.
            let default = unsafe { std::mem::zeroed::<libc::sigaction>() };
            // SAFETY: a valid action; signal handlers may call sigaction.
            unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
            // A fault comes again by itself when the access is repeated; a signal that was sent does not.
            if !is_fault {
                // SAFETY: signal handlers may call raise; it is delivered when this one returns.
                unsafe { libc::raise(signal) };
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: who installed it with SA_SIGINFO gave a function of this signature.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: who installed it without SA_SIGINFO gave a function of this signature.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}
