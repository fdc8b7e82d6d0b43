//! System V semaphore sets: semget(2), semop(2), semctl(2).

#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use super::os_error;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Done, SemFacts, Step, Wait};

/// A timed wait is repeated after that long, whatever its end is.
const SLICE: Duration = Duration::from_secs(3600);

/// A set, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SemSet(pub(crate) i32);

impl SemSet {
    /// Makes a set of zeros under the key: `None` if there is one.
    pub(crate) fn create(key: i32, count: u16, mode: u32) -> Result<Option<Self>> {
        match semget(key, count, libc::IPC_CREAT | libc::IPC_EXCL | (mode & 0o777).cast_signed()) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => Err(os_error("semget", error)
                .because("the kernel's limit on semaphores is reached")
                .with_hint("`ipcs -s` lists them; the limits are in /proc/sys/kernel/sem")),
            result => result.map(Some).map_err(|error| os_error("semget", error)),
        }
    }

    /// The set under the key: `None` if there is none. `access` is what the caller needs of it, as mode bits.
    pub(crate) fn find(key: i32, access: u32) -> Result<Option<Self>> {
        match semget(key, 0, access.cast_signed()) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            result => result.map(Some).map_err(|error| os_error("semget", error)),
        }
    }

    /// Performs all steps at once, waiting until it can.
    #[inline]
    pub(crate) fn operate<const N: usize>(self, steps: [Step; N], wait: Wait) -> Result<Done> {
        let nowait = if matches!(wait, Wait::Try) { libc::IPC_NOWAIT } else { 0 };
        let mut operations = steps.map(|step| libc::sembuf {
            sem_num: step.index,
            sem_op: step.change,
            sem_flg: (nowait | if step.undo { libc::SEM_UNDO } else { 0 }) as _,
        });
        if self.perform(&mut operations, wait) { Ok(Done::Yes) } else { self.insist(&mut operations, wait) }
    }

    /// One attempt: false if it failed, and then errno says why.
    #[inline]
    fn perform(self, operations: &mut [libc::sembuf], wait: Wait) -> bool {
        let (list, count) = (operations.as_mut_ptr(), operations.len());
        match wait {
            Wait::Until(_) => semtimedop(self.0, list, count, wait.left(SLICE).unwrap_or_default()) == 0,
            // SAFETY: the slice is valid for the call, and `count` is its length.
            _ => (unsafe { libc::semop(self.0, list, count) }) == 0,
        }
    }

    /// Goes on after a first attempt that failed just now.
    #[cold]
    fn insist(self, operations: &mut [libc::sembuf], wait: Wait) -> Result<Done> {
        loop {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) if wait.left(SLICE).is_some() => {}
                Some(libc::EAGAIN) => return Ok(Done::TimedOut),
                Some(libc::EIDRM | libc::EINVAL) => return Ok(Done::Gone),
                Some(libc::ERANGE) => {
                    let what =
                        "its value, or what the kernel would undo for this process, would exceed 32767";
                    return Err(lock_error("semop", error).because(what));
                }
                Some(libc::EACCES) => return Err(os_error("semop", error)),
                _ => return Err(lock_error("semop", error)),
            }
            if self.perform(operations, wait) {
                return Ok(Done::Yes);
            }
        }
    }

    pub(crate) fn value(self, index: u16) -> Result<i32> {
        self.get(index, libc::GETVAL, "semctl(GETVAL)")
    }

    /// How many processes wait for the semaphore to grow.
    pub(crate) fn waiters(self, index: u16) -> Result<i32> {
        self.get(index, libc::GETNCNT, "semctl(GETNCNT)")
    }

    /// The process that last operated on the semaphore, where it can be told.
    pub(crate) fn last_user(self, index: u16) -> Option<u32> {
        let pid = self.get(index, libc::GETPID, "semctl(GETPID)").ok()?;
        u32::try_from(pid).ok().filter(|&pid| pid != 0)
    }

    fn get(self, index: u16, command: i32, call: &str) -> Result<i32> {
        // SAFETY: these commands take no fourth argument.
        let value = unsafe { libc::semctl(self.0, index.into(), command) };
        if value == -1 { Err(failed(call)) } else { Ok(value) }
    }

    /// Sets a value, whatever it is. Only for a set that nobody can be using.
    pub(crate) fn set(self, index: u16, value: i32) -> Result<()> {
        // SAFETY: SETVAL takes an int.
        let result = unsafe { libc::semctl(self.0, index.into(), libc::SETVAL, value) };
        if result == -1 { Err(failed("semctl(SETVAL)")) } else { Ok(()) }
    }

    pub(crate) fn stat(self) -> Result<SemFacts> {
        let found = self.read()?;
        Ok(SemFacts {
            count: found.sem_nsems as usize,
            key: found.sem_perm.__key,
            uid: found.sem_perm.uid,
            mode: u32::from(found.sem_perm.mode) & 0o777,
            used: found.sem_otime != 0,
        })
    }

    /// Gives the set to another owner, if this process may.
    pub(crate) fn give_to(self, uid: u32, gid: u32) -> Result<()> {
        let mut found = self.read()?;
        found.sem_perm.uid = uid;
        found.sem_perm.gid = gid;
        // SAFETY: IPC_SET takes the struct.
        let result = unsafe { libc::semctl(self.0, 0, libc::IPC_SET, &raw mut found) };
        if result == -1 { Err(failed("semctl(IPC_SET)")) } else { Ok(()) }
    }

    /// Removes the set; whoever waits on it is told that it is gone. One that is gone already is no error.
    pub(crate) fn remove(self) -> Result<()> {
        // SAFETY: IPC_RMID takes no fourth argument.
        if unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) } != -1 {
            return Ok(());
        }
        let error = failed("semctl(IPC_RMID)");
        if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
    }

    fn read(self) -> Result<libc::semid_ds> {
        // SAFETY: a struct of integers, for which all zeros are valid.
        let mut found = unsafe { std::mem::zeroed::<libc::semid_ds>() };
        // SAFETY: IPC_STAT fills the struct, which is ours.
        let result = unsafe { libc::semctl(self.0, 0, libc::IPC_STAT, &raw mut found) };
        if result == -1 { Err(failed("semctl(IPC_STAT)")) } else { Ok(found) }
    }
}

fn semget(key: i32, count: u16, flags: i32) -> io::Result<SemSet> {
    // SAFETY: takes three numbers.
    let id = unsafe { libc::semget(key, count.into(), flags) };
    if id == -1 { Err(io::Error::last_os_error()) } else { Ok(SemSet(id)) }
}

/// semtimedop(2), which the libc crate lacks.
fn semtimedop(id: i32, list: *mut libc::sembuf, count: usize, timeout: Duration) -> libc::c_long {
    let timeout =
        libc::timespec { tv_sec: timeout.as_secs() as libc::time_t, tv_nsec: timeout.subsec_nanos().into() };
    // SAFETY: the caller's list has `count` operations, and the time outlives the call.
    unsafe { libc::syscall(libc::SYS_semtimedop, id, list, count, &raw const timeout) }
}

fn failed(call: &str) -> Error {
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::EIDRM) => os_error(call, error).with_kind(ErrorKind::NotFound),
        _ => os_error(call, error),
    }
}

fn lock_error(call: &str, error: io::Error) -> Error {
    os_error(call, error).with_kind(ErrorKind::LockError)
}
