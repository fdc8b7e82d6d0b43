//! `cenote demo`: the main job end to end, in two real processes, told as it happens.
//!
//! The command starts itself twice more, as a server and as a client ([`server`], [`client`]), and talks to them over
//! pipes, one line a message ([`wire`], [`crew`]). It tells both what to do next ([`play`]), and says what they did
//! ([`story`]). What is made has names of its own for each run and is taken away again ([`site`]), whatever happens;
//! at the end the command looks whether that is so ([`traces`]).

mod client;
mod crew;
mod play;
mod server;
mod site;
mod story;
mod traces;
mod trouble;
mod wire;
pub(crate) mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cenote::qt::image_form;
use image::{DynamicImage, ImageFormat};

use crate::failure::Failure;
use trouble::Trouble;

/// What the server writes into the second segment, a NUL byte after it.
const GREETING: &str = "Hello, Client!";
/// How long the parent waits for a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a role waits for a lock: less, so that it is the one to say what is wrong.
const LOCK_PATIENCE: Duration = Duration::from_secs(8);
/// How long cleaning up waits for a lock.
const CLEANING_PATIENCE: Duration = Duration::from_secs(2);
/// The size of segments is rounded up to pages, as the system does anyway.
const PAGE: u64 = 4096;

/// Watch two processes share a picture: one is killed, nothing is lost, nothing is left behind
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A picture to share, PNG or JPEG, instead of the one that is built in
    picture: Option<PathBuf>,
    /// Keep the picture that arrived, as PNG or JPEG
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Say nothing but results, warnings and errors
    // The same as the option of all commands, repeated here so that it can be read here.
    #[arg(short, long, global = true)]
    quiet: bool,
}

/// One of the two processes.
#[derive(clap::Args)]
pub(crate) struct RoleArgs {
    role: Role,
    /// The segment for the picture
    picture: String,
    /// The segment for the greeting
    greeting: String,
    /// The directory of this run
    directory: PathBuf,
    /// The server's picture, if not the built-in one; the file that the client writes
    file: Option<PathBuf>,
}

/// Who is who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    Server,
    Client,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What the person typed.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    match play::perform(args) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(trouble) => Err(trouble.into_failure()),
    }
}

/// What the two processes do. What goes wrong is told over the pipe, and printed by the parent.
pub(crate) fn role(args: &RoleArgs) -> Result<ExitCode, Failure> {
    let wire = wire::Wire::new();
    let done = match args.role {
        Role::Server => server::act(&wire, args),
        Role::Client => client::act(&wire, args),
    };
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(trouble) => {
            if wire.complain(&trouble).is_err() || matches!(trouble, Trouble::Alone) {
                // The parent is gone, and with it whoever would have cleaned up. Both roles do it, one finds nothing.
                site::clear(&args.picture, &args.greeting, &args.directory);
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The picture to share.
fn original(picture: Option<&PathBuf>) -> Result<DynamicImage, Trouble> {
    match picture {
        Some(path) => Ok(image_form::open(path)?),
        None => {
            let built_in = include_bytes!("../../assets/cenote.png");
            image::load_from_memory_with_format(built_in, ImageFormat::Png).map_err(|error| {
                Trouble::told(format!("the built-in picture: {error}"), "try another: `cenote demo PICTURE`")
            })
        }
    }
}

/// More for a large picture, which takes its time to be packed and unpacked.
fn patience_for(picture: &DynamicImage) -> Duration {
    let pixels = u64::from(picture.width()) * u64::from(picture.height());
    PATIENCE + Duration::from_micros(pixels)
}
