//! Where panels come in, on Windows: a named pipe, `\\.\pipe\NAME`.

use std::io;
use std::mem;

pub(crate) use tokio::net::windows::named_pipe::NamedPipeClient as Connection;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};

/// What a client gets when all instances have somebody, until the service makes another one: `ERROR_PIPE_BUSY`.
const BUSY: i32 = 231;
/// What the service gets of a client that came and went before it looked: `ERROR_NO_DATA`.
const LEFT: i32 = 232;

fn path(name: &str) -> String {
    format!(r"\\.\pipe\{name}")
}

/// The service's end. One instance of the pipe is always there for the next panel.
pub(crate) struct Door {
    path: String,
    next: NamedPipeServer,
}

impl Door {
    /// Fails if somebody else has a pipe of that name. Only this user may write to it, and nobody from another
    /// machine may come.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let path = path(name);
        let next = ServerOptions::new().first_pipe_instance(true).create(&path)?;
        Ok(Self { path, next })
    }

    /// Waits for the next panel.
    pub(crate) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        loop {
            let came = self.next.connect().await;
            let instance = mem::replace(&mut self.next, ServerOptions::new().create(&self.path)?);
            match came {
                Ok(()) => return Ok(instance),
                // One that has left again: its instance is of no more use.
                Err(error) if error.raw_os_error() == Some(LEFT) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A panel's end. `None` while there is no service, or none of its instances is free.
pub(crate) async fn connect(name: &str) -> io::Result<Option<Connection>> {
    match ClientOptions::new().open(path(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(BUSY) => {
            Ok(None)
        }
        result => result.map(Some),
    }
}
