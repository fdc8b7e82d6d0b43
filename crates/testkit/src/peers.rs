//! The real peers, made by `cargo xtask peers` from `peers/`; each knows nothing of Cenote.
//!
//! Where one is missing, its tests are skipped, saying so, unless `CENOTE_REQUIRE_PEERS` is set.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Peer, skipped};

/// A program on Qt 5's `QSharedMemory`.
#[must_use]
pub fn qt5() -> Option<Peer> {
    command("qt5").map(Peer::spawn)
}

/// A program on Qt 6's `QSharedMemory`.
#[must_use]
pub fn qt6() -> Option<Peer> {
    command("qt6").map(Peer::spawn)
}

/// A Python program on `QSharedMemory`, by a Qt newer than 6.6: it has native keys of every type.
#[must_use]
pub fn pyside() -> Option<Peer> {
    command("pyside").map(Peer::spawn)
}

/// Every Qt there is. One that is missing is named, as by its own function.
pub fn each_qt() -> impl Iterator<Item = Peer> {
    [qt5, qt6, pyside].into_iter().filter_map(|start| start())
}

/// A C program on `shm_open`.
#[must_use]
pub fn posix() -> Option<Peer> {
    command("posix").map(Peer::spawn)
}

/// A C program on `shmget`.
#[must_use]
pub fn sysv() -> Option<Peer> {
    command("sysv").map(Peer::spawn)
}

/// A Python program on `multiprocessing.shared_memory`.
#[must_use]
pub fn python() -> Option<Peer> {
    command("python").map(Peer::spawn)
}

/// A C++ program on Boost.Interprocess.
#[must_use]
pub fn boost() -> Option<Peer> {
    command("boost").map(Peer::spawn)
}

/// The command that starts the peer called `name`, for tests that change something about it first.
///
/// # Panics
/// If the peer is missing and `CENOTE_REQUIRE_PEERS` is set.
#[must_use]
pub fn command(name: &str) -> Option<Command> {
    let is_script = ["python", "pyside"].contains(&name);
    let file = if is_script { format!("{name}.py") } else { format!("{name}{}", env::consts::EXE_SUFFIX) };
    let Some(path) = folder().map(|folder| folder.join(file)).filter(|path| path.is_file()) else {
        skipped(&format!("no peer `{name}`; `cargo xtask peers` makes it"));
        return None;
    };
    if !is_script {
        return Some(Command::new(path));
    }
    // The system's own first: the one in the search path may be out of reach for another user.
    let system = Path::new("/usr/bin/python3");
    let mut python = Command::new(if system.is_file() { system } else { Path::new("python3") });
    python.arg(path);
    Some(python)
}

/// `CENOTE_PEERS`, or `peers` in the build folder that the running test lies in.
fn folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("CENOTE_PEERS") {
        return Some(folder.into());
    }
    let test = env::current_exe().ok()?;
    // target/debug/deps/test, or one level deeper when built for a named target.
    test.ancestors().skip(1).take(4).map(|folder| folder.join("peers")).find(|folder| folder.is_dir())
}
