//! A name in a folder of /dev/shm that is held open: what is found, renamed and removed under it is in that folder, whatever
//! becomes of the way there. Folders in /dev/shm are anybody's, who may put a link to elsewhere in their place at any time.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::object::{self, SHM_DIRECTORY};
use super::os_error;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::FileFacts;

/// Of a folder to look into: it must be one, and no link to one.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Where a file is.
pub(crate) struct Spot {
    folder: Rc<OwnedFd>,
    name: OsString,
}

/// Opens /dev/shm itself, which is where the system has put it.
pub(super) fn open_shm() -> Result<OwnedFd, Errno> {
    rustix::fs::openat(CWD, SHM_DIRECTORY, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty())
}

/// Opens a folder in another, unless it is a link.
pub(super) fn open_folder(within: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(within, name, FOLDER, Mode::empty())
}

impl Spot {
    /// The place of a path in /dev/shm, each folder on the way opened for itself.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let elsewhere = || Error::new(ErrorKind::Unsupported, format!("it does not lie in {SHM_DIRECTORY}"));
        let within = path.strip_prefix(SHM_DIRECTORY).map_err(|_| elsewhere())?;
        let names = within.components().map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(elsewhere()),
        });
        let names: Vec<&OsStr> = names.collect::<Result<_>>()?;
        let (name, folders) = names.split_last().ok_or_else(elsewhere)?;
        let mut folder = open_shm().map_err(|errno| os_error("open", errno))?;
        for next in folders {
            folder = open_folder(&folder, next).map_err(|errno| match errno {
                Errno::LOOP | Errno::NOTDIR => {
                    Error::new(ErrorKind::Untrusted, "a folder on the way to it is a link, or none any more")
                        .with_hint("find out who made it: `ls -lR /dev/shm`")
                }
                errno => os_error("open", errno),
            })?;
        }
        Ok(Self { folder: Rc::new(folder), name: (*name).to_owned() })
    }

    /// Another name in the same folder.
    pub(crate) fn beside(&self, name: impl Into<OsString>) -> Self {
        Self { folder: Rc::clone(&self.folder), name: name.into() }
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Opens the file that has the name. A link is not followed.
    pub(crate) fn open(&self, writable: bool) -> Result<(OwnedFd, FileFacts)> {
        object::open_file_in(&*self.folder, Path::new(&self.name), writable, false)
    }

    /// Looks at the file that has the name without opening it.
    pub(crate) fn stat(&self) -> Result<FileFacts> {
        let stat = rustix::fs::statat(&*self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        object::facts_of_file(&stat.map_err(|errno| os_error("stat", errno))?)
    }

    /// Takes the name away, unless it is a folder's.
    pub(crate) fn remove(&self) -> Result<()> {
        rustix::fs::unlinkat(&*self.folder, &self.name, AtFlags::empty())
            .map_err(|errno| os_error("unlink", errno))
    }

    /// Gives what has the name another, which must be free.
    pub(crate) fn rename_to_free(&self, to: &Self) -> Result<()> {
        let renamed = rustix::fs::renameat_with(
            &*self.folder,
            &self.name,
            &*to.folder,
            &to.name,
            RenameFlags::NOREPLACE,
        );
        renamed.map_err(|errno| match errno {
            Errno::EXIST => Error::new(ErrorKind::AlreadyExists, "there is one already"),
            errno => os_error("renameat2", errno),
        })
    }

    /// Whether somebody has a lease on the file. Who has it is told that somebody came.
    pub(crate) fn is_leased(&self) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        matches!(rustix::fs::openat(&*self.folder, &self.name, flags, Mode::empty()), Err(Errno::AGAIN))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;
    use testkit::names::TempDir;

    /// A folder in /dev/shm with a file in it, and one elsewhere with a file of the same name.
    struct Trap {
        folder: PathBuf,
        elsewhere: TempDir,
    }

    impl Trap {
        fn new() -> Self {
            let folder = Path::new(SHM_DIRECTORY).join(testkit::names::unique("trap"));
            fs::create_dir(&folder).unwrap();
            let elsewhere = TempDir::new();
            for file in [folder.join("file"), elsewhere.join("file")] {
                File::create_new(file).unwrap();
            }
            Self { folder, elsewhere }
        }

        /// Where the folder was there is a link now.
        fn spring(&self) {
            fs::rename(&self.folder, self.folder.with_extension("away")).unwrap();
            symlink(self.elsewhere.path(), &self.folder).unwrap();
        }
    }

    impl Drop for Trap {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.folder);
            let _ = fs::remove_dir_all(&self.folder);
            let _ = fs::remove_dir_all(self.folder.with_extension("away"));
        }
    }

    #[test]
    fn a_folder_that_becomes_a_link_leads_nowhere_else() {
        let trap = Trap::new();
        let path = trap.folder.join("file");
        let spot = Spot::of(&path).unwrap();
        let found = spot.stat().unwrap().mapped();
        trap.spring();
        assert_eq!(spot.open(false).unwrap().1.mapped(), found);
        let other = spot.beside("other");
        spot.rename_to_free(&other).unwrap();
        assert_eq!(other.stat().unwrap().mapped(), found);
        other.remove().unwrap();
        assert!(trap.elsewhere.join("file").exists(), "what the link leads to is as it was");
        assert_eq!(fs::read_dir(trap.elsewhere.path()).unwrap().count(), 1);
        // Who comes now does not go there at all.
        assert_eq!(Spot::of(&path).map(drop).unwrap_err().kind(), ErrorKind::Untrusted);
    }

    #[test]
    fn other_places_have_none() {
        for path in ["/etc/passwd", "/dev/shm", "/dev/shm/../etc/passwd", "/dev/shm/a/../../x", "/dev/shmx/y"]
        {
            assert_eq!(
                Spot::of(Path::new(path)).map(drop).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{path}"
            );
        }
    }
}
