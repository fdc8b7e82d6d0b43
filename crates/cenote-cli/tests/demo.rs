//! `cenote demo` as a newcomer runs it, and as it goes wrong: whatever happens, nothing is left.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use signal_hook::consts::{SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM};
use testkit::names::TempDir;
use testkit::{system, watchdog};

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_story_is_told_and_nothing_is_left() {
    let _watchdog = watchdog(LIMIT);
    let stage = Stage::new();
    let output = stage.demo().output().unwrap();
    let story = story(&output);
    for line in [
        "1. The server makes two segments",
        "server  creates qt:CenoteDemo",
        "server  creates cenote:cenote-demo-",
        "semop(-1, SEM_UNDO), a word in memory",
        "server  writes \"Hello, Client!\"",
        "client  reads \"Hello, Client!\" and the QImage",
        "client  unlocks, decodes 320 x 200 to a file",
        "all 64,000 pixels are right",
        "client  tries the locks: taken",
        "command kills the server",
        "client  has the lock of qt:CenoteDemo",
        "client  has the lock of cenote:cenote-demo-",
        "after the kill; told of the death",
        "client  reads both again, and compares",
        "command looks for what is left: nothing",
        "All went well. Next: `cenote help`",
    ] {
        assert!(story.contains(line), "{line} is missing:\n{story}");
    }
    assert!(story.lines().count() <= 36, "{story}");
    assert!(story.lines().all(|line| line.chars().count() <= 100), "{story}");
    assert!(!story.contains("it was still there"), "the last to detach left the Qt segment:\n{story}");
    stage.assert_empty();
}

#[test]
fn quiet_says_nothing() {
    let _watchdog = watchdog(LIMIT);
    let stage = Stage::new();
    let output = stage.demo().arg("-q").output().unwrap();
    assert_eq!(story(&output), "");
    stage.assert_empty();
}

#[test]
fn a_picture_of_ones_own_arrives() {
    let _watchdog = watchdog(LIMIT);
    let (stage, files) = (Stage::new(), TempDir::new());
    let (jpeg, arrived) = (files.join("-p.jpg"), files.join("arrived.png"));
    waves(333, 217).save_with_format(&jpeg, ImageFormat::Jpeg).unwrap();
    let mut demo = stage.demo();
    let output = demo.current_dir(files.path()).args(["-o", "arrived.png", "--", "-p.jpg"]).output().unwrap();
    let story = story(&output);
    assert!(story.contains("all 72,261 pixels are right"), "{story}");
    assert!(story.contains("The picture that arrived is in arrived.png."), "{story}");
    assert_eq!(image::open(&arrived).unwrap(), image::open(&jpeg).unwrap());
    stage.assert_empty();
}

#[test]
fn a_picture_that_cannot_be_read_ends_it_before_it_begins() {
    let _watchdog = watchdog(LIMIT);
    let (stage, files) = (Stage::new(), TempDir::new());
    let (missing, text) = (files.join("missing.png"), files.join("text.png"));
    fs::write(&text, "no picture").unwrap();
    for picture in [&missing, &text] {
        assert_refused(&stage.demo().arg(picture).output().unwrap(), &picture.display().to_string());
    }
    assert_refused(&stage.demo().args(["-o", "picture.tiff"]).output().unwrap(), "picture.tiff");
    stage.assert_empty();
}

#[test]
fn an_output_that_cannot_be_written_ends_it_in_order() {
    let _watchdog = watchdog(LIMIT);
    let (stage, files) = (Stage::new(), TempDir::new());
    let file = files.join("no such directory").join("p.png");
    assert_refused(&stage.demo().arg("-o").arg(&file).output().unwrap(), "p.png");
    stage.assert_empty();
}

#[test]
fn a_signal_in_the_middle_leaves_nothing() {
    let _watchdog = watchdog(LIMIT);
    for signal in [SIGINT, SIGTERM] {
        let stage = Stage::new();
        let mut halfway = stage.halfway();
        system::signal(halfway.demo.id(), signal);
        let (status, errors) = halfway.end();
        assert_eq!(status.code(), Some(128 + signal), "{errors}");
        assert!(errors.contains("interrupted"), "{errors}");
        halfway.assert_gone();
        stage.assert_empty();
    }
}

#[test]
fn a_killed_client_is_an_error_that_leaves_nothing() {
    let _watchdog = watchdog(LIMIT);
    let stage = Stage::new();
    let mut halfway = stage.halfway();
    system::signal(halfway.client, SIGKILL);
    let (status, errors) = halfway.end();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("the client ended before it was done: signal: 9"), "{errors}");
    halfway.assert_gone();
    stage.assert_empty();
}

#[test]
fn when_the_command_itself_is_killed_its_processes_clean_up() {
    let _watchdog = watchdog(LIMIT);
    let stage = Stage::new();
    let mut halfway = stage.halfway();
    system::signal(halfway.demo.id(), SIGKILL);
    let (status, _) = halfway.end();
    assert_eq!(status.signal(), Some(SIGKILL));
    system::signal(halfway.client, SIGCONT);
    // They are nobody's children now, so that nothing tells when they are done.
    let end = Instant::now() + Duration::from_secs(20);
    while !(stage.is_empty() && halfway.is_gone()) && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    halfway.assert_gone();
    stage.assert_empty();
}

/// A directory for temporary files, where all that the demo makes can be seen.
struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        Self(TempDir::new())
    }

    fn demo(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cenote"));
        command.arg("demo").env("TMPDIR", self.0.path()).stdin(Stdio::null());
        command
    }

    /// A demo that has made its segments, and goes no further because its client is stopped.
    fn halfway(&self) -> Halfway {
        // A large picture, so that the server takes its time before the client's turn comes.
        let (files, large) = (TempDir::new(), waves(1200, 1200));
        let file = files.join("large.png");
        large.save(&file).unwrap();
        let mut demo = self.demo().arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let pids: Vec<u32> = first
            .split("(pid ")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap().parse().unwrap())
            .collect();
        let (server, client) = (pids[0], pids[1]);
        system::signal(client, SIGSTOP);
        let told = lines.by_ref().map(Result::unwrap).find(|line| line.contains("unlocks both")).unwrap();
        assert!(told.contains("server"), "{told}");
        let (segment, semaphores) = self.ids();
        assert!(is_listed("shm", segment) && is_listed("sem", semaphores));
        Halfway { demo, _lines: lines, server, client, segment, semaphores }
    }

    /// The System V segment and semaphore set that the key files lead to.
    fn ids(&self) -> (u32, u32) {
        let id = |list: &str, prefix: &str| {
            let file = files_in(self.0.path()).into_iter().find(|name| name.starts_with(prefix)).unwrap();
            let metadata = fs::metadata(self.0.join(&file)).unwrap();
            let key = u64::from(b'Q') << 24 | (metadata.dev() & 0xff) << 16 | (metadata.ino() & 0xffff);
            let key = i32::try_from(key).unwrap().to_string();
            let row = rows(list).into_iter().find(|row| row[0] == key).unwrap();
            row[1].parse().unwrap()
        };
        (id("shm", "qipc_sharedmemory_"), id("sem", "qipc_systemsem_"))
    }

    fn is_empty(&self) -> bool {
        files_in(self.0.path()).is_empty()
    }

    #[track_caller]
    fn assert_empty(&self) {
        assert_eq!(files_in(self.0.path()), [""; 0], "temporary files are left");
    }
}

struct Halfway {
    demo: Child,
    /// Without a reader the demo would end of itself.
    _lines: Lines<BufReader<ChildStdout>>,
    server: u32,
    client: u32,
    segment: u32,
    semaphores: u32,
}

impl Halfway {
    /// Waits for the command to end: how it did, and what it said on stderr.
    fn end(&mut self) -> (std::process::ExitStatus, String) {
        let mut errors = String::new();
        let status = self.demo.wait().unwrap();
        // Killed, it leaves processes that still have its stderr.
        if status.signal().is_none() {
            self.demo.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        }
        (status, errors)
    }

    fn is_gone(&self) -> bool {
        !is_listed("shm", self.segment)
            && !is_listed("sem", self.semaphores)
            && !Path::new(&format!("/dev/shm/cenote-demo-{}", self.demo.id())).exists()
            && !is_running(self.server)
            && !is_running(self.client)
    }

    #[track_caller]
    fn assert_gone(&self) {
        assert!(self.is_gone(), "something of process {} is left", self.demo.id());
    }
}

impl Drop for Halfway {
    fn drop(&mut self) {
        // Only a failed test comes here with any of them alive; the children see the command's end.
        let _ = self.demo.kill();
        let _ = self.demo.wait();
    }
}

#[track_caller]
fn story(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn assert_refused(output: &Output, what: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
    assert!(errors.contains(what), "{errors}");
}

fn waves(width: u32, height: u32) -> DynamicImage {
    let shade = |x: u32, y: u32| (x.wrapping_mul(7) ^ y.wrapping_mul(13)) as u8;
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade(x, y), shade(y, x), (x ^ y) as u8])
    }))
}

fn files_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The kernel's list of segments or of semaphore sets, in words.
fn rows(list: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/sysvipc/{list}")).unwrap();
    text.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

fn is_listed(list: &str, id: u32) -> bool {
    rows(list).iter().any(|row| row[1] == id.to_string())
}

/// One that only waits for its parent to take notice is not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}
