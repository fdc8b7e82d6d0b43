//! The play: four acts, as the command gives the cues and tells them.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use cenote::qt::image_form;
use image::{DynamicImage, ImageFormat};

use super::crew::Crew;
use super::site::Site;
use super::story::{Story, grouped};
use super::traces::Traces;
use super::trouble::Trouble;
use super::{Args, GREETING, Role, original, patience_for};
use crate::platform::WORDS;
use Role::{Client, Server};

const MEMORY: &str = "no call: a copy within memory";

/// Everything that takes part. The crew goes before what it works on.
struct Stage {
    crew: Crew,
    site: Site,
    story: Story,
}

/// From the first line to the last.
pub(super) fn perform(args: &Args) -> Result<(), Trouble> {
    let picture = original(args.picture.as_ref())?;
    if let Some(file) = &args.output {
        check_output(file)?;
    }
    let mut crew = Crew::new()?;
    crew.patience = patience_for(&picture);
    let site = Site::new()?;
    let mut stage = Stage { crew, site, story: Story::new(args.quiet) };
    let result = stage.all_acts(args, &picture);
    drop(stage);
    result
}

impl Stage {
    fn all_acts(&mut self, args: &Args, picture: &DynamicImage) -> Result<(), Trouble> {
        let server = self.start(Server, args.picture.as_deref())?;
        let file = self.site.picture_file();
        let client = self.start(Client, Some(&file))?;
        self.story.line(format_args!(
            "Two processes share memory: a server (pid {server}) and a client (pid {client}). One will be killed."
        ))?;
        self.story
            .line("On the right: how long each step takes, and the system calls that it stands for.")?;

        self.story.act("1. The server makes two segments, and fills them under their locks.")?;
        let traces = self.the_server_creates()?;
        self.the_server_writes()?;
        self.story.act("2. The client attaches, and takes out what is there.")?;
        self.the_client_reads()?;
        self.compare(&file, args.output.as_deref(), picture)?;
        self.story.act("3. The server takes the locks again, and is killed while it holds them.")?;
        self.the_server_dies(server)?;
        self.the_client_goes_on()?;
        self.story.act("4. Nothing stays behind.")?;
        self.the_client_leaves()?;
        self.clean_up(&traces)?;

        self.story.line("")?;
        if let Some(file) = &args.output {
            self.story.line(format_args!("The picture that arrived is in {}.", file.display()))?;
        }
        self.story.line(
            "All went well. Next: `cenote help` lists the commands, `cenote ls` the shared memory there is.",
        )
    }

    fn start(&mut self, role: Role, file: Option<&Path>) -> Result<u32, Trouble> {
        let mut arguments = vec![
            OsString::from(&self.site.picture),
            (&self.site.greeting).into(),
            (&self.site.directory).into(),
        ];
        if let Some(file) = file {
            // A name that begins with a dash is a name.
            arguments.extend(["--".into(), file.into()]);
        }
        self.crew.start(role, arguments)
    }

    fn the_server_creates(&mut self) -> Result<Traces, Trouble> {
        self.crew.cue(Server, "create")?;
        let (time, [size]) = self.hear(Server, "created-picture")?;
        let what = format!("creates {}, {}", self.site.picture, kib(size));
        self.story.row("server", what, Some(time), WORDS.creates_picture)?;
        let (time, [size]) = self.hear(Server, "created-greeting")?;
        let what = format!("creates {}, {}", self.site.greeting, kib(size));
        self.story.row("server", what, Some(time), WORDS.creates_greeting)?;
        Traces::of(&self.site)
    }

    fn the_server_writes(&mut self) -> Result<(), Trouble> {
        self.crew.cue(Server, "write")?;
        let (time, []) = self.hear(Server, "locked")?;
        self.story.row("server", "locks both", Some(time), WORDS.locks)?;
        let (time, [size]) = self.hear(Server, "wrote-picture")?;
        let what = format!("writes a QImage of {} bytes", grouped(size));
        self.story.row("server", what, Some(time), MEMORY)?;
        let (time, []) = self.hear(Server, "wrote-greeting")?;
        self.story.row("server", format_args!("writes {GREETING:?}"), Some(time), MEMORY)?;
        let (time, []) = self.hear(Server, "unlocked")?;
        self.story.row("server", "unlocks both", Some(time), WORDS.unlocks)
    }

    fn the_client_reads(&mut self) -> Result<(), Trouble> {
        self.crew.cue(Client, "attach")?;
        let (time, []) = self.hear(Client, "attached-picture")?;
        let what = format!("attaches to {}", self.site.picture);
        self.story.row("client", what, Some(time), WORDS.attaches_picture)?;
        let (time, []) = self.hear(Client, "attached-greeting")?;
        let what = format!("attaches to {}", self.site.greeting);
        self.story.row("client", what, Some(time), WORDS.attaches_greeting)?;
        self.crew.cue(Client, "read")?;
        let (time, []) = self.hear(Client, "locked")?;
        self.story.row("client", "locks both", Some(time), WORDS.locks)?;
        let (time, []) = self.hear(Client, "read")?;
        self.story.row("client", format_args!("reads {GREETING:?} and the QImage"), Some(time), MEMORY)?;
        let (decoding, [width, height]) = self.hear(Client, "decoded")?;
        let (saving, []) = self.hear(Client, "saved")?;
        let what = format!("unlocks, decodes {width} x {height} to a file");
        self.story.row("client", what, Some(decoding + saving), "a PNG, as QDataStream writes a QImage")
    }

    /// Whether what the client wrote is what the server had.
    fn compare(&mut self, file: &Path, keep: Option<&Path>, picture: &DynamicImage) -> Result<(), Trouble> {
        let arrived = image_form::open(file)?;
        let same = (arrived.width(), arrived.height()) == (picture.width(), picture.height())
            && arrived.color() == picture.color()
            && arrived.as_bytes() == picture.as_bytes();
        if !same {
            return Err(Trouble::unexpected(
                "the picture that arrived is another than the one that was sent",
            ));
        }
        if let Some(keep) = keep {
            image_form::save(&arrived, keep)?;
        }
        let pixels = grouped(u64::from(arrived.width()) * u64::from(arrived.height()));
        self.story.row(
            "command",
            "compares the file with the original",
            None,
            format_args!("all {pixels} pixels are right"),
        )
    }

    fn the_server_dies(&mut self, server: u32) -> Result<(), Trouble> {
        self.crew.cue(Server, "hold")?;
        let (time, []) = self.hear(Server, "locked")?;
        self.story.row("server", "locks both", Some(time), "")?;
        self.crew.cue(Client, "wait")?;
        let (time, []) = self.hear(Client, "refused")?;
        self.story.row("client", "tries the locks: taken. It waits", Some(time), WORDS.waits)?;
        self.crew.let_sleep(Client)?;
        let (at, killed) = self.crew.kill(Server)?;
        if !killed {
            return Err(Trouble::unexpected("the server ended before it was killed"));
        }
        let (before, after) = WORDS.kills;
        self.story.row("command", "kills the server", None, format_args!("{before}{server}{after}"))?;
        self.story.row("kernel", "takes the locks back from the dead", None, WORDS.lets_go)?;
        for (word, address) in
            [("entered-picture", &self.site.picture), ("entered-greeting", &self.site.greeting)]
        {
            let (when, _, [told]) = self.crew.hear(Client, word)?;
            let after = when.saturating_duration_since(at);
            let how = if told == 1 { "after the kill; told of the death" } else { "after the kill" };
            self.story.row("client", format_args!("has the lock of {address}"), Some(after), how)?;
        }
        Ok(())
    }

    fn the_client_goes_on(&mut self) -> Result<(), Trouble> {
        let (time, []) = self.hear(Client, "read")?;
        self.story.row("client", "reads both again, and compares", Some(time), "all is as it was")
    }

    fn the_client_leaves(&mut self) -> Result<(), Trouble> {
        self.crew.cue(Client, "detach")?;
        let (time, []) = self.hear(Client, "detached")?;
        let (what, how) = WORDS.last;
        self.story.row("client", what, Some(time), how)?;
        self.crew.farewell(Client)
    }

    fn clean_up(&mut self, traces: &Traces) -> Result<(), Trouble> {
        if self.site.remove_picture()? {
            self.story.row(
                "command",
                format_args!("removes {}", self.site.picture),
                None,
                "it was still there",
            )?;
        }
        if let Some(time) = self.site.remove_greeting()? {
            let what = format!("removes {}", self.site.greeting);
            self.story.row("command", what, Some(time), WORDS.removes_greeting)?;
        }
        self.site.remove_directory()?;
        let left = traces.left(&self.site)?;
        if !left.is_empty() {
            let what = format!("something is left: {}", left.join(", "));
            return Err(Trouble::told(what, "this is a fault of Cenote; `cenote rm` removes segments"));
        }
        self.story.row("command", "looks for what is left: nothing", None, WORDS.looks)
    }

    fn hear<const N: usize>(&mut self, role: Role, word: &str) -> Result<(Duration, [u64; N]), Trouble> {
        let (_, time, numbers) = self.crew.hear(role, word)?;
        Ok((time, numbers))
    }
}

/// Better before the play than after it.
fn check_output(file: &Path) -> Result<(), Trouble> {
    match ImageFormat::from_path(file) {
        Ok(ImageFormat::Png | ImageFormat::Jpeg) => Ok(()),
        _ => {
            let what = format!("the name {} ends in no format known here", file.display());
            Err(Trouble::told(what, "name it something.png or something.jpg"))
        }
    }
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", grouped(bytes.div_ceil(1024)))
}
