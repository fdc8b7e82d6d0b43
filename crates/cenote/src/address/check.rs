//! What a name of each kind may be, said once for the constructors and the parser alike.

use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// The most bytes of a native name: escaped and with a prefix, it has to fit in a file name.
const NATIVE_NAME_MAX: usize = 200;
/// `NAME_MAX`: a POSIX name is one file name in the directory of shared memory.
const POSIX_NAME_MAX: usize = 255;
/// What `memfd_create` takes: `NAME_MAX` without its own `memfd:`.
const MEMFD_LABEL_MAX: usize = 249;
/// `MAX_PATH`, in UTF-16 units.
const WINDOWS_NAME_MAX: usize = 260;

/// A `KeyError`: what is wrong, and what to type instead.
pub(super) fn key_error(what: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(ErrorKind::KeyError, what).with_hint(hint)
}

/// `text` between backticks, harmless for a terminal, and cut where it is too long to be read.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let cut = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    let dots = if cut < text.len() { "..." } else { "" };
    let shown: String = text[..cut]
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect();
    format!("`{shown}{dots}`")
}

/// What holds for names of every kind: there is one, it is not overlong, and C can hold it.
fn name(what: &str, text: &str, max: usize, hint: &str) -> Result<()> {
    if text.is_empty() {
        return Err(key_error(format!("{what} is empty"), hint));
    }
    if text.contains('\0') {
        return Err(key_error(format!("{what} contains a NUL byte"), hint));
    }
    if text.len() > max {
        return Err(key_error(
            format!("{what} is {} bytes long, and {max} is the most there can be", text.len()),
            "use a shorter one",
        ));
    }
    Ok(())
}

/// A native name: a path of words, without the owner.
pub(super) fn native(text: &str) -> Result<()> {
    let hint =
        "a native name is like `camera` or `camera/front`; `posix:/name` and `file:/path` are other kinds";
    name("the native name", text, NATIVE_NAME_MAX, hint)?;
    if text.chars().any(char::is_control) {
        return Err(key_error("a native name has no control characters", hint));
    }
    // A leading, trailing or double slash each make an empty part.
    if text.split('/').any(str::is_empty) {
        return Err(key_error("a native name neither begins nor ends with `/`, nor has `//` inside", hint));
    }
    if text.split('/').any(|part| part == "." || part == "..") {
        return Err(key_error("no part of a native name is `.` or `..`", hint));
    }
    Ok(())
}

/// The user of `cenote:@user/name`: a login name or a uid.
pub(super) fn owner(text: &str) -> Result<()> {
    let hint = "another user's segment is written `cenote:@user/name`, with a login name or a uid";
    name("the user name", text, NATIVE_NAME_MAX, hint)?;
    if text.chars().any(char::is_control) {
        return Err(key_error("a user name has no control characters", hint));
    }
    Ok(())
}

/// A POSIX name, with or without its leading slash; returns it without.
pub(super) fn posix(text: &str) -> Result<&str> {
    let hint = "a POSIX name is one slash and a file name, as in `posix:/frames`";
    let bare = text.strip_prefix('/').unwrap_or(text);
    name("the POSIX name", bare, POSIX_NAME_MAX, hint)?;
    if bare.contains('/') {
        return Err(key_error("a POSIX name has no slash but the first", hint));
    }
    if bare == "." || bare == ".." {
        return Err(key_error(format!("a POSIX name cannot be `{bare}`"), hint));
    }
    Ok(bare)
}

/// The path of a file: of any length and form, but one that can be written in an address.
pub(super) fn path(path: &Path) -> Result<()> {
    let hint = "write the path after the colon, as in `file:/var/lib/frames`";
    let Some(text) = path.to_str() else {
        return Err(key_error(
            "the path is not UTF-8, so no address can be written for it",
            "rename or link it",
        ));
    };
    name("the path", text, usize::MAX, hint)
}

/// A System V key: 0 is `IPC_PRIVATE`, which makes a new segment each time and finds none.
pub(super) fn sysv_key(key: i32) -> Result<()> {
    if key == 0 {
        return Err(key_error(
            "key 0 is IPC_PRIVATE, which names no segment",
            "use another key, or the id of a private segment: `sysv:id=N` (`cenote ls sysv:` lists them)",
        ));
    }
    Ok(())
}

/// A project id of `ftok`, of which 0 is undefined.
pub(super) fn project(project: u8) -> Result<()> {
    if project == 0 {
        return Err(key_error(
            "the project id of ftok cannot be 0",
            "use 1 to 255 after the `#`, as in `sysv:/path#81`",
        ));
    }
    Ok(())
}

/// An id that `shmget` returned.
pub(super) fn sysv_id(id: i32) -> Result<()> {
    if id < 0 {
        return Err(key_error(
            "a System V id is not negative",
            "`ipcs -m` and `cenote ls sysv:` list the ids",
        ));
    }
    Ok(())
}

/// A Windows object name: bare, or in the session's or the global namespace.
pub(super) fn windows(text: &str) -> Result<()> {
    let hint = r"write `windows:Name`, `windows:Local\Name` or `windows:Global\Name`";
    name("the Windows name", text, usize::MAX, hint)?;
    let units = text.encode_utf16().count();
    if units > WINDOWS_NAME_MAX {
        return Err(key_error(
            format!(
                "the Windows name is {units} characters long, and {WINDOWS_NAME_MAX} is the most there can be"
            ),
            "use a shorter one",
        ));
    }
    let bare = text.strip_prefix(r"Local\").or_else(|| text.strip_prefix(r"Global\")).unwrap_or(text);
    if bare.is_empty() {
        return Err(key_error(format!("nothing follows `{text}` in the Windows name"), hint));
    }
    if bare.contains('\\') {
        return Err(key_error(r"a Windows name has no backslash but that of `Local\` or `Global\`", hint));
    }
    Ok(())
}

/// The label of anonymous memory. One like `12/3` would read as somebody's descriptor.
pub(super) fn label(text: &str) -> Result<()> {
    let hint = "write `memfd:label`, or `memfd:PID/FD` for a descriptor of another process";
    name("the label", text, MEMFD_LABEL_MAX, hint)?;
    if pid_and_fd(text).is_some() {
        return Err(key_error(format!("the label `{text}` means a process and a descriptor"), hint));
    }
    Ok(())
}

/// The two halves of `PID/FD`, both digits, if it has that form.
pub(super) fn pid_and_fd(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(pid, fd)| is_digits(pid) && is_digits(fd))
}

/// A process id: 0 is no process's.
pub(super) fn pid(pid: u32) -> Result<()> {
    if pid == 0 {
        return Err(key_error(
            "no process has the id 0",
            "write `memfd:PID/FD`; `ls -l /proc/PID/fd` shows what a process has",
        ));
    }
    Ok(())
}

/// A legacy key of Qt, which may be nearly anything.
pub(super) fn qt_key(text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(key_error(
            "the Qt key is empty, which is a KeyError in Qt too",
            "write the key that the Qt program uses, as in `qt:MyUniqueKey`",
        ));
    }
    name("the Qt key", text, usize::MAX, "a Qt key is any text without a NUL byte")
}

/// At least one ASCII digit, and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
