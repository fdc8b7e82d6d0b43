//! A service and its panel: JSON over a named pipe, and the service's data in shared memory.
//!
//!     cargo run -q -p cenote --example control-channel -- service
//!     cargo run -q -p cenote --example control-channel -- status
//!     cargo run -q -p cenote --example control-channel -- configure 50 north
//!     cargo run -q -p cenote --example control-channel -- data
//!     cargo run -q -p cenote --example control-channel -- stop
//!
//! On systems other than Windows it is a Unix socket. A request is a JSON object in a line of its own, and so is the
//! reply. `say` sends any line. `classic.cpp` beside this is a panel for Windows.

#[cfg_attr(windows, path = "pipe.rs")]
#[cfg_attr(not(windows), path = "socket.rs")]
mod door;
mod panel;
mod service;

use std::error::Error;
use std::io;
use std::process::exit;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use tokio::runtime::Builder;

const NAME: &str = "ControlChannel";
/// The longest line, in bytes.
const MOST: usize = 4096;
/// How long the other side may take for a line.
const LINE_LIMIT: Duration = Duration::from_secs(5);

/// What a panel asks for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    Status,
    /// What is not named stays as it is.
    Configure {
        rate: Option<u32>,
        label: Option<String>,
    },
    Stop,
}

/// What the service answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Ok(Status),
    Error(String),
}

#[derive(Clone, Serialize, Deserialize)]
struct Status {
    /// How often the data change, in a second.
    rate: u32,
    label: String,
    /// How often somebody has changed the configuration.
    changes: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut name = NAME.to_owned();
    if arguments.first().is_some_and(|first| first == "--name") && arguments.len() > 1 {
        name = arguments.drain(..2).next_back().unwrap_or_default();
    }
    let request = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["service"] => {
            return Builder::new_current_thread().enable_all().build()?.block_on(service::run(&name));
        }
        ["data"] => return panel::data(&name),
        ["status"] => serde_json::to_string(&Request::Status)?,
        ["configure", rate, label] => {
            let (rate, label) = (Some(rate.parse()?), Some(label.to_owned()));
            serde_json::to_string(&Request::Configure { rate, label })?
        }
        ["stop"] => serde_json::to_string(&Request::Stop)?,
        ["say", text] => text.to_owned(),
        _ => {
            eprintln!("usage: control-channel [--name NAME] service | status | configure RATE LABEL | data");
            eprintln!("                                     | stop | say TEXT");
            exit(2)
        }
    };
    Builder::new_current_thread().enable_all().build()?.block_on(panel::ask(&name, &request))
}

/// Where the service's data are: a number of eight bytes, which is never torn.
fn address(name: &str) -> String {
    if cfg!(windows) { format!(r"windows:Local\{name}") } else { format!("posix:/{name}") }
}

/// A line without its end. `None` if the other side has left, also in the middle of a line.
async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(MOST as u64 + 1).read_until(b'\n', &mut line).await?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(line));
    }
    if line.len() > MOST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(None) }
}
