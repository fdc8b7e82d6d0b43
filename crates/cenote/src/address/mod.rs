//! Where a segment is: `kind:name`, the one way to say it everywhere.
//!
//! `check` says what each name may be; `parse` reads the written form and `print` writes it.
//! What an address means on the system at hand is for the backends, which match on [`Target`].

mod check;
mod kind;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::Result;
use crate::qt::NativeKey;
pub use kind::Kind;

/// Where a segment is.
///
/// An address is written `kind:name`; without a kind, it names a native segment. Parsing and printing
/// undo each other, and an address that exists is one that its kind allows.
///
/// | written | what it names |
/// |---|---|
/// | `camera/front`, `cenote:camera/front` | a native segment of this user |
/// | `cenote:@robot/camera` | another user's native segment, by login name or uid |
/// | `posix:/name` | `shm_open("/name")` |
/// | `file:/path` | a mapped file |
/// | `sysv:0x5100c01f`, `sysv:/path#81`, `sysv:id=32769` | a System V key, an `ftok` pair, an id |
/// | `windows:Local\Name`, `windows:Global\Name` | a named file mapping |
/// | `qt:MyUniqueKey` | `QSharedMemory("MyUniqueKey")` |
/// | `qt:posix:/name`, `qt:systemv:...`, `qt:windows:...` | a [`QNativeIpcKey`](NativeKey) in Qt's text form |
/// | `qt:legacy:posix:/name` | `QSharedMemory("posix:/name")`: a key that would read as one of the forms above |
/// | `memfd:label`, `memfd:PID/FD` | anonymous memory, or a process's descriptor of it |
///
/// ```
/// use cenote::{Address, Kind};
///
/// let address: Address = "camera/front".parse()?;
/// assert_eq!(address.kind(), Kind::Cenote);
/// assert_eq!(address.to_string(), "cenote:camera/front");
/// assert_eq!(Address::posix("frames")?.to_string(), "posix:/frames");
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    target: Target,
}

/// What an address names, for the backends. Only [`Address`]'s constructors make one: every name is checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A native segment, of this user if there is no owner.
    Native { owner: Option<String>, name: String },
    /// With the leading slash.
    Posix(String),
    /// Always UTF-8.
    File(PathBuf),
    /// Never `IPC_PRIVATE`.
    SysvKey(i32),
    /// The key that `ftok` makes of these, once the file exists.
    SysvFtok { path: PathBuf, project: u8 },
    /// Of a segment that exists; never negative.
    SysvId(i32),
    /// With its `Local\` or `Global\`, if any.
    Windows(String),
    /// A legacy key: what `QSharedMemory::setKey` takes.
    Qt(String),
    /// A native key, of a type that says which backend.
    QtNative(NativeKey),
    /// New anonymous memory.
    Memfd(String),
    /// Descriptor `fd` of process `pid`.
    MemfdOf { pid: u32, fd: u32 },
}

impl Address {
    /// A native segment: `name` is a path of words. With `@user/` in front, that user's.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::native("camera/front")?, "camera/front".parse()?);
    /// assert_eq!(Address::native("@robot/camera")?.to_string(), "cenote:@robot/camera");
    /// assert!(Address::native("camera//front").is_err());
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn native(name: &str) -> Result<Self> {
        let (owner, name) = match name.strip_prefix('@') {
            None => (None, name),
            Some(rest) => {
                let (owner, name) = rest.split_once('/').unwrap_or((rest, ""));
                check::owner(owner)?;
                (Some(owner.to_owned()), name)
            }
        };
        check::native(name)?;
        Ok(Self { target: Target::Native { owner, name: name.to_owned() } })
    }

    /// A POSIX segment, as `shm_open` has it. The leading slash may be left out.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::posix("frames")?, Address::posix("/frames")?);
    /// assert!(Address::posix("/a/b").is_err());
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "shm_open")]
    pub fn posix(name: &str) -> Result<Self> {
        Ok(Self { target: Target::Posix(format!("/{}", check::posix(name)?)) })
    }

    /// A mapped file, by a path that is UTF-8.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::file("/var/lib/frames")?.to_string(), "file:/var/lib/frames");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        check::path(path)?;
        Ok(Self { target: Target::File(path.to_owned()) })
    }

    /// A System V segment by its key, any but `IPC_PRIVATE`.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::sysv_key(0x5100_c01f)?.to_string(), "sysv:0x5100c01f");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "shmget")]
    pub fn sysv_key(key: i32) -> Result<Self> {
        check::sysv_key(key)?;
        Ok(Self { target: Target::SysvKey(key) })
    }

    /// A System V segment by the file and the project id that `ftok` makes its key of.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::sysv_ftok("/etc/hostname", b'Q')?.to_string(), "sysv:/etc/hostname#81");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "ftok")]
    pub fn sysv_ftok(path: impl AsRef<Path>, project: u8) -> Result<Self> {
        let path = path.as_ref();
        check::path(path)?;
        check::project(project)?;
        Ok(Self { target: Target::SysvFtok { path: path.to_owned(), project } })
    }

    /// A System V segment that exists, by its id.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::sysv_id(32769)?.to_string(), "sysv:id=32769");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn sysv_id(id: i32) -> Result<Self> {
        check::sysv_id(id)?;
        Ok(Self { target: Target::SysvId(id) })
    }

    /// A Windows named file mapping: a bare name, `Local\Name` or `Global\Name`.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::windows(r"Local\SampleMap")?.to_string(), r"windows:Local\SampleMap");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "CreateFileMapping")]
    pub fn windows(name: &str) -> Result<Self> {
        check::windows(name)?;
        Ok(Self { target: Target::Windows(name.to_owned()) })
    }

    /// What `QSharedMemory(key)` means on this system: a legacy key, whatever it looks like.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::qt("MyUniqueKey")?.to_string(), "qt:MyUniqueKey");
    /// assert_eq!(Address::qt("posix:/name")?.to_string(), "qt:legacy:posix:/name");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "QSharedMemory")]
    pub fn qt(key: &str) -> Result<Self> {
        check::qt_key(key)?;
        Ok(Self { target: Target::Qt(key.to_owned()) })
    }

    /// What `QSharedMemory(QNativeIpcKey)` means.
    ///
    /// ```
    /// # use cenote::Address;
    /// # use cenote::qt::{KeyType, NativeKey};
    /// let key = NativeKey::new(KeyType::Posix, "/name")?;
    /// assert_eq!(Address::qt_native(key).to_string(), "qt:posix:/name");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "QNativeIpcKey")]
    #[must_use]
    pub fn qt_native(key: NativeKey) -> Self {
        Self { target: Target::QtNative(key) }
    }

    /// New anonymous memory; the label is only shown to people.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::memfd("scratch")?.to_string(), "memfd:scratch");
    /// assert!(Address::memfd("12/3").is_err(), "that is a descriptor of a process");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "memfd_create")]
    pub fn memfd(label: &str) -> Result<Self> {
        check::label(label)?;
        Ok(Self { target: Target::Memfd(label.to_owned()) })
    }

    /// Anonymous memory that process `pid` has as its descriptor `fd`.
    ///
    /// ```
    /// # use cenote::Address;
    /// assert_eq!(Address::memfd_of(1234, 5)?.to_string(), "memfd:1234/5");
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn memfd_of(pid: u32, fd: u32) -> Result<Self> {
        check::pid(pid)?;
        Ok(Self { target: Target::MemfdOf { pid, fd } })
    }

    /// Whose rules the segment follows.
    ///
    /// ```
    /// # use cenote::{Address, Kind};
    /// assert_eq!(Address::qt("MyUniqueKey")?.kind(), Kind::Qt);
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.target {
            Target::Native { .. } => Kind::Cenote,
            Target::Posix(_) => Kind::Posix,
            Target::File(_) => Kind::File,
            Target::SysvKey(_) | Target::SysvFtok { .. } | Target::SysvId(_) => Kind::Sysv,
            Target::Windows(_) => Kind::Windows,
            Target::Qt(_) | Target::QtNative(_) => Kind::Qt,
            Target::Memfd(_) | Target::MemfdOf { .. } => Kind::Memfd,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}
