//! A place of its own for each test: a desktop, and a folder that makes the example's fixed key one that
//! nobody else on the machine has.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::qt::{PROJECT, QtFolder};
use testkit::system::{goes_with_us, signal};
use testkit::{Watchdog, skipped, sysv, watchdog};

use crate::desktop::Desktop;
use crate::example::{self, Example};
use crate::picture::Picture;

/// What the example calls its segment.
pub(crate) const AT: &str = "qt:QSharedMemoryExample";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far apart two windows of the example lie.
const APART: usize = 600;

pub(crate) struct Room {
    desktop: Desktop,
    /// After the desktop: while it is here, nobody uses the folder any more.
    folder: QtFolder,
    program: PathBuf,
    windows: Cell<usize>,
    /// The keys of key files that were seen here.
    keys: RefCell<BTreeSet<i32>>,
    _watchdog: Watchdog,
}

impl Room {
    /// None, having said so, if something is missing here.
    pub(crate) fn new() -> Option<Self> {
        let Some(program) = example::program() else {
            skipped("no example of Qt's; `cargo xtask test` installs it");
            return None;
        };
        for name in ["Xvfb", "xdotool"] {
            if !is_installed(name) {
                skipped(&format!("no {name}; `cargo xtask test` installs it"));
                return None;
            }
        }
        let watchdog = watchdog(4 * PATIENCE);
        let folder = QtFolder::new();
        let desktop = Desktop::new(folder.path());
        Some(Self {
            desktop,
            folder,
            program,
            windows: Cell::new(0),
            keys: RefCell::default(),
            _watchdog: watchdog,
        })
    }

    /// One more window, beside the others.
    pub(crate) fn example(&self) -> Example<'_> {
        let number = self.windows.replace(self.windows.get() + 1);
        let mut command = Command::new(&self.program);
        // Nothing of the person who runs the tests: no other style, scale or language, and no settings
        // written.
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", self.folder.path());
        command.env("TMPDIR", self.folder.path());
        Example::start(&self.desktop, &mut command, (10 + number * APART, 10))
    }

    /// A file with this picture.
    pub(crate) fn file(&self, picture: &Picture) -> String {
        let file = self.folder.path().join(format!("picture-{}.png", picture.pixels[0]));
        picture.save(&file);
        file.into_os_string().into_string().expect("the path is text")
    }

    /// Runs the command to its end.
    pub(crate) fn cenote(&self, arguments: &[&str]) -> Outcome {
        let output = self.command(arguments).output().expect("the command starts");
        let text = |bytes| String::from_utf8(bytes).expect("it says text");
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts the command with `--hold`, and waits until it holds.
    pub(crate) fn hold(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("its errors are a pipe"));
        let running = Running(child);
        while !said.contains("holding") {
            let start = said.len();
            stderr.read_line(&mut said).expect("it says text");
            assert!(said.len() > start, "it ended: {said}");
        }
        running
    }

    /// Takes the lock with `cenote lock`, which is a program's that says so and waits.
    pub(crate) fn lock(&self) -> Running {
        let mut command = self.command(&["lock", AT, "--", "cat"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("its output is a pipe");
        writeln!(child.stdin.as_mut().expect("its input is a pipe"), "mine").expect("it reads");
        let running = Running(child);
        BufReader::new(stdout).read_line(&mut said).expect("it says text");
        assert_eq!(said, "mine\n");
        running
    }

    /// The picture that the command finds in the segment.
    pub(crate) fn get(&self) -> Picture {
        let file = self.folder.path().join("out.png");
        self.cenote(&["image", "get", AT, "-o", file.to_str().expect("the path is text")]).ok();
        Picture::load(&file)
    }

    /// Who has the segment, as the command says.
    pub(crate) fn holders(&self) -> Vec<u32> {
        self.objects();
        let shown = self.cenote(&["show", AT, "--json"]).ok();
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("it is JSON");
        let holders = shown["holders"].as_array().expect("a list");
        holders.iter().map(|holder| holder["pid"].as_u64().expect("a number") as u32).collect()
    }

    /// How many wait for the segment's lock, as the kernel says.
    pub(crate) fn waiters(&self) -> Option<i32> {
        sysv::semaphore_waiters(&self.key_file("systemsem"), PROJECT)
    }

    /// The segment, as who does not know Qt calls it.
    pub(crate) fn as_sysv(&self) -> String {
        format!("sysv:{}#{}", self.key_file("sharedmemory").display(), PROJECT)
    }

    /// What is there of segment and lock, and of the files that give them their keys. The keys are
    /// remembered, for when the files are gone.
    pub(crate) fn objects(&self) -> Vec<&'static str> {
        let files = self.folder.key_files();
        for file in &files {
            let key = sysv::key_of(file, PROJECT).expect("the file is there");
            // A second name for the file: its number, and so its key, is given to nobody else as long as we
            // look.
            let name = self.folder.path().join(format!("key-{key:x}"));
            if self.keys.borrow_mut().insert(key) {
                fs::hard_link(file, name).expect("a file can have two names");
            }
        }
        let objects: Vec<_> = self.keys.borrow().iter().flat_map(|&key| sysv::objects(key)).collect();
        objects.into_iter().chain(files.iter().map(|_| "key file")).collect()
    }

    /// Makes sure that Qt and the command have left nothing.
    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.objects(), <[&str; 0]>::default());
        assert!(self.keys.borrow().len() >= 2, "it was never looked at what there is");
    }

    fn key_file(&self, of: &str) -> PathBuf {
        let files = self.folder.key_files();
        let file = files.into_iter().find(|file| file.to_string_lossy().contains(of));
        file.unwrap_or_else(|| panic!("no key file for a {of}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cenote"));
        command.args(arguments).env("TMPDIR", self.folder.path()).stdin(Stdio::null());
        goes_with_us(&mut command, libc::SIGKILL);
        command
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    /// Makes sure that all went well, and gives what was printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Makes sure that it found nothing, and said so.
    #[track_caller]
    pub(crate) fn not_found(&self) {
        assert!(self.code == Some(1) && self.stderr.contains("no program has a segment"), "{self:?}");
    }
}

/// A command that runs. It is killed when this is dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ctrl-C, and its end.
    pub(crate) fn interrupt(mut self) {
        signal(self.pid(), libc::SIGINT);
        assert!(self.0.wait().expect("it ends").success());
    }

    /// The end of its input, and its own.
    pub(crate) fn release(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it ends").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(becomes_so(is_so), "{what}: not within {PATIENCE:?}");
}

/// Whether something is so within [`PATIENCE`].
pub(crate) fn becomes_so(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
