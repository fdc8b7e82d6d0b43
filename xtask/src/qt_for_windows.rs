//! Unpacks Qt for Windows beside the peers: of PySide6's wheel the DLLs that a program on QSharedMemory and QImage loads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pyside::{Pyside, python, remove, versions};
use crate::repository::{Repository, is_installed, output_of, run};

/// One version of it, with the hash of its file. Newer ones need a Windows newer than Wine 8 is.
const REQUIREMENTS: &str = "crates/testkit/peers/windows/qt-requirements.txt";

/// What the wheel is called for. Neither this system nor its Python plays a part.
const PLATFORM: [&str; 8] =
    ["--platform", "win_amd64", "--implementation", "cp", "--python-version", "3.11", "--abi", "abi3"];

/// QtCore, QtGui, and what both need of MSVC's run-time library. All else that they load is Windows's own.
const FILES: [&str; 7] = [
    "Qt6Core.dll",
    "Qt6Gui.dll",
    "msvcp140.dll",
    "msvcp140_1.dll",
    "msvcp140_2.dll",
    "vcruntime140.dll",
    "vcruntime140_1.dll",
];

/// A wheel is a zip archive. The arguments: its folder, the folder to unpack to, the files.
const UNPACK: &str = "\
import glob, os, sys, zipfile
wheels, folder, *names = sys.argv[1:]
[wheel] = glob.glob(os.path.join(glob.escape(wheels), '*.whl'))
with zipfile.ZipFile(wheel) as archive:
    for name in names:
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(archive.read('PySide6/' + name))
";

/// Lies in the folder once all is there: the requirements that were unpacked.
const INSTALLED: &str = "requirements.txt";

/// Where `qt-windows.exe` looks for them.
pub(crate) fn folder(peers: &Path) -> PathBuf {
    peers.join("qt-for-windows")
}

/// Sees to it that the folder holds the Qt that the peer is written for.
pub(crate) fn install(repository: &Repository, peers: &Path, may_install: bool) -> Result<Pyside, String> {
    let folder = folder(peers);
    let wanted = fs::read_to_string(repository.root.join(REQUIREMENTS))
        .map_err(|error| format!("reading {REQUIREMENTS}: {error}"))?;
    let what = format!("the DLLs of {} for Windows", versions(&wanted).join(" "));
    let is_whole = || FILES.iter().all(|file| folder.join(file).is_file());
    if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted) && is_whole() {
        println!("qt for Windows: up to date ({what})");
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
    let (fresh, wheels) = (folder.with_extension("new"), folder.with_extension("wheels"));
    for folder in [&fresh, &wheels] {
        remove(folder)?;
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut pip = repository.command(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", REQUIREMENTS]);
    pip.args(PLATFORM).arg("--dest").arg(&wheels).env("PIP_ROOT_USER_ACTION", "ignore");
    let mut unpack = repository.command(python);
    unpack.args(["-c", UNPACK]).arg(&wheels).arg(&fresh).args(FILES);
    let unpacked = run(&mut pip).and_then(|()| output_of(&mut unpack));
    remove(&wheels)?;
    // Off the network, for example: its suites are skipped, the rest goes on.
    if let Err(error) = unpacked {
        remove(&fresh)?;
        println!("{error}");
        return Ok(Pyside::Missing(format!("{what}, which could not be fetched")));
    }
    let settled = fs::write(fresh.join(INSTALLED), &wanted);
    remove(&folder)?;
    settled
        .and_then(|()| fs::rename(&fresh, &folder))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Pyside::Ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_installed_is_named_and_what_is_there_in_part_is_not_taken() {
        let peers = std::env::temp_dir().join(format!("cenote-xtask-qt-{}", std::process::id()));
        let unpacked = folder(&peers);
        fs::create_dir_all(&unpacked).unwrap();
        let repository = Repository::here();
        fs::copy(repository.root.join(REQUIREMENTS), unpacked.join(INSTALLED)).unwrap();
        let install = || install(&repository, &peers, false).unwrap();
        let is_missing = |what: Pyside| matches!(what, Pyside::Missing(why) if why.contains("--no-install"));
        let incomplete = is_missing(install());
        for file in FILES {
            fs::write(unpacked.join(file), "").unwrap();
        }
        let whole = matches!(install(), Pyside::Ready);
        fs::write(unpacked.join(INSTALLED), "another version").unwrap();
        let other = is_missing(install());
        fs::remove_dir_all(&peers).unwrap();
        assert!(incomplete && whole && other);
    }
}
