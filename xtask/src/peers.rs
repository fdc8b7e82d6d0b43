//! Compiles the peers of `crates/testkit/peers`, and the cookbook's classic programs, into `target/peers`, when their
//! sources are newer, and puts the scripts beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cookbook;
use crate::iceoryx2;
use crate::pyside::{self, Pyside};
use crate::repository::{Repository, is_installed, output_of, run};
use crate::steps::{Done, Outcome};

/// Below the repository's root, where every command starts.
pub(crate) const SOURCES: &str = "crates/testkit/peers";

/// One peer: what it is made of, and which pkg-config modules it needs.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) compiler: &'static str,
    pub(crate) flags: &'static [&'static str],
    /// Below the repository's root.
    pub(crate) folder: &'static str,
    pub(crate) sources: &'static [&'static str],
    pub(crate) headers: &'static [&'static str],
    pub(crate) modules: &'static [&'static str],
    /// Files of the system without which it is not built.
    pub(crate) needs: &'static [&'static str],
    pub(crate) libraries: &'static [&'static str],
}

/// Qt's headers insist on position-independent code; as `-fPIC` it suits every version.
const QT: Recipe = Recipe {
    name: "",
    compiler: "c++",
    flags: &["-std=c++17", "-O2", "-fPIC", "-Wall", "-Wextra"],
    folder: SOURCES,
    sources: &["qt/peer.cpp", "qt/picture.cpp"],
    headers: &["qt/picture.h"],
    modules: &[],
    needs: &[],
    libraries: &[],
};

const C: Recipe = Recipe {
    name: "",
    compiler: "cc",
    flags: &["-std=c11", "-O2", "-Wall", "-Wextra"],
    folder: SOURCES,
    sources: &[],
    headers: &["c/protocol.h"],
    modules: &[],
    needs: &[],
    libraries: &["-lrt", "-lpthread"],
};

/// Boost.Interprocess is headers alone.
const BOOST: Recipe = Recipe {
    compiler: "c++",
    flags: &["-std=c++17", "-O2", "-Wall", "-Wextra"],
    sources: &["boost/peer.cpp"],
    headers: &[],
    ..C
};

const RECIPES: [Recipe; 5] = [
    Recipe { name: "qt5", modules: &["Qt5Core", "Qt5Gui"], ..QT },
    Recipe { name: "qt6", modules: &["Qt6Core", "Qt6Gui"], ..QT },
    Recipe { name: "posix", sources: &["c/posix.c", "c/protocol.c"], ..C },
    Recipe { name: "sysv", sources: &["c/sysv.c", "c/protocol.c"], ..C },
    Recipe { name: "boost", needs: &[BOOST_HEADERS], ..BOOST },
];

const BOOST_HEADERS: &str = "/usr/include/boost/interprocess/managed_shared_memory.hpp";

/// Servers and browsers whose segments the tests look at, by the files that tell whether they are there.
const PROGRAMS: [(&str, &str); 2] =
    [("postgresql", "/usr/lib/postgresql"), ("chromium", "/usr/bin/chromium-headless-shell")];

/// The PySide6 peer, and the folder that holds PySide6 itself.
const PYSIDE_SCRIPTS: [&str; 2] = ["qt/pyside.py", "qt/pyside_picture.py"];
const PYSIDE_FOLDER: &str = "pyside6";

/// Where the tests find the peers.
pub(crate) fn folder(repository: &Repository) -> PathBuf {
    repository.target.join("peers")
}

/// Builds what can be built here; a peer whose tools are missing is skipped, and named.
pub(crate) fn build(repository: &Repository, may_install: bool) -> Outcome {
    let folder = folder(repository);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut skipped = Vec::new();
    cookbook::make_folder(&folder)?;
    for recipe in RECIPES.iter().chain(&cookbook::RECIPES) {
        match recipe.missing_tool(repository) {
            Some(tool) => skipped.push(format!("{} (needs {tool})", recipe.name)),
            None => recipe.build(repository, &folder)?,
        }
    }
    if is_installed("python3") {
        copy_script(repository, "python/peer.py", &folder.join("python.py"))?;
    } else {
        skipped.push("python (needs python3)".to_owned());
    }
    match pyside::install(repository, &folder.join(PYSIDE_FOLDER), may_install)? {
        Pyside::Ready => {
            for script in PYSIDE_SCRIPTS {
                let name = script.rsplit('/').next().unwrap_or(script);
                copy_script(repository, script, &folder.join(name))?;
            }
        }
        Pyside::Missing(what) => {
            // One that an earlier run put there would run on another version.
            let _ = fs::remove_file(folder.join("pyside.py"));
            skipped.push(format!("pyside (needs {what})"));
        }
    }
    if let Some(missing) = iceoryx2::build(repository, &folder, may_install)? {
        skipped.push(format!("iceoryx2 (needs {missing})"));
    }
    let absent = PROGRAMS.iter().filter(|(_, file)| !Path::new(file).exists());
    skipped.extend(absent.map(|(program, file)| format!("{program} (needs {file})")));
    if skipped.is_empty() {
        Ok(Done::Passed)
    } else {
        Ok(Done::Skipped(format!("the suites with {}", skipped.join(", "))))
    }
}

impl Recipe {
    pub(crate) fn missing_tool(&self, repository: &Repository) -> Option<String> {
        if !is_installed(self.compiler) {
            return Some(self.compiler.to_owned());
        }
        if let Some(file) = self.needs.iter().find(|file| !Path::new(file).exists()) {
            return Some((*file).to_owned());
        }
        if self.modules.is_empty() {
            return None;
        }
        if !is_installed("pkg-config") {
            return Some("pkg-config".to_owned());
        }
        let missing =
            |module: &&&str| output_of(repository.command("pkg-config").args(["--exists", module])).is_err();
        self.modules.iter().find(missing).map(|module| format!("the development files of {module}"))
    }

    pub(crate) fn build(&self, repository: &Repository, folder: &Path) -> Result<(), String> {
        let program = folder.join(self.name);
        let inputs =
            self.sources.iter().chain(self.headers).map(|name| repository.root.join(self.folder).join(name));
        if !is_older(&program, inputs) {
            println!("{}: up to date", self.name);
            return Ok(());
        }
        let (flags, libraries) = self.module_flags(repository)?;
        let mut compile = repository.command(self.compiler);
        compile.args(self.flags).args(flags).arg("-o").arg(&program);
        compile.args(self.sources.iter().map(|source| Path::new(self.folder).join(source)));
        compile.args(libraries).args(self.libraries);
        run(&mut compile)
    }

    /// What pkg-config says to compile and to link with.
    fn module_flags(&self, repository: &Repository) -> Result<(Vec<String>, Vec<String>), String> {
        if self.modules.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let ask = |question: &str| {
            let answer = output_of(repository.command("pkg-config").arg(question).args(self.modules))?;
            Ok::<_, String>(answer.split_whitespace().map(str::to_owned).collect())
        };
        Ok((ask("--cflags")?, ask("--libs")?))
    }
}

/// A script is its own program; it lies beside the others so that the tests look in one place.
fn copy_script(repository: &Repository, script: &str, to: &Path) -> Result<(), String> {
    let from = repository.root.join(SOURCES).join(script);
    match fs::copy(&from, to) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("copying {} to {}: {error}", from.display(), to.display())),
    }
}

/// Whether `product` is missing or older than one of its `inputs`.
pub(crate) fn is_older(product: &Path, inputs: impl Iterator<Item = PathBuf>) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let Some(made) = time(product) else { return true };
    inputs.map(|input| time(&input).unwrap_or_else(SystemTime::now)).any(|changed| changed > made)
}
