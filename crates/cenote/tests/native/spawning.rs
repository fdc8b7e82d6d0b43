//! Leaving while this process starts another program: for that moment there is a child that has all its descriptors.

#![allow(unsafe_code)]

use cenote::{ErrorKind, Segment};

use super::{Name, minute};

/// A child as `posix_spawn` has it before it starts the program: nobody was told of it, and nothing was closed.
struct Spawning(i32);

impl Spawning {
    fn begin() -> Self {
        // SAFETY: a new process with a copy of this one's memory, which uses none of it.
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if pid == 0 {
            // SAFETY: plain numbers. It does not outlive the thread that made it.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            loop {
                // SAFETY: sleeps.
                unsafe { libc::pause() };
            }
        }
        assert!(pid > 0);
        Self(pid as i32)
    }
}

impl Drop for Spawning {
    fn drop(&mut self) {
        // SAFETY: our own child, which nobody has waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        // SAFETY: nobody asks for its status.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
    }
}

#[test]
fn who_has_left_is_no_holder_although_a_child_has_its_descriptor() {
    let (_watchdog, name) = (minute(), Name::unique());
    let last = Segment::create(name.address(), 64).unwrap();
    let other = Segment::attach(name.address()).unwrap();
    let reader = Segment::options().read_only().attach(name.address()).unwrap();
    let child = Spawning::begin();
    other.detach().unwrap();
    reader.detach().unwrap();
    last.detach().unwrap();
    assert!(!name.is_there(), "the last one leaves nothing");

    // The door is nobody's either, and its place is free.
    let made = Segment::options().keep().create(name.address(), 64).unwrap();
    let other = Spawning::begin();
    made.detach().unwrap();
    drop(Segment::attach(name.address()).unwrap());
    Segment::remove(name.address()).unwrap();
    assert_eq!(Segment::attach(name.address()).unwrap_err().kind(), ErrorKind::NotFound);
    drop((child, other));
}
