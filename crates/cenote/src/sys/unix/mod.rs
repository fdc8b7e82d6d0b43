//! Unix. So far that is Linux; what other systems lack is in one file each.

mod barrier;
mod catalog;
mod fault;
mod fault_table;
mod fork;
mod futex;
mod headroom;
mod held;
mod lease;
mod limits;
mod lock_file;
mod mapping;
mod memfd;
mod object;
mod passing;
mod sem_set;
mod shm;
mod shm_space;
mod sign;
mod spot;
mod uses;
mod witness;

use std::io;

use crate::address::Kind;
use crate::error::{Error, ErrorKind};
use crate::qt::KeyType;

pub(crate) use barrier::{heavy_barrier, is_registered_for_barriers, light_barrier};
pub(crate) use catalog::*;
pub(crate) use fork::{generation, without_forks};
pub(crate) use futex::{
    most_words_to_sleep_on, processor, sleep_on_low_half, sleep_on_low_halves, wake_all_on_low_half,
    wake_low_half, wake_one_on_low_half,
};
pub(crate) use headroom::tightest_cgroup;
pub(crate) use held::peek_at_system_v;
pub(crate) use lease::{lease, lease_lasts, while_open_nowhere_else};
pub(crate) use limits::*;
pub(crate) use lock_file::{IdleLock, LockFile, range_holder};
pub(crate) use mapping::Source;
pub(crate) use memfd::*;
pub(crate) use object::*;
pub use passing::LocalStream;
pub(crate) use passing::*;
pub(crate) use sem_set::*;
pub(crate) use shm::*;
pub(crate) use shm_space::*;
pub(crate) use sign::{Sign, readable_by, start_quiet_thread};
pub(crate) use spot::Spot;
pub(crate) use uses::uses;
pub(crate) use witness::{Byte, WITNESS_SLOTS, Witness, inherited};

/// An error for the kinds of segments that there is no place for here.
pub(crate) fn lacks(kind: Kind) -> Option<Error> {
    (kind == Kind::Windows).then(crate::sys::no_windows::no_file_mappings)
}

/// What new programs of Qt's use here, and what older ones do.
pub(crate) const DEFAULT_KEY_TYPE: KeyType = KeyType::Posix;
pub(crate) const LEGACY_KEY_TYPE: KeyType = KeyType::SYSTEM_V;

/// What the system knows a file by.
pub(crate) type Handle = std::os::fd::OwnedFd;

/// An error of the system: `call` is its name as in the manual.
fn os_error(call: &str, error: impl Into<io::Error>) -> Error {
    let error = error.into();
    let exhausted =
        matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOLCK | libc::EAGAIN));
    let error = Error::os(call, error);
    if exhausted { error.with_kind(ErrorKind::OutOfResources) } else { error }
}

/// Repeats a call that a signal interrupted before it did anything.
fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, rustix::io::Errno>) -> Result<T, rustix::io::Errno> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            other => return other,
        }
    }
}

/// The size of whole pages that hold `size` bytes.
pub(crate) fn whole_pages(size: u64) -> u64 {
    size.next_multiple_of(rustix::param::page_size() as u64)
}
