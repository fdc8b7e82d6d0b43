//! Where a test's segment is: an address that no other test uses, and what must be cleaned up behind a failed one.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;

#[cfg(unix)]
use unix::Guard;
#[cfg(windows)]
use windows::Guard;

/// An address of its own.
pub(crate) struct Place {
    address: String,
    /// Whether the kernel counts attachments.
    pub(crate) counts: bool,
    /// Whether it is a native segment: its lock lies in it, and it has a header.
    pub(crate) native: bool,
    /// Whether a part of it can be attached.
    pub(crate) has_parts: bool,
    /// Whether the last to detach removes the segment.
    pub(crate) last_removes: bool,
    /// Whether the lock tells that its holder died.
    pub(crate) tells_abandoned: bool,
    /// Whether the kernel frees the lock when its holder is killed.
    pub(crate) frees_at_death: bool,
    /// Whether a read-only attachment's lock excludes only writers.
    pub(crate) shared_when_read_only: bool,
    /// Whether the system remembers the size in whole pages only.
    pub(crate) whole_pages: bool,
    /// When the name can be taken away.
    pub(crate) removal: Removal,
    _guard: Guard,
}

/// When the name of a segment can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    AtAnyTime,
    /// Only while nobody has it attached.
    WhenUnused,
    /// The system does it, with the last handle.
    Never,
}

impl Place {
    pub(crate) fn file() -> Self {
        let folder = TempDir::new();
        let place = Self::new(format!("file:{}", folder.join("segment").display()), Guard::Folder(folder));
        let removal = if cfg!(unix) { Removal::AtAnyTime } else { Removal::WhenUnused };
        Self { removal, has_parts: true, ..place }
    }

    fn new(address: String, guard: Guard) -> Self {
        Self {
            address,
            counts: false,
            native: false,
            has_parts: false,
            last_removes: false,
            tells_abandoned: false,
            frees_at_death: true,
            shared_when_read_only: true,
            whole_pages: false,
            removal: Removal::AtAnyTime,
            _guard: guard,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The size of a segment for which `size` was asked.
    pub(crate) fn size(&self, size: u64) -> u64 {
        // The page of every processor that Windows runs on.
        if self.whole_pages { size.next_multiple_of(4096) } else { size }
    }

    /// Removes the segment that this process alone has, in the order that its kind needs.
    #[track_caller]
    pub(crate) fn end(&self, segment: Segment) {
        match self.removal {
            Removal::AtAnyTime => {
                Segment::remove(self.address()).unwrap();
                drop(segment);
            }
            Removal::WhenUnused => {
                segment.detach().unwrap();
                Segment::remove(self.address()).unwrap();
            }
            Removal::Never => {
                assert_eq!(Segment::remove(self.address()).unwrap_err().kind(), ErrorKind::Unsupported);
                segment.detach().unwrap();
            }
        }
    }
}
