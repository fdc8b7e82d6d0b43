//! A window for messages alone, and `WM_COPYDATA` to such a window: what is unsafe of it, and nothing else.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};
use std::slice;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_TIMEOUT, GetLastError, HWND, LPARAM, LRESULT, SetLastError, WPARAM,
};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, FindWindowExW, GetMessageW,
    HWND_MESSAGE, MSG, PostMessageW, PostQuitMessage, RegisterClassW, SMTO_ABORTIFHUNG, SendMessageTimeoutW,
    WM_CLOSE, WM_COPYDATA, WNDCLASSW,
};

/// What one message carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parcel<'a> {
    /// No data: the tag itself is what is said.
    Number(usize),
    /// Data, and a tag that says what they are.
    Data(usize, &'a [u8]),
}

/// Looks at a parcel, and says whether it is taken.
type Handler = Box<dyn Fn(Parcel<'_>) -> bool>;

thread_local! {
    /// That of this thread's window: the system calls a window's procedure in the thread that made it.
    static HANDLER: RefCell<Option<Handler>> = const { RefCell::new(None) };
}

/// A window of this thread, the only one.
pub(crate) struct Window(HWND);

/// Closes a window from any thread.
pub(crate) struct Closer(isize);

/// Somebody's window.
pub(crate) struct Receiver(HWND);

impl Window {
    /// Makes it, under the name `class`; parcels that come go to `handler`, within [`run`](Self::run).
    pub(crate) fn open(class: &str, handler: impl Fn(Parcel<'_>) -> bool + 'static) -> io::Result<Self> {
        let name = wide(class);
        let class =
            WNDCLASSW { lpfnWndProc: Some(procedure), lpszClassName: name.as_ptr(), ..WNDCLASSW::default() };
        HANDLER.set(Some(Box::new(handler)));
        // SAFETY: the class is whole, its name ends with a NUL, and its procedure is there as long as this program.
        if unsafe { RegisterClassW(&raw const class) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the name is that of a class of this program, and ends with a NUL; all else may be null or zero.
        let window = unsafe {
            CreateWindowExW(
                0,
                name.as_ptr(),
                null(),
                0,
                0,
                0,
                0,
                0,
                HWND_MESSAGE,
                null_mut(),
                null_mut(),
                null(),
            )
        };
        if window.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(window)) }
    }

    pub(crate) fn closer(&self) -> Closer {
        Closer(self.0 as isize)
    }

    /// Takes messages until somebody closes the window.
    pub(crate) fn run(&self) -> io::Result<()> {
        let mut message = MSG::default();
        loop {
            // SAFETY: the message is there to be written to; no window means all of this thread.
            match unsafe { GetMessageW(&raw mut message, null_mut(), 0, 0) } {
                0 => return Ok(()),
                -1 => return Err(io::Error::last_os_error()),
                // SAFETY: the message is one that the system has just given.
                _ => unsafe { DispatchMessageW(&raw const message) },
            };
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: the window is of this thread: a `Window` cannot go to another one.
        unsafe { DestroyWindow(self.0) };
    }
}

impl Closer {
    pub(crate) fn close(&self) {
        // SAFETY: all of it are plain numbers; a window that is gone is an error, and what was wanted.
        unsafe { PostMessageW(self.0 as HWND, WM_CLOSE, 0, 0) };
    }
}

impl Receiver {
    /// The window with this name, whoever has made it.
    pub(crate) fn find(class: &str) -> io::Result<Self> {
        let name = wide(class);
        // SAFETY: the name ends with a NUL; null stands for any window of that class.
        let window = unsafe { FindWindowExW(HWND_MESSAGE, null_mut(), name.as_ptr(), null()) };
        if window.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(window)) }
    }

    /// Sends a parcel, and says whether it was taken. A receiver that does not answer in time is an error of the
    /// kind `TimedOut`; it may still take it later.
    pub(crate) fn send(&self, parcel: Parcel<'_>, timeout: Duration) -> io::Result<bool> {
        let (tag, bytes) = match parcel {
            Parcel::Number(number) => (number, &[][..]),
            // It would arrive as a number.
            Parcel::Data(_, []) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "there are no data"));
            }
            Parcel::Data(tag, bytes) => (tag, bytes),
        };
        let too_long = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        let data = COPYDATASTRUCT {
            dwData: tag,
            cbData: bytes.len().try_into().map_err(too_long)?,
            lpData: if bytes.is_empty() { null_mut() } else { bytes.as_ptr().cast::<c_void>().cast_mut() },
        };
        let (mut answer, milliseconds) = (0, u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
        // SAFETY: the call takes a plain number. A receiver that is hung is not always told as an error of its own.
        unsafe { SetLastError(ERROR_TIMEOUT) };
        // SAFETY: the data are `cbData` bytes that live through the call, and the system only reads them: it copies
        // them for the receiver. The answer is there to be written to.
        let sent = unsafe {
            SendMessageTimeoutW(
                self.0,
                WM_COPYDATA,
                0,
                &raw const data as LPARAM,
                SMTO_ABORTIFHUNG,
                milliseconds,
                &raw mut answer,
            )
        };
        if sent != 0 {
            return Ok(answer != 0);
        }
        // SAFETY: the call has no arguments.
        match unsafe { GetLastError() } {
            ERROR_TIMEOUT => Err(io::ErrorKind::TimedOut.into()),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
}

/// What the system calls for each message to a window of ours.
///
/// # Safety
/// Only the system calls this: `lparam` is what belongs to `message`.
unsafe extern "system" fn procedure(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> LRESULT {
    match message {
        WM_COPYDATA => {
            // SAFETY: with this message comes null, or a structure that the system keeps until we return.
            let data = unsafe { (lparam as *const COPYDATASTRUCT).as_ref() };
            let parcel = data.and_then(parcel);
            let is_taken = parcel.is_some_and(|parcel| {
                HANDLER.with_borrow(|handler| handler.as_ref().is_some_and(|handler| handler(parcel)))
            });
            LRESULT::from(is_taken)
        }
        WM_CLOSE => {
            // SAFETY: the call takes a plain number.
            unsafe { PostQuitMessage(0) };
            0
        }
        // SAFETY: these are the arguments that the system gave us.
        _ => unsafe { DefWindowProcW(window, message, wparam, lparam) },
    }
}

/// What a sender passes, if it makes sense: no bytes at all, or as many as it says.
fn parcel(data: &COPYDATASTRUCT) -> Option<Parcel<'_>> {
    match (data.lpData.is_null(), data.cbData as usize) {
        (true, 0) => Some(Parcel::Number(data.dwData)),
        (true, _) | (false, 0) => None,
        (false, count) => {
            // SAFETY: the system has copied `cbData` bytes to here, where nobody else writes, and keeps them as long as
            // the structure that says so.
            let bytes = unsafe { slice::from_raw_parts(data.lpData.cast::<u8>(), count) };
            Some(Parcel::Data(data.dwData, bytes))
        }
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
