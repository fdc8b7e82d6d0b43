//! From an address to its written form, always with its kind.

use std::fmt;

use super::parse::LEGACY;
use super::{Address, Target};
use crate::qt::NativeKey;

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind())?;
        match self.target() {
            Target::Native { owner: Some(owner), name } => write!(f, "@{owner}/{name}"),
            Target::Native { owner: None, name } | Target::Posix(name) | Target::Windows(name) => {
                f.write_str(name)
            }
            // Lossless, since the constructors take no path that is not UTF-8.
            Target::File(path) => write!(f, "{}", path.display()),
            Target::SysvKey(key) => write!(f, "{key:#010x}"),
            Target::SysvFtok { path, project } => write!(f, "{}#{project}", path.display()),
            Target::SysvId(id) => write!(f, "id={id}"),
            Target::Qt(key) if key.starts_with(LEGACY) || NativeKey::is_written(key) => {
                write!(f, "{LEGACY}{key}")
            }
            Target::Qt(key) => f.write_str(key),
            Target::QtNative(key) => write!(f, "{key}"),
            Target::Memfd(label) => f.write_str(label),
            Target::MemfdOf { pid, fd } => write!(f, "{pid}/{fd}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:?})", self.to_string())
    }
}
