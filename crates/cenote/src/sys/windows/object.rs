//! Named mutexes and semaphores: CreateMutex, CreateSemaphore, WaitForSingleObject.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, HANDLE, NTSTATUS, WAIT_ABANDONED_0, WAIT_OBJECT_0,
    WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Threading::{
    CreateMutexExW, CreateSemaphoreW, INFINITE, OpenMutexW, OpenSemaphoreW, ReleaseMutex, ReleaseSemaphore,
    SEMAPHORE_MODIFY_STATE, SYNCHRONIZATION_SYNCHRONIZE, WaitForSingleObject,
};

use super::names::{Access, mapped, no_such_folder, path_of, wide};
use super::{Handle, last_error, os_error, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Mapped, MutexState, Taken, Wait};

// windows-sys lacks these.
const MUTANT_QUERY_STATE: u32 = 1;
const SEMAPHORE_QUERY_STATE: u32 = 1;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtQueryMutant(
        mutant: HANDLE,
        question: u32,
        answer: *mut c_void,
        len: u32,
        answered: *mut u32,
    ) -> NTSTATUS;

    fn NtQuerySemaphore(
        semaphore: HANDLE,
        question: u32,
        answer: *mut c_void,
        len: u32,
        answered: *mut u32,
    ) -> NTSTATUS;
}

/// SEMAPHORE_BASIC_INFORMATION.
#[repr(C)]
#[derive(Default)]
struct SemaphoreBasic {
    count: i32,
    _most: i32,
}

/// MUTANT_BASIC_INFORMATION: the count is 1 if it is free.
#[repr(C)]
#[derive(Default)]
struct MutantBasic {
    count: i32,
    _owned_by_caller: u8,
    _abandoned: u8,
}

/// CLIENT_ID, which is the answer to MutantOwnerInformation.
#[repr(C)]
#[derive(Default)]
struct ClientId {
    process: usize,
    _thread: usize,
}

/// A named mutex. A thread that has it gets it again: callers see to it that none asks twice.
pub(crate) struct KernelMutex(Handle);

impl KernelMutex {
    /// Opens the mutex, or makes it: true if it did.
    pub(crate) fn open(name: &str, mode: u32) -> Result<(Self, bool)> {
        let (wide, access) = (wide(name)?, Access::of_lock(mode)?);
        let attributes = Access::attributes(access.as_deref());
        let rights = SYNCHRONIZATION_SYNCHRONIZE | MUTANT_QUERY_STATE;
        // SAFETY: a descriptor and a name that outlive the call.
        let opened = unsafe { CreateMutexExW(attributes, wide.as_ptr(), 0, rights) };
        let existed =
            io::Error::last_os_error().raw_os_error().map(i32::cast_unsigned) == Some(ERROR_ALREADY_EXISTS);
        object("CreateMutexEx", opened).map(|mutex| (Self(mutex), !existed))
    }

    /// What can be seen of the mutex of that name, if there is one.
    pub(crate) fn look(name: &str) -> Result<Option<MutexState>> {
        let wide = wide(name)?;
        // SAFETY: a name that outlives the call.
        let opened = unsafe { OpenMutexW(MUTANT_QUERY_STATE, 0, wide.as_ptr()) };
        if opened.is_null() && io::Error::last_os_error().kind() == io::ErrorKind::NotFound {
            return Ok(None);
        }
        let mutex = Self(object("OpenMutex", opened)?);
        let state: MutantBasic = mutex.ask(0)?;
        if state.count > 0 {
            return Ok(Some(MutexState::Free));
        }
        // Not all systems know that question.
        let owner = mutex.ask(1).ok().map(|owner: ClientId| owner.process as u32).filter(|&pid| pid != 0);
        Ok(Some(MutexState::Held(owner)))
    }

    fn ask<T: Default>(&self, question: u32) -> Result<T> {
        let mut answer = T::default();
        // SAFETY: an open mutex, and room for the answer to the question.
        let status = unsafe {
            NtQueryMutant(
                self.0.as_raw_handle(),
                question,
                (&raw mut answer).cast(),
                size_of::<T>() as u32,
                std::ptr::null_mut(),
            )
        };
        if status < 0 { Err(refused("NtQueryMutant", status)) } else { Ok(answer) }
    }

    /// Where it is among all objects of the machine.
    pub(crate) fn path(&self) -> Option<String> {
        path_of(&self.0)
    }

    pub(crate) fn take(&self, wait: Wait) -> Result<Taken> {
        wait_for(&self.0, wait)
    }

    /// Only the thread that took it can do this.
    pub(crate) fn release(&self) -> Result<()> {
        // SAFETY: an open mutex.
        let released = unsafe { ReleaseMutex(self.0.as_raw_handle()) };
        if released == 0 { Err(last_error("ReleaseMutex").with_kind(ErrorKind::LockError)) } else { Ok(()) }
    }
}

/// A named semaphore. What a dead process has taken is not given back.
pub(crate) struct KernelSemaphore(Handle);

impl KernelSemaphore {
    /// Opens the semaphore, or makes it with the value `initial`.
    pub(crate) fn open(name: &str, initial: i32) -> Result<Self> {
        let wide = wide(name)?;
        // SAFETY: a name that outlives the call.
        let made = unsafe { CreateSemaphoreW(std::ptr::null(), initial, i32::MAX, wide.as_ptr()) };
        object("CreateSemaphore", made).map(Self)
    }

    /// Makes one that nobody finds.
    pub(super) fn nameless() -> Result<Self> {
        // SAFETY: no descriptor, no name.
        let made = unsafe { CreateSemaphoreW(std::ptr::null(), 0, 1, std::ptr::null()) };
        object("CreateSemaphore", made).map(Self)
    }

    pub(super) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    /// Opens the semaphore, if there is one.
    pub(crate) fn find(name: &str) -> Result<Option<Self>> {
        let wide = wide(name)?;
        let access = SYNCHRONIZATION_SYNCHRONIZE | SEMAPHORE_MODIFY_STATE;
        // SAFETY: a name that outlives the call.
        let opened = unsafe { OpenSemaphoreW(access, 0, wide.as_ptr()) };
        match object("OpenSemaphore", opened) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(|opened| Some(Self(opened))),
        }
    }

    /// How many there are to take of the semaphore of that name, and what finds those who have it open.
    pub(crate) fn look(name: &str) -> Result<Option<(i32, Mapped)>> {
        let wide = wide(name)?;
        // SAFETY: a name that outlives the call.
        let opened = unsafe { OpenSemaphoreW(SEMAPHORE_QUERY_STATE, 0, wide.as_ptr()) };
        let semaphore = match object("OpenSemaphore", opened) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut answer = SemaphoreBasic::default();
        // SAFETY: an open semaphore, and room for the answer to the question.
        let status = unsafe {
            NtQuerySemaphore(
                semaphore.as_raw_handle(),
                0,
                (&raw mut answer).cast(),
                size_of::<SemaphoreBasic>() as u32,
                std::ptr::null_mut(),
            )
        };
        if status < 0 {
            return Err(refused("NtQuerySemaphore", status));
        }
        Ok(Some((answer.count, mapped(&semaphore))))
    }

    pub(crate) fn take(&self, wait: Wait) -> Result<bool> {
        wait_for(&self.0, wait).map(|taken| taken != Taken::TimedOut)
    }

    /// Adds `count`, and says how many there were to take before.
    pub(crate) fn release(&self, count: i32) -> Result<i32> {
        let mut before = 0;
        // SAFETY: an open semaphore, and a place for the value before.
        let released = unsafe { ReleaseSemaphore(self.0.as_raw_handle(), count, &raw mut before) };
        if released == 0 {
            Err(last_error("ReleaseSemaphore").with_kind(ErrorKind::LockError))
        } else {
            Ok(before)
        }
    }
}

fn object(call: &str, made: *mut c_void) -> Result<Handle> {
    if made.is_null() {
        let error = io::Error::last_os_error();
        if error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_INVALID_HANDLE) {
            let what = "an object of another kind has the name of its lock";
            return Err(Error::new(ErrorKind::LockError, what).with_hint("choose another name"));
        }
        return Err(no_such_folder(&error).unwrap_or_else(|| os_error(call, error)));
    }
    // SAFETY: open, and nobody else's.
    Ok(unsafe { Handle::from_raw_handle(made) })
}

fn wait_for(object: &Handle, wait: Wait) -> Result<Taken> {
    // A timed wait is repeated after that long, whatever its end is.
    const SLICE: Duration = Duration::from_secs(3600);
    loop {
        let time = match wait {
            Wait::Try => 0,
            Wait::Forever => INFINITE,
            // Rounded up, or the last part of a millisecond would be spent asking.
            Wait::Until(_) => wait
                .left(SLICE)
                .map_or(0, |left| left.as_micros().div_ceil(1000).min(u128::from(INFINITE - 1)) as u32),
        };
        // SAFETY: an open object.
        match unsafe { WaitForSingleObject(object.as_raw_handle(), time) } {
            WAIT_OBJECT_0 => return Ok(Taken::Yes),
            WAIT_ABANDONED_0 => return Ok(Taken::Abandoned),
            WAIT_TIMEOUT if wait.left(SLICE).is_some() => {}
            WAIT_TIMEOUT => return Ok(Taken::TimedOut),
            _ => return Err(last_error("WaitForSingleObject").with_kind(ErrorKind::LockError)),
        }
    }
}
