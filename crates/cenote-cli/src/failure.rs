//! What went wrong, for the person at the terminal: one line of what, one of what to do, and an exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use cenote::{Error, ErrorKind};

use crate::output::escaped;

/// Refused by the system, or not found.
const REFUSED: u8 = 1;
/// The command line cannot be understood.
const USAGE: u8 = 2;
/// The time allowed has passed.
const TIMED_OUT: u8 = 3;

/// The end of a command that could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// What and what to do. There is nothing to say when nobody reads on: `cenote ls | head -1` has done its work.
    words: Option<(String, String)>,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: REFUSED, words: Some((what.into(), hint.into())) }
    }

    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: USAGE, ..Self::new(what, hint) }
    }

    /// With another exit code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// With another hint.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Some((_, old)) = &mut self.words {
            *old = hint.into();
        }
        self
    }

    /// Something about a file, a pipe or a process, and not about a segment.
    pub(crate) fn io(what: impl Display, error: &io::Error, hint: impl Into<String>) -> Self {
        Self::new(format!("{what}: {error}"), hint)
    }

    /// Writing results to stdout failed.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: 0, words: None };
        }
        Self::io("cannot write to stdout", error, "see where the output goes, and whether there is space")
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Tells the person, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some((what, hint)) = &self.words {
            say(what, hint);
        }
        ExitCode::from(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = if error.kind() == ErrorKind::Timeout { TIMED_OUT } else { REFUSED };
        Self::new(error.to_string(), error.hint()).with_code(code)
    }
}

/// Something that the person should know, although the command goes on.
pub(crate) fn warn(what: &str, hint: &str) {
    say(what, hint);
}

/// What failed after the work was done: worth knowing, but no failure of the command.
pub(crate) fn warn_of(result: Result<(), Error>) {
    if let Err(error) = result {
        warn(&error.to_string(), error.hint());
    }
}

/// Something that may be of interest; `-q` leaves it out.
pub(crate) fn notice(quiet: bool, what: impl Display) {
    if !quiet {
        // With stderr closed nobody wants to know.
        let _ = writeln!(io::stderr(), "cenote: {}", escaped(&what.to_string()));
    }
}

/// Names may come from anybody: what could steer a terminal is escaped.
fn say(what: &str, hint: &str) {
    let text = format!("cenote: {}\n  hint: {}\n", escaped(what), escaped(hint));
    // In one piece, so that the lines of processes do not mix. With stderr closed nobody wants to know.
    let _ = io::stderr().write_all(text.as_bytes());
}
