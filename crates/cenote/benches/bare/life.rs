//! The life of a `posix:` segment: create, attach, detach, remove.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;

use cenote::Segment;

use crate::measure::Table;

pub(crate) fn run(table: &mut Table) {
    for (size, text) in [(4096, "4 KiB"), (64 << 10, "64 KiB"), (1 << 20, "1 MiB")] {
        let name = format!("/cenote-bench-{}", std::process::id());
        let address = format!("posix:{name}");
        let c_name = CString::new(name).expect("no NUL in it");
        table.compare(
            &format!("posix create attach detach remove, {text}"),
            Some(1.5),
            || bare(&c_name, size),
            || {
                let made = Segment::create(address.as_str(), size as u64).expect("created");
                let attached = Segment::attach(address.as_str()).expect("attached");
                attached.detach().expect("detached");
                made.detach().expect("detached");
                Segment::remove(address.as_str()).expect("removed");
            },
        );
    }
}

/// shm_open, fallocate, mmap twice, munmap, unlink.
pub(crate) fn bare(name: &CString, size: usize) {
    // SAFETY: a C string and plain numbers.
    let file = unsafe { libc::shm_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL | libc::O_RDWR, 0o600) };
    assert!(file >= 0);
    // SAFETY: an open descriptor and plain numbers.
    assert_eq!(unsafe { libc::fallocate(file, 0, 0, size as libc::off_t) }, 0);
    let map = || {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), size, access, libc::MAP_SHARED, file, 0) };
        assert_ne!(base, libc::MAP_FAILED);
        base
    };
    for base in [map(), map()] {
        // SAFETY: mapped above, and used by nobody.
        assert_eq!(unsafe { libc::munmap(base, size) }, 0);
    }
    // SAFETY: opened above.
    assert_eq!(unsafe { libc::close(file) }, 0);
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::shm_unlink(name.as_ptr()) }, 0);
}
