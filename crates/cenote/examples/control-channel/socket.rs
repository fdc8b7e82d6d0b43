//! Where panels come in, elsewhere than on Windows: a Unix socket, `NAME.sock` in the user's folder for such files.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use tokio::net::UnixListener;
pub(crate) use tokio::net::UnixStream as Connection;

fn path(name: &str) -> PathBuf {
    let folder = env::var_os("XDG_RUNTIME_DIR").map_or_else(env::temp_dir, PathBuf::from);
    folder.join(format!("{name}.sock"))
}

/// The service's end. The file goes with it.
pub(crate) struct Door {
    path: PathBuf,
    listener: UnixListener,
}

impl Door {
    /// For who knows to be the only service of that name: a socket that a killed one has left is removed.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let path = path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        Ok(Self { path, listener })
    }

    /// Waits for the next panel.
    pub(crate) async fn accept(&mut self) -> io::Result<Connection> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // Nobody needs it any more, and the next service can do without this.
        let _ = fs::remove_file(&self.path);
    }
}

/// A panel's end. `None` while there is no service.
pub(crate) async fn connect(name: &str) -> io::Result<Option<Connection>> {
    match Connection::connect(path(name)).await {
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&error.kind()) => {
            Ok(None)
        }
        result => result.map(Some),
    }
}
