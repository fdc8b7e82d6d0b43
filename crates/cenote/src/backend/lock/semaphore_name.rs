//! Semaphores that are locks and stay taken when their holder dies: they are freed by their names.

use super::{LockState, NamedSemaphore, named};
use crate::backend::qt;
use crate::error::Result;
use crate::sys::{KernelSemaphore, Mapped};

/// Which one it is.
pub(crate) enum SemaphoreName {
    /// With its leading slash.
    Posix(String),
    Windows(String),
}

impl SemaphoreName {
    /// Frees it, by force or if it is proven that its holder is dead: true if somebody had it.
    pub(crate) fn break_it(&self, force: bool) -> Result<bool> {
        match self {
            Self::Posix(name) if force => named::break_semaphore(name),
            Self::Posix(name) => named::break_dead_semaphore(name),
            Self::Windows(name) if force => qt::break_by_force(name),
            Self::Windows(name) => qt::break_if_dead(name),
        }
    }

    /// Whether somebody has it, without taking it.
    pub(crate) fn state(&self) -> LockState {
        match self {
            Self::Posix(name) => named::state(name),
            Self::Windows(name) => match KernelSemaphore::look(name) {
                Ok(None) => LockState::None,
                Ok(Some((0, _))) => LockState::Held(None),
                Ok(Some(_)) => LockState::Free,
                Err(_) => LockState::Unknown,
            },
        }
    }

    /// What the kernel calls it, for finding those who have it open.
    pub(crate) fn mapped(&self) -> Option<Mapped> {
        match self {
            Self::Posix(name) => NamedSemaphore::named(name).ok().flatten(),
            Self::Windows(name) => KernelSemaphore::look(name).ok().flatten().map(|(_, what)| what),
        }
    }
}
