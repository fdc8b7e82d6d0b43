//! From the written form to an address.

use std::str::FromStr;

use super::check::{self, key_error, quoted};
use super::{Address, Kind};
use crate::qt::NativeKey;
use crate::{Error, Result};

/// Stands before a legacy Qt key that would otherwise read as a native one.
pub(super) const LEGACY: &str = "legacy:";

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(key_error(
                "the address is empty",
                "write a name such as `camera/front`, or `kind:name`; `cenote help` lists the forms",
            ));
        }
        parse(text).map_err(|error| error.because(format_args!("{} is not an address", quoted(text))))
    }
}

impl TryFrom<&str> for Address {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

fn parse(text: &str) -> Result<Address> {
    let Some((word, rest)) = text.split_once(':') else {
        return Address::native(text);
    };
    let kind: Kind = word.parse().map_err(|error: Error| {
        error
            .with_hint(format!("a native name with a colon is written {}", quoted(&format!("cenote:{text}"))))
    })?;
    match kind {
        Kind::Cenote => Address::native(rest),
        Kind::Posix => Address::posix(rest),
        Kind::File => Address::file(rest),
        Kind::Sysv => sysv(rest),
        Kind::Windows => Address::windows(rest),
        Kind::Memfd => memfd(rest),
        Kind::Qt => qt(rest),
    }
}

/// `PATH#N`, `id=N` or a key. The first is told by its `#`, which the others cannot have.
fn sysv(text: &str) -> Result<Address> {
    if let Some((path, project)) = text.rsplit_once('#') {
        let project = unsigned(project).and_then(|n| u8::try_from(n).ok()).ok_or_else(|| {
            key_error(
                format!("the project id of ftok is a number from 1 to 255, not {}", quoted(project)),
                "write it in decimal or hex, as in `sysv:/path#81` or `sysv:/path#0x51`",
            )
        })?;
        return Address::sysv_ftok(path, project);
    }
    if let Some(id) = text.strip_prefix("id=") {
        let known = decimal(id).and_then(|n| i32::try_from(n).ok()).ok_or_else(|| {
            key_error(
                format!("a System V id is a decimal number of 31 bits, not {}", quoted(id)),
                "`ipcs -m` and `cenote ls sysv:` list the ids",
            )
        })?;
        return Address::sysv_id(known);
    }
    let hint = "write a key as in `sysv:0x5100c01f`, a file and a project id as in `sysv:/path#81`, \
                or an id as in `sysv:id=32769`";
    if text.is_empty() {
        return Err(key_error("the System V key is empty", hint));
    }
    let key = key(text)
        .ok_or_else(|| key_error(format!("{} is not a System V key of 32 bits", quoted(text)), hint))?;
    Address::sysv_key(key)
}

/// A key in hex, as `ipcs` shows it, of which all 32 bits count; or in decimal with its sign.
fn key(text: &str) -> Option<i32> {
    match text.strip_prefix('-') {
        Some(digits) => decimal(digits).and_then(|n| i32::try_from(-i64::from(n)).ok()),
        None if text.starts_with("0x") => unsigned(text).map(u32::cast_signed),
        None => decimal(text).and_then(|n| i32::try_from(n).ok()),
    }
}

fn memfd(text: &str) -> Result<Address> {
    let Some((pid, fd)) = check::pid_and_fd(text) else {
        return Address::memfd(text);
    };
    let (Some(pid), Some(fd)) = (decimal(pid), decimal(fd)) else {
        return Err(key_error(
            "the process id or the descriptor is too large",
            "`ls -l /proc/PID/fd` shows those of a process",
        ));
    };
    Address::memfd_of(pid, fd)
}

fn qt(text: &str) -> Result<Address> {
    if let Some(key) = text.strip_prefix(LEGACY) {
        Address::qt(key)
    } else if NativeKey::is_written(text) {
        text.parse().map(Address::qt_native)
    } else {
        Address::qt(text)
    }
}

/// A number in decimal, or in hex after `0x`.
fn unsigned(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        // The standard library would accept a sign as well.
        Some(hex) if hex.starts_with(['+', '-']) => None,
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => decimal(text),
    }
}

fn decimal(text: &str) -> Option<u32> {
    if check::is_digits(text) { text.parse().ok() } else { None }
}
