//! Native segments: their lock beside the C library's robust mutex and a System V semaphore, their life beside the bare
//! calls.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr;

use cenote::Segment;

use crate::contended;
use crate::locks::Set;
use crate::measure::Table;

pub(crate) fn run(table: &mut Table) {
    let name = format!("bench-native-{}", std::process::id());
    let address = format!("cenote:{name}");
    let segment = Segment::create(address.as_str(), 64).expect("created");
    let mutex = RobustMutex::new();
    table.compare_quick(
        "native lock and unlock, beside a robust mutex",
        Some(0.8),
        || mutex.lock_and_unlock(),
        || drop(segment.lock().expect("locked")),
    );
    let set = Set::new();
    table.compare_quick(
        "native lock and unlock, beside semop",
        None,
        || set.lock_and_unlock(),
        || drop(segment.lock().expect("locked")),
    );
    drop(set);
    contended::run(table, &segment, &mutex);
    drop(segment);

    let c_name = CString::new(format!("/cenote-{name}")).expect("no NUL in it");
    table.compare(
        "native create attach detach remove, 4 KiB",
        Some(5.0),
        || crate::life::bare(&c_name, 4096),
        || {
            let made = Segment::create(address.as_str(), 4096).expect("created");
            let attached = Segment::attach(address.as_str()).expect("attached");
            attached.detach().expect("detached");
            // The last to detach removes it.
            made.detach().expect("detached");
        },
    );
}

/// A mutex of the C library for several processes, which outlives its holders, in memory that they share.
pub(crate) struct RobustMutex(*mut libc::pthread_mutex_t);

impl RobustMutex {
    fn new() -> Self {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at a place of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), 4096, access, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED);
        let mut kind = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        // SAFETY: makes what is ours.
        unsafe { libc::pthread_mutexattr_init(kind.as_mut_ptr()) };
        // SAFETY: made above.
        unsafe { libc::pthread_mutexattr_setpshared(kind.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED) };
        // SAFETY: made above.
        unsafe { libc::pthread_mutexattr_setrobust(kind.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST) };
        let mutex = base.cast::<libc::pthread_mutex_t>();
        // SAFETY: room for a mutex, aligned to a page, that nobody uses yet.
        assert_eq!(unsafe { libc::pthread_mutex_init(mutex, kind.as_ptr()) }, 0);
        Self(mutex)
    }

    pub(crate) fn lock_and_unlock(&self) {
        // SAFETY: made by `new`, and mapped as long as the program runs.
        assert_eq!(unsafe { libc::pthread_mutex_lock(self.0) }, 0);
        // SAFETY: likewise, and locked by this thread.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0) }, 0);
    }
}
