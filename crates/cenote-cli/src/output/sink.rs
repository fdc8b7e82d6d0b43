//! Where results go: stdout, or a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Stdout, or the file that `-o` names.
pub(crate) enum Sink {
    Stdout(io::StdoutLock<'static>),
    File { file: File, path: PathBuf },
}

impl Sink {
    /// Opens it; `-` and nothing are stdout. A new file gets the usual mode, less the umask.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| *path != "-") else {
            return Ok(Self::Stdout(io::stdout().lock()));
        };
        let file = File::create(path).map_err(|error| failed(path, &error))?;
        Ok(Self::File { file, path: path.to_owned() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes).map_err(|error| Failure::stdout(&error)),
            Self::File { file, path } => file.write_all(bytes).map_err(|error| failed(path, &error)),
        }
    }

    /// Sees to it that what was written so far is seen by who reads it.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Stdout(stdout) => stdout.flush().map_err(|error| Failure::stdout(&error)),
            // Files are not buffered here.
            Self::File { .. } => Ok(()),
        }
    }

    /// Sees to it that all has been written.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot write {}", path.display());
    Failure::io(what, error, "check the path, its permissions and the space there")
}

/// Prints a line on stdout.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut sink = Sink::open(None)?;
    sink.write(text.as_ref().as_bytes())?;
    sink.write(b"\n")?;
    sink.finish()
}
