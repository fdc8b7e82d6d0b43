//! Lock and unlock with nobody else there, beside the system calls that do it.

#![allow(unsafe_code)]

use std::os::fd::AsRawFd;

use cenote::Segment;

use crate::measure::Table;

pub(crate) fn run(table: &mut Table) {
    let id = std::process::id();
    let address = format!("qt:CenoteBench{}", letters(id));
    let segment = Segment::create(address.as_str(), 64).expect("created");
    let set = Set::new();
    table.compare(
        "qt lock and unlock",
        Some(1.1),
        || set.lock_and_unlock(),
        || drop(segment.lock().expect("locked")),
    );
    drop(segment);

    let address = format!("sysv:{:#x}", 0x7d00_0000 | id);
    let segment = Segment::create(address.as_str(), 64).expect("created");
    table.compare(
        "sysv lock and unlock",
        None,
        || set.lock_and_unlock(),
        || drop(segment.lock().expect("locked")),
    );
    Segment::remove(address.as_str()).expect("removed");
    // With the segment in use, its lock stays until the last detach.
    drop(segment);

    let address = format!("posix:/cenote-bench-lock-{id}");
    let segment = Segment::create(address.as_str(), 64).expect("created");
    let file = std::fs::File::open(format!("/dev/shm/cenote-bench-lock-{id}")).expect("opened");
    let call = |kind: i32| {
        let mut range =
            libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
        // SAFETY: an open descriptor, and the struct that the command takes.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) }, 0);
    };
    let bare = || {
        call(libc::F_RDLCK);
        call(libc::F_UNLCK);
    };
    let reader = Segment::options().read_only().attach(address.as_str()).expect("attached");
    table.compare("posix lock and unlock, read-only", None, bare, || drop(reader.lock().expect("locked")));
    Segment::remove(segment.address()).expect("removed");
}

/// Qt keeps the letters of a key only.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// A bare semaphore with the value 1.
pub(crate) struct Set(i32);

impl Set {
    pub(crate) fn new() -> Self {
        // SAFETY: plain numbers.
        let id = unsafe { libc::semget(libc::IPC_PRIVATE, 1, 0o600) };
        assert!(id >= 0);
        // SAFETY: SETVAL takes an int.
        assert_eq!(unsafe { libc::semctl(id, 0, libc::SETVAL, 1) }, 0);
        Self(id)
    }

    pub(crate) fn lock_and_unlock(&self) {
        for change in [-1, 1] {
            let mut step = libc::sembuf { sem_num: 0, sem_op: change, sem_flg: libc::SEM_UNDO as _ };
            // SAFETY: one operation, which lives through the call.
            assert_eq!(unsafe { libc::semop(self.0, &raw mut step, 1) }, 0);
        }
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: IPC_RMID takes no fourth argument.
        unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) };
    }
}
