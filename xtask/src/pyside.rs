//! Installs PySide6 beside the peers: the one real Qt that is newer than Debian's.

use std::fs;
use std::path::Path;

use crate::repository::{Repository, is_installed, output_of, run};

/// One version of it, with the hashes of its files.
const REQUIREMENTS: &str = "crates/testkit/peers/qt/pyside-requirements.txt";

/// Lies in the folder once all is there: the requirements that were installed.
const INSTALLED: &str = "requirements.txt";

/// What the peer imports. The libraries of the system that it needs are those of Debian's Qt 6.
const PROBE: &str = "from PySide6 import QtCore, QtGui";

/// What became of it.
pub(crate) enum Pyside {
    Ready,
    /// What is missing.
    Missing(String),
}

/// Sees to it that `folder` holds PySide6 in the version that the peer is written for.
pub(crate) fn install(repository: &Repository, folder: &Path, may_install: bool) -> Result<Pyside, String> {
    let requirements = repository.root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| format!("reading {}: {error}", requirements.display()))?;
    let what = versions(&wanted).join(" ");
    if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
        println!("pyside: up to date ({what})");
        return Ok(Pyside::Ready);
    }
    let python = python();
    if !is_installed(python) && !Path::new(python).is_file() {
        return Ok(Pyside::Missing("python3".to_owned()));
    }
    if !may_install {
        return Ok(Pyside::Missing(format!("{what}, not installed because of --no-install")));
    }
    if output_of(repository.command(python).args(["-m", "pip", "--version"])).is_err() {
        return Ok(Pyside::Missing(format!("pip for {python}")));
    }
    println!("installing: {what}");
    // Under another name until it is whole: nobody may find half of it.
    let fresh = folder.with_extension("new");
    remove(&fresh)?;
    let mut pip = repository.command(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", REQUIREMENTS]);
    // A folder of its own: what Python has itself stays as it is.
    pip.arg("--target").arg(&fresh).env("PIP_ROOT_USER_ACTION", "ignore");
    // Off the network, or on a system that it is not made for: its suites are skipped, the rest goes on.
    if let Err(error) = run(&mut pip) {
        remove(&fresh)?;
        println!("{error}");
        return Ok(Pyside::Missing(format!("{what}, which pip could not install")));
    }
    if let Err(error) = output_of(repository.command(python).args(["-c", PROBE]).env("PYTHONPATH", &fresh)) {
        remove(&fresh)?;
        return Ok(Pyside::Missing(format!("what {what} needs: {error}")));
    }
    let settled = fs::write(fresh.join(INSTALLED), &wanted);
    remove(folder)?;
    settled
        .and_then(|()| fs::rename(&fresh, folder))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Pyside::Ready)
}

/// The system's own first, as the tests do: it has Debian's pip, and other users reach it.
pub(crate) fn python() -> &'static str {
    const SYSTEM: &str = "/usr/bin/python3";
    if Path::new(SYSTEM).is_file() { SYSTEM } else { "python3" }
}

pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("removing {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The `name==version` of each requirement.
pub(crate) fn versions(requirements: &str) -> Vec<&str> {
    requirements.split_whitespace().filter(|word| word.contains("==")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_named_by_their_versions() {
        let text = "# what for\na==1.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb==3\n";
        assert_eq!(versions(text), ["a==1.2", "b==3"]);
    }
}
