//! Semaphores that are locks and stay taken when their holder dies: they are freed by their names.

use super::named;
use crate::backend::qt;
use crate::error::Result;

/// Which one it is.
pub(crate) enum SemaphoreName {
    /// With its leading slash.
    Posix(String),
    Windows(String),
}

impl SemaphoreName {
    /// Frees it if it is proven that its holder is dead: true if somebody had it.
    pub(crate) fn break_if_dead(&self) -> Result<bool> {
        match self {
            Self::Posix(name) => named::break_dead_semaphore(name),
            Self::Windows(name) => qt::break_if_dead(name),
        }
    }

    /// Frees it, whoever has it: true if somebody had.
    pub(crate) fn break_by_force(&self) -> Result<bool> {
        match self {
            Self::Posix(name) => named::break_semaphore(name),
            Self::Windows(name) => qt::break_by_force(name),
        }
    }

    /// The name of one whose users can be seen.
    pub(crate) fn posix(&self) -> Option<&str> {
        match self {
            Self::Posix(name) => Some(name),
            Self::Windows(_) => None,
        }
    }
}
