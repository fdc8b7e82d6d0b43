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
        Self {
            tells_abandoned: true,
            has_parts: true,
            ..Self::mapping(format!(r"windows:Local\{}", unique("windows")))
        }
    }

    pub(crate) fn qt() -> Self {
        Self { frees_at_death: false, ..Self::mapping(format!("qt:{}", unique("qt"))) }
    }

    pub(crate) fn qt_native() -> Self {
        let address = format!(r"qt:windows:Local\shm_{}", unique("qt"));
        Self { frees_at_death: false, ..Self::mapping(address) }
    }

    fn mapping(address: String) -> Self {
        Self {
            counts: true,
            last_removes: true,
            shared_when_read_only: false,
            whole_pages: true,
            removal: Removal::Never,
            ..Self::new(address, Guard::Nothing)
        }
    }
}
