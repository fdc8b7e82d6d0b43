//! Starting the programs of a recipe, and an end to each of them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use testkit::peers;

/// The programs have limits of their own, of a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// A program of a recipe: ours, or a classic one.
#[derive(Clone, Debug)]
pub(crate) struct Program(pub(crate) PathBuf);

/// All programs of a recipe that are here: first ours, then the classic ones by these names.
pub(crate) fn programs(recipe: &str, classic: &[&str]) -> Vec<Program> {
    std::iter::once(ours(recipe)).chain(classic.iter().filter_map(|name| self::classic(name))).collect()
}

/// Ours and the first of the classic ones, or ours twice if that is not here: for what needs only two.
pub(crate) fn two(recipe: &str) -> (Program, Program) {
    let ours = ours(recipe);
    (ours.clone(), classic(recipe).unwrap_or(ours))
}

/// All pairs of one's half and another's, one's own included.
pub(crate) fn pairings(recipe: &str, classic: &[&str]) -> Vec<(Program, Program)> {
    let all = programs(recipe, classic);
    all.iter().flat_map(|one| all.iter().map(|other| (one.clone(), other.clone()))).collect()
}

/// The classic program of this name, if it is here.
pub(crate) fn classic(name: &str) -> Option<Program> {
    peers::command(&format!("cookbook/{name}")).map(|command| Program(command.get_program().into()))
}

/// Our example. A run of all tests has built it before; for this suite alone it is built here, once, but on Windows,
/// where there may be no cargo.
pub(crate) fn ours(recipe: &str) -> Program {
    static LOOKED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut looked = LOOKED.lock().expect("no test fails with it");
    if let Some(path) = looked.get(recipe) {
        return Program(path.clone());
    }
    // target/debug/deps/cookbook-...
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).expect("a test lies in deps").to_path_buf();
    let path = profile.join("examples").join(format!("{recipe}{}", env::consts::EXE_SUFFIX));
    if cfg!(windows) {
        assert!(path.is_file(), "`cargo xtask windows test` builds {}", path.display());
        return Program(path);
    }
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    if is_older(&path, &[library.join("src"), library.join("examples").join(recipe)]) {
        build(&profile, recipe);
    }
    looked.insert(recipe.to_owned(), path.clone());
    Program(path)
}

fn build(profile: &Path, recipe: &str) {
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "cenote", "--example", recipe, "--profile", name]);
    cargo.arg("--target-dir").arg(profile.parent().expect("a profile lies in the build folder"));
    if cfg!(feature = "image") {
        cargo.args(["--features", "image"]);
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "the example {recipe} is not built: {status}");
}

/// Whether `product` is missing, or older than a file in one of the folders.
fn is_older(product: &Path, folders: &[PathBuf]) -> bool {
    let Ok(made) = fs::metadata(product).and_then(|data| data.modified()) else { return true };
    folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).any(|entry| {
        let entry = entry.unwrap();
        let data = entry.metadata().unwrap();
        if data.is_dir() { is_older(product, &[entry.path()]) } else { data.modified().unwrap() > made }
    })
}

impl Program {
    /// Runs it to its end, which must be a good one: what it said.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.start(arguments).finish()
    }

    /// Runs it to its end, which must be a refusal: what it said of that.
    #[track_caller]
    pub(crate) fn run_refused(&self, arguments: &[&str]) -> String {
        self.start(arguments).refused()
    }

    #[track_caller]
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, Stdio::null())
    }

    /// Starts it with somebody at the keyboard: see [`Running::press_enter`].
    #[track_caller]
    pub(crate) fn start_to_type(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, Stdio::piped())
    }

    /// Starts it as another user, who must be able to reach it: only root can.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub(crate) fn start_as_other_user(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(&self.0);
        testkit::system::as_other_user(&mut command).current_dir("/");
        Self::start_command(command, arguments, Stdio::null())
    }

    #[track_caller]
    fn start_with(&self, arguments: &[&str], input: Stdio) -> Running {
        Self::start_command(Command::new(&self.0), arguments, input)
    }

    #[track_caller]
    fn start_command(mut command: Command, arguments: &[&str], input: Stdio) -> Running {
        command.args(arguments).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut command);
        let output = child.stdout.take().expect("its output is a pipe");
        let (to, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        Running { command, child, lines, said: String::new() }
    }
}

/// A program that was started. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    command: Command,
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Running {
    /// Waits until it has said a line that begins with `words`.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        self.line(words);
    }

    /// The same: that line.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub(crate) fn until_line(&mut self, words: &str) -> String {
        self.line(words)
    }

    #[track_caller]
    fn line(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let _ = self.child.kill();
                let errors = self.errors();
                panic!("{:?} never said {words:?}, but:\n{}{errors}", self.command, self.said);
            };
            self.said += &line;
            self.said.push('\n');
            if line.starts_with(words) {
                return line;
            }
        }
    }

    /// The process id, as its system counts.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Presses Enter at the keyboard that it was started with. One that has ended already has no need of it.
    #[track_caller]
    pub(crate) fn press_enter(&mut self) {
        let mut keyboard = self.child.stdin.as_ref().expect("it was started to type");
        let _ = keyboard.write_all(b"\n");
    }

    /// Whether it says another line within a moment: long enough to see one that does not wait, and no proof.
    #[cfg(target_os = "linux")]
    pub(crate) fn says_more(&mut self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(50)).is_ok()
    }

    /// Waits for its end, which must be a refusal: what it said of that.
    #[track_caller]
    pub(crate) fn refused(mut self) -> String {
        let status = self.wait();
        let said = self.errors();
        assert_eq!(status.code(), Some(1), "{self:?} ended with {status}: {said}");
        said
    }

    /// Waits for its end, which must be a good one: all that it said.
    #[track_caller]
    pub(crate) fn finish(mut self) -> String {
        let status = self.wait();
        let said = self.errors();
        assert!(status.success(), "{:?} ended with {status}: {said}", self.command);
        for line in &self.lines {
            self.said += &line;
            self.said.push('\n');
        }
        std::mem::take(&mut self.said)
    }

    /// Kills it without a chance to clean up (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "{:?} does not end", self.command);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it wrote to stderr, once it is gone.
    fn errors(&mut self) -> String {
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            let _ = errors.read_to_string(&mut said);
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// On a busy machine Wine now and then has an internal error (1359) for an answer, and none the next time.
fn spawn(command: &mut Command) -> Child {
    const INTERNAL_ERROR: i32 = 1359;
    for _ in 0..5 {
        match command.spawn() {
            Err(error) if error.raw_os_error() == Some(INTERNAL_ERROR) => {}
            spawned => return spawned.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")),
        }
    }
    panic!("{command:?} does not start: internal errors, time and again");
}
