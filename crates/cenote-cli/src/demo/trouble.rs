//! What can end a performance early, for whoever has to tell it.

use std::io;

use crate::failure::Failure;

const USUAL_HINT: &str = "everything the demo made has been removed; run it again";

/// Why the play stopped.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The library refused.
    Cenote(cenote::Error),
    /// Something else went wrong: one line of what, one of what to do.
    Told { what: String, hint: String },
    /// Nobody reads the story any more, or it cannot be written.
    Stdout(io::Error),
    /// A signal asked for the end.
    Interrupted(i32),
    /// The other end of the pipe is gone: in a role, the parent died.
    Alone,
}

impl Trouble {
    pub(super) fn told(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Told { what: what.into(), hint: hint.into() }
    }

    /// What cannot happen unless something is broken, which nobody at the terminal can mend.
    pub(super) fn unexpected(what: impl Into<String>) -> Self {
        Self::told(what, USUAL_HINT)
    }

    /// Something about a file, a pipe or a process.
    pub(super) fn io(what: &str, error: &io::Error) -> Self {
        Self::unexpected(format!("{what}: {error}"))
    }

    /// What and what to do.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::Cenote(error) => (error.to_string(), error.hint().to_owned()),
            Self::Told { what, hint } => (what.clone(), hint.clone()),
            Self::Stdout(error) => (format!("cannot write to stdout: {error}"), USUAL_HINT.to_owned()),
            Self::Interrupted(_) => {
                ("interrupted".to_owned(), "everything the demo made has been removed".to_owned())
            }
            Self::Alone => ("the other end of the pipe is gone".to_owned(), USUAL_HINT.to_owned()),
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        let (what, hint) = self.words();
        match self {
            Self::Cenote(error) => error.into(),
            Self::Stdout(error) => Failure::stdout(&error),
            // As a shell reports a process that the signal ended.
            Self::Interrupted(signal) => {
                Failure::new(what, hint).with_code(128 + u8::try_from(signal).unwrap_or(0))
            }
            Self::Told { .. } | Self::Alone => Failure::new(what, hint),
        }
    }
}

impl From<cenote::Error> for Trouble {
    fn from(error: cenote::Error) -> Self {
        Self::Cenote(error)
    }
}
