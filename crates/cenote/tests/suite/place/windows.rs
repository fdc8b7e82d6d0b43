//! The kinds of segments that Windows has.

use testkit::names::{TempDir, unique};

use super::{Place, Removal};

pub(super) enum Guard {
    /// The system cleans up.
    Nothing,
    Folder(#[expect(dead_code, reason = "kept for its drop")] TempDir),
}

impl Place {
    pub(crate) fn windows() -> Self {
        let place = Self::new(format!(r"windows:Local\{}", unique("windows")), Guard::Nothing);
        Self {
            counts: true,
            has_parts: true,
            last_removes: true,
            tells_abandoned: true,
            shared_when_read_only: false,
            whole_pages: true,
            removal: Removal::Never,
            ..place
        }
    }
}
