//! What only Linux has, or is built for Linux alone: System V, anonymous memory as a descriptor, POSIX names, /proc.
//!
//! Nothing above asks for any of it once an address has been looked at: `lacks` says no to the kinds themselves.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Handle;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{
    Done, FileFacts, IpcLimits, Leased, Mapping, NewFile, Program, QueueRow, SemFacts, SemRow, ShmFacts,
    ShmFile, ShmRow, ShmSpace,
};
use crate::sys::{Step, Wait};

/// Where other systems keep the objects of `shm_open`.
pub(crate) const SHM_DIRECTORY: &str = "";

#[cold]
pub(super) fn absent(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this system has no {what}"))
}

pub(crate) const TELLS_WHO_MAPS_FILES: bool = false;

/// Whether the system tells of its limits, and of what is wrong.
pub(crate) fn can_look_round() -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, "looking the machine over is not built for this system yet")
        .with_hint("`cenote ls` lists what there is"))
}

#[cold]
pub(super) fn no_native_segments() -> Error {
    Error::new(ErrorKind::Unsupported, "this version has no native segments on this system yet")
        .with_hint("windows: and file: are the kinds it has here")
}

pub(crate) const WITNESS_SLOTS: u32 = 256;

/// The witnesses of native segments; there are none. Upper rooms need not know.
pub(crate) struct Witness(Infallible);

/// Which of a witness's bytes are meant.
#[allow(dead_code, reason = "nobody is there to look at them")]
#[derive(Clone, Copy)]
pub(crate) enum Byte {
    Door,
    Slot(u32),
    Readers,
    Holders,
}

impl Witness {
    pub(crate) fn of(_file: &Handle, _writable: bool) -> Result<Self> {
        Err(no_native_segments())
    }

    pub(crate) fn facts(&self) -> Result<FileFacts> {
        match self.0 {}
    }

    pub(crate) fn touch(&self) {
        match self.0 {}
    }

    pub(crate) fn is_ours(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn try_lock(&self, _byte: Byte, _shared: bool) -> Result<bool> {
        match self.0 {}
    }

    pub(crate) fn lock(&self, _byte: Byte, _wait: Wait) -> Result<bool> {
        match self.0 {}
    }

    pub(crate) fn unlock(&self, _byte: Byte) -> Result<()> {
        match self.0 {}
    }

    pub(crate) fn is_held_by_others(&self, _byte: Byte) -> Result<bool> {
        match self.0 {}
    }
}

pub(crate) fn make_unnamed_file(_path: &Path, _new: NewFile, _bytes: &[u8]) -> Result<Handle> {
    Err(no_native_segments())
}

pub(crate) fn name_file(_file: &Handle, _path: &Path) -> Result<()> {
    Err(no_native_segments())
}

pub(crate) fn read_file_at(_file: &Handle, _offset: u64, _to: &mut [u8]) -> Result<()> {
    Err(no_native_segments())
}

pub(crate) fn inherited() -> Error {
    no_native_segments()
}

pub(crate) fn uid_of_name(_name: &str) -> Option<u32> {
    None
}

fn no_system_v<T>() -> Result<T> {
    Err(absent("System V segments and semaphores"))
}

fn no_descriptors<T>() -> Result<T> {
    Err(absent("memory by descriptors"))
}

pub(crate) fn shm_create(_key: i32, _size: u64, _mode: u32, _sparse: bool) -> Result<i32> {
    no_system_v()
}

pub(crate) fn shm_find(_key: i32) -> Result<i32> {
    no_system_v()
}

pub(crate) fn shm_stat(_id: i32) -> Result<ShmFacts> {
    no_system_v()
}

pub(crate) fn shm_remove(_id: i32) -> Result<()> {
    no_system_v()
}

pub(crate) fn ftok(_path: &Path, _project: u8) -> Result<i32> {
    no_system_v()
}

pub(crate) fn ftok_of_key_file(_path: &Path, _project: u8) -> Result<i32> {
    no_system_v()
}

pub(crate) fn make_fresh_key_file(
    _path: &Path,
    _mode: u32,
    _project: u8,
    _is_free: impl Fn(i32) -> bool,
) -> Result<bool> {
    no_system_v()
}

impl Mapping {
    pub(crate) fn of_segment(_id: i32, _len: usize, _writable: bool) -> Result<Self> {
        no_system_v()
    }

    /// Windows reserves the memory of a section when it is made.
    pub(crate) fn populate(&self) -> Result<()> {
        Ok(())
    }
}

/// A System V semaphore set; there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SemSet(pub(crate) i32);

impl SemSet {
    pub(crate) fn create(_key: i32, _count: u16, _mode: u32) -> Result<Option<Self>> {
        no_system_v()
    }

    pub(crate) fn find(_key: i32, _access: u32) -> Result<Option<Self>> {
        no_system_v()
    }

    pub(crate) fn operate<const N: usize>(self, _steps: [Step; N], _wait: Wait) -> Result<Done> {
        no_system_v()
    }

    pub(crate) fn value(self, _index: u16) -> Result<i32> {
        no_system_v()
    }

    pub(crate) fn waiters(self, _index: u16) -> Result<i32> {
        no_system_v()
    }

    pub(crate) fn last_user(self, _index: u16) -> Option<u32> {
        None
    }

    pub(crate) fn set(self, _index: u16, _value: i32) -> Result<()> {
        no_system_v()
    }

    pub(crate) fn stat(self) -> Result<SemFacts> {
        no_system_v()
    }

    pub(crate) fn give_to(self, _uid: u32, _gid: u32) -> Result<()> {
        no_system_v()
    }

    pub(crate) fn remove(self) -> Result<()> {
        no_system_v()
    }
}

pub(crate) fn create_memfd(_label: &str, _new: NewFile) -> Result<Handle> {
    no_descriptors()
}

pub(crate) fn find_memfd(_pid: u32, _fd: u32) -> Result<(Handle, FileFacts)> {
    no_descriptors()
}

pub(crate) fn open_memfd(_found: &Handle, _writable: bool) -> Result<Handle> {
    no_descriptors()
}

pub(crate) fn adopt_memfd(_received: Handle, _writable: bool) -> Result<Handle> {
    no_descriptors()
}

pub(crate) fn seal_writes(_file: &Handle) -> Result<()> {
    no_descriptors()
}

pub(crate) fn number_of(_descriptor: &Handle) -> u32 {
    0
}

/// Memory that nobody can change any more; there is none.
pub(crate) enum SealedMemory {}

impl SealedMemory {
    pub(crate) fn seal(_file: &Handle) -> Result<Self> {
        no_descriptors()
    }

    pub(crate) fn of(_file: Handle) -> Result<Self> {
        no_descriptors()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) fn for_sending(&self) -> Result<Handle> {
        match *self {}
    }

    pub(crate) fn file(&self) -> &Handle {
        match *self {}
    }
}

/// A connection that could carry descriptors; there is none.
#[derive(Debug)]
pub enum LocalStream {}

pub(crate) fn send_descriptor(stream: &LocalStream, _message: &[u8], _descriptor: &Handle) -> Result<()> {
    match *stream {}
}

pub(crate) fn receive_descriptor(stream: &LocalStream, _message: &mut [u8]) -> Result<Handle> {
    match *stream {}
}

/// A sign with a descriptor; there is none.
pub(crate) struct Sign(Infallible);

impl Sign {
    pub(crate) fn new() -> Result<Self> {
        Err(absent("descriptors to wait for"))
    }

    pub(crate) fn put_up(&self) {
        match self.0 {}
    }

    pub(crate) fn take_down(&self) {
        match self.0 {}
    }
}

/// Nothing can be waited for by a sign.
macro_rules! readable_by {
    ($type:ty, $($sign:ident).+) => {};
}
pub(crate) use readable_by;

pub(crate) fn start_quiet_thread(
    _name: &str,
    _body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>> {
    Err(absent("descriptors to wait for"))
}

pub(crate) fn sleep_on_low_half(_word: &AtomicU64, _half: u32, _time: Duration) {}

pub(crate) fn most_words_to_sleep_on() -> usize {
    1
}

pub(crate) fn sleep_on_low_halves(_words: &[(&AtomicU64, u32)], _time: Duration) {}

pub(crate) fn wake_low_half(_word: &AtomicU64) {}

pub(crate) fn wake_one_on_low_half(_word: &AtomicU64) -> bool {
    false
}

pub(crate) fn processor() -> u64 {
    0
}

pub(crate) fn is_registered_for_barriers() -> bool {
    false
}

pub(crate) fn light_barrier(_registered: bool) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

pub(crate) fn heavy_barrier() {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

pub(crate) fn wake_all_on_low_half(_word: &AtomicU64) {}

pub(crate) fn while_open_nowhere_else<R>(_file: &Handle, _work: impl FnOnce() -> R) -> Option<R> {
    None
}

pub(crate) fn lease<R>(_file: &Handle, _work: impl FnOnce() -> R) -> Leased<R> {
    Leased::Refused
}

pub(crate) fn lease_lasts(_file: &Handle) -> bool {
    false
}

pub(crate) fn runtime_directory() -> Result<String> {
    Err(absent("runtime directory"))
}

pub(crate) fn user_name(_uid: u32) -> Option<String> {
    None
}

pub(crate) fn own_user() -> Option<u32> {
    None
}

pub(crate) fn shm_space() -> Result<ShmSpace> {
    Err(absent("/dev/shm"))
}

pub(crate) fn shm_files() -> Vec<ShmFile> {
    Vec::new()
}

pub(crate) fn ipc_limits() -> IpcLimits {
    IpcLimits {
        shmmax: None,
        shmall: None,
        shmmni: None,
        msgmax: None,
        msgmnb: None,
        msgmni: None,
        sem: None,
    }
}

pub(crate) fn shm_rows() -> Option<Vec<ShmRow>> {
    None
}

pub(crate) fn sem_rows() -> Option<Vec<SemRow>> {
    None
}

pub(crate) fn queue_rows() -> Option<Vec<QueueRow>> {
    None
}

pub(crate) fn peek_at_system_v(_pid: u32, _id: i32, _len: usize) -> std::io::Result<Option<Vec<u8>>> {
    Ok(None)
}

pub(crate) fn programs() -> Vec<Program> {
    Vec::new()
}

pub(crate) fn container_of(_pid: u32) -> Option<String> {
    None
}

/// A name in a folder of /dev/shm; there are none.
pub(crate) struct Spot(Infallible);

impl Spot {
    pub(crate) fn of(_path: &Path) -> Result<Self> {
        Err(absent("names in /dev/shm"))
    }

    pub(crate) fn beside(&self, _name: impl Into<OsString>) -> Self {
        match self.0 {}
    }

    pub(crate) fn name(&self) -> &OsStr {
        match self.0 {}
    }

    pub(crate) fn open(&self, _writable: bool) -> Result<(Handle, FileFacts)> {
        match self.0 {}
    }

    pub(crate) fn stat(&self) -> Result<FileFacts> {
        match self.0 {}
    }

    pub(crate) fn remove(&self) -> Result<()> {
        match self.0 {}
    }

    pub(crate) fn rename_to_free(&self, _to: &Self) -> Result<()> {
        match self.0 {}
    }

    pub(crate) fn is_leased(&self) -> bool {
        match self.0 {}
    }
}

pub(crate) fn shmem_huge_pages() -> Option<String> {
    None
}

pub(crate) fn huge_pages() -> Option<(u64, u64, u64)> {
    None
}

pub(crate) fn tightest_cgroup() -> Option<(u64, u64)> {
    None
}

pub(crate) fn file_names(_directory: &Path) -> Result<Vec<String>> {
    Ok(Vec::new())
}
