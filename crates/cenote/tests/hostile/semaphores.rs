//! A hostile hand on semaphore sets: whoever may use one may also set it to anything, or remove it.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Guard, Result, Segment};

/// A set that belongs to somebody else.
pub(crate) struct Set(i32);

impl Set {
    /// The set that is under the key now.
    pub(crate) fn find(key: i32) -> Option<Self> {
        // SAFETY: takes three numbers, and makes nothing.
        let id = unsafe { libc::semget(key, 0, 0) };
        (id != -1).then_some(Self(id))
    }

    /// A new one, of zeros.
    pub(crate) fn make(key: i32, count: i32) -> Self {
        // SAFETY: takes three numbers.
        let id = unsafe { libc::semget(key, count, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
        assert_ne!(id, -1, "{}", std::io::Error::last_os_error());
        Self(id)
    }

    /// The one that the key file leads to, in Qt's way.
    pub(crate) fn of_key_file(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a C string that outlives the call.
        let key = unsafe { libc::ftok(path.as_ptr(), i32::from(b'Q')) };
        if key == -1 { None } else { Self::find(key) }
    }

    /// A new one at a key file, in Qt's way, whose maker died before it gave it a value.
    pub(crate) fn make_at_key_file(path: &Path) -> Self {
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a C string that outlives the call.
        let key = unsafe { libc::ftok(path.as_ptr(), i32::from(b'Q')) };
        Self::make(key, 1)
    }

    pub(crate) fn id(&self) -> i32 {
        self.0
    }

    /// Sets a value, which also takes away what the kernel would undo at a death.
    pub(crate) fn put(&self, number: i32, value: i32) {
        // SAFETY: SETVAL takes an int.
        assert_eq!(unsafe { libc::semctl(self.0, number, libc::SETVAL, value) }, 0);
    }

    pub(crate) fn get(&self, number: i32) -> i32 {
        // SAFETY: GETVAL takes no fourth argument.
        unsafe { libc::semctl(self.0, number, libc::GETVAL) }
    }

    /// How many wait for the semaphore to grow, or to become 0.
    pub(crate) fn waiters(&self, number: i32) -> i32 {
        // SAFETY: takes no fourth argument.
        let growing = unsafe { libc::semctl(self.0, number, libc::GETNCNT) };
        // SAFETY: likewise.
        growing + unsafe { libc::semctl(self.0, number, libc::GETZCNT) }
    }

    pub(crate) fn remove(&self) {
        // SAFETY: IPC_RMID takes no fourth argument.
        assert_eq!(unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) }, 0);
    }

    /// [`put`](Self::put) on a set that may be gone.
    pub(crate) fn try_put(&self, number: i32, value: i32) {
        // SAFETY: SETVAL takes an int.
        unsafe { libc::semctl(self.0, number, libc::SETVAL, value) };
    }

    /// [`remove`](Self::remove) for a set that may be gone.
    pub(crate) fn try_remove(&self) {
        // SAFETY: IPC_RMID takes no fourth argument.
        unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) };
    }

    /// Waits until somebody waits.
    pub(crate) fn await_waiter(&self, number: i32) {
        self.await_waiters(number, 1);
    }

    /// Waits until so many wait.
    pub(crate) fn await_waiters(&self, number: i32, count: i32) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.waiters(number) < count {
            assert!(Instant::now() < end, "{} wait", self.waiters(number));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Asks for the lock with a short timeout: it must come back in time, with the lock or with an error that fits.
#[track_caller]
pub(crate) fn lock_briefly(segment: &Segment) -> Result<Guard<'_>> {
    let start = Instant::now();
    let result = segment.lock_timeout(Duration::from_millis(30));
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
    if let Err(error) = &result {
        let fits = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::LockError);
        assert!(fits, "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    result
}
