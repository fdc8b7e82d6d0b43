//! What asks for the end: Ctrl-C, Ctrl-Break, a console that is closed; and the end of the input where that is a pipe,
//! for programs that have no console to type into.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_PIPE, GetFileType};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

use crate::failure::Failure;
use crate::platform::cannot_wait;

/// The number of Ctrl-C on systems where it is a signal, for exit codes.
const INTERRUPTED: i32 = 2;

/// How often the end was asked for. The system tells a function that knows nothing, on a thread of its own.
static ASKED: Mutex<u32> = Mutex::new(0);
static ASKED_NOW: Condvar = Condvar::new();

/// What asks a command that holds something to end.
pub(crate) struct Interrupts(());

impl Interrupts {
    /// From now on nothing of that sort ends this process.
    pub(crate) fn new(input_is_read: bool) -> Result<Self, Failure> {
        listen().map_err(|error| cannot_wait(&error))?;
        if !input_is_read && input_is_pipe() {
            thread::spawn(|| {
                // What is typed means nothing, its end does; an input that cannot be read has none.
                if io::copy(&mut io::stdin().lock(), &mut io::sink()).is_ok() {
                    ask();
                }
            });
        }
        Ok(Self(()))
    }

    /// Whether it comes within `timeout`.
    pub(crate) fn come_within(&self, timeout: Duration) -> Result<bool, Failure> {
        let waited = ASKED_NOW.wait_timeout_while(asked(), timeout, |asked| *asked == 0);
        Ok(*waited.unwrap_or_else(PoisonError::into_inner).0 > 0)
    }
}

/// Calls `tell` every time that the end is asked for, from a thread of its own, until it says no.
pub(crate) fn on_interrupt(tell: impl Fn(i32) -> bool + Send + 'static) -> io::Result<()> {
    listen()?;
    thread::spawn(move || {
        loop {
            let waited = ASKED_NOW.wait_while(asked(), |asked| *asked == 0);
            *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
            if !tell(INTERRUPTED) {
                return;
            }
        }
    });
    Ok(())
}

/// From now on Ctrl-C does nothing in this process, and what it does elsewhere it does.
pub(super) fn leave_interrupts_to_others() -> io::Result<()> {
    handle(let_pass)
}

fn listen() -> io::Result<()> {
    handle(note)
}

fn handle(handler: unsafe extern "system" fn(u32) -> BOOL) -> io::Result<()> {
    // SAFETY: a function that may be called at any time, from any thread.
    if unsafe { SetConsoleCtrlHandler(Some(handler), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "system" fn note(event: u32) -> BOOL {
    ask();
    if !is_key(event) {
        // The system ends the process when this is over; it has some seconds left to end in order.
        loop {
            thread::park();
        }
    }
    1
}

extern "system" fn let_pass(event: u32) -> BOOL {
    is_key(event).into()
}

fn is_key(event: u32) -> bool {
    matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT)
}

fn ask() {
    *asked() += 1;
    ASKED_NOW.notify_all();
}

fn asked() -> MutexGuard<'static, u32> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn input_is_pipe() -> bool {
    // SAFETY: takes any handle, and says so if it is none.
    let kind = unsafe { GetFileType(io::stdin().as_raw_handle()) };
    kind == FILE_TYPE_PIPE
}
