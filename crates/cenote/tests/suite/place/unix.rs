//! The kinds of segments that Unix has.

use testkit::names::{ShmName, TempDir};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;

use super::Place;

#[expect(dead_code, reason = "kept for their drop")]
pub(super) enum Guard {
    /// What has no holder any more is removed by the next one that comes.
    Nothing,
    Shm(ShmName),
    Folder(TempDir),
    Sysv(SysvKey),
    Ftok(TempDir, Leftover),
    Qt(QtKey),
    QtFile(QtFile, TempDir),
}

/// What a test that failed may have left under a native key.
pub(super) struct QtFile {
    path: std::path::PathBuf,
    project: u32,
}

impl Drop for QtFile {
    fn drop(&mut self) {
        if self.path.exists() {
            testkit::sysv::remove(ftok(&self.path, self.project));
        }
    }
}

/// A key made by ftok.
pub(super) struct Leftover(i32);

impl Drop for Leftover {
    fn drop(&mut self) {
        testkit::sysv::remove(self.0);
    }
}

impl Place {
    pub(crate) fn native() -> Self {
        let name = testkit::names::unique("native");
        Self {
            native: true,
            has_parts: true,
            last_removes: true,
            tells_abandoned: true,
            ..Self::new(format!("cenote:{name}"), Guard::Nothing)
        }
    }

    pub(crate) fn posix() -> Self {
        let name = ShmName::unique("posix");
        Self { has_parts: true, ..Self::new(format!("posix:{}", name.name()), Guard::Shm(name)) }
    }

    pub(crate) fn sysv_key() -> Self {
        let key = SysvKey::unique();
        Self::new(format!("sysv:{:#010x}", key.key()), Guard::Sysv(key)).of_system_v()
    }

    pub(crate) fn sysv_ftok() -> Self {
        let folder = TempDir::new();
        let path = folder.join("key");
        std::fs::write(&path, "").unwrap();
        let address = format!("sysv:{}#81", path.display());
        Self::new(address, Guard::Ftok(folder, Leftover(ftok(&path, 81)))).of_system_v()
    }

    pub(crate) fn qt() -> Self {
        let key = QtKey::unique();
        let address = format!("qt:{}", key.key());
        Self {
            last_removes: true,
            counts: true,
            shared_when_read_only: false,
            ..Self::new(address, Guard::Qt(key))
        }
    }

    /// A native key, which is key file of the segment and of the lock.
    pub(crate) fn qt_system_v(scheme: &str, project: u32) -> Self {
        let folder = TempDir::new();
        let path = folder.join("key");
        // Made and removed by ftok's users; its number is known to the guard only while it is there.
        let guard = Guard::QtFile(QtFile { path: path.clone(), project }, folder);
        Self {
            last_removes: true,
            counts: true,
            shared_when_read_only: false,
            ..Self::new(format!("qt:{scheme}:{}", path.display()), guard)
        }
    }

    pub(crate) fn qt_posix() -> Self {
        let name = ShmName::unique("qt");
        let address = format!("qt:posix:{}", name.name());
        let place = Self::new(address, Guard::Shm(name));
        Self { frees_at_death: false, shared_when_read_only: false, ..place }
    }

    fn of_system_v(self) -> Self {
        Self { counts: true, tells_abandoned: true, shared_when_read_only: false, ..self }
    }
}

/// As ftok(3) has it.
fn ftok(path: &std::path::Path, project: u32) -> i32 {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).unwrap();
    (project << 24 | (file.dev() as u32 & 0xff) << 16 | (file.ino() as u32 & 0xffff)).cast_signed()
}
