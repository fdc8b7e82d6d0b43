//! A victim and its attacker: started, stopped and continued, and what is left of them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Rng, agent, names, system};

use crate::{acts, attacker, victim};

const PART: &str = "CENOTE_TEST_PART";
const NAME: &str = "CENOTE_TEST_NAME";
const SEED: &str = "CENOTE_TEST_SEED";
const TIME: &str = "CENOTE_TEST_MILLISECONDS";

/// Plays a part to its end, and ends the process, if it was started for one.
pub(crate) fn play_if_asked() {
    let Ok(part) = std::env::var(PART) else { return };
    let word = |variable: &str| std::env::var(variable).unwrap();
    let number = |variable: &str| word(variable).parse::<u64>().unwrap();
    match part.as_str() {
        "attacker" => attacker::run(&path(&word(NAME)), number(SEED)),
        _ => victim::run(&word(NAME), number(SEED), Duration::from_millis(number(TIME))),
    }
    std::process::exit(0);
}

/// Where the native segment of that name is, of the user that this process runs as.
fn path(name: &str) -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    native_path(fs::metadata("/proc/self").unwrap().uid(), name)
}

fn native_path(uid: u32, name: &str) -> PathBuf {
    format!("/dev/shm/cenote.{uid}.{name}").into()
}

/// Lets the two at each other for that long, and makes sure that the victim comes out of it.
pub(crate) fn run(seed: u64, time: Duration) {
    // To root a mode means nothing: every second pair runs as somebody to whom it does.
    let other_user = seed.is_multiple_of(2) && system::is_root() && is_reachable();
    let name = names::unique("hostile");
    let uid =
        if other_user { system::OTHER_USER } else { fs::metadata("/proc/self").map_or(0, |own| owner(&own)) };
    let leftovers = Leftovers(native_path(uid, &name));
    let start = |part: &str, output: Stdio| {
        let mut command = agent::again();
        command.args(["child", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
        command.env(PART, part).env(NAME, &name).env(SEED, seed.to_string());
        command.env(TIME, time.as_millis().to_string()).current_dir("/");
        command.stdin(Stdio::null()).stdout(output);
        if other_user {
            system::as_other_user(&mut command);
        }
        system::goes_with_us(&mut command, 9).spawn().unwrap()
    };
    let mut victim = Running(start("victim", Stdio::piped()));
    let mut attacker = Running(start("attacker", Stdio::null()));
    let output = victim.0.stdout.take().unwrap();
    let said = thread::spawn(move || text_of(output));
    let mut rng = Rng::new(seed);
    let ended = loop {
        if let Some(ended) = victim.0.try_wait().unwrap() {
            break ended;
        }
        acts::continue_if_stopped(attacker.0.id(), Duration::from_millis(1 + rng.below(60)));
        thread::sleep(Duration::from_millis(1));
    };
    let attackers_end = attacker.0.try_wait().unwrap();
    drop(attacker);
    let said = said.join().unwrap();
    println!("seed {seed}, {}: {ended}\n{said}", if other_user { "as another user" } else { "as this user" });
    assert!(
        ended.success(),
        "seed {seed}: the victim ended with {ended}; CENOTE_FUZZ_SEED={seed} does it again"
    );
    assert!(attackers_end.is_none(), "seed {seed}: the attacker ended with {attackers_end:?}");
    drop(leftovers);
}

fn owner(file: &fs::Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt;
    file.uid()
}

/// Whether another user can start this program.
fn is_reachable() -> bool {
    let mut command: Command = agent::again();
    command.arg("--list").current_dir("/");
    system::as_other_user(&mut command).output().is_ok()
}

fn text_of(mut output: impl Read) -> String {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the attacker leaves under the victim's name, and beside it.
struct Leftovers(PathBuf);

impl Drop for Leftovers {
    fn drop(&mut self) {
        for path in acts::names(&self.0) {
            clear(&path);
        }
    }
}

fn clear(path: &Path) {
    let end = Instant::now() + Duration::from_secs(10);
    while path.symlink_metadata().is_ok() && Instant::now() < end {
        let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
    }
}
