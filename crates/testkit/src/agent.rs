//! A process that uses Cenote and speaks the line protocol of `peers/README.md`: the running test binary, started
//! once more with just the test `agent` in it.
//!
//! A test file that wants agents has this test, which does nothing in an ordinary run:
//!
//! ```no_run
//! #[test]
//! fn agent() {
//!     testkit::agent::serve_if_asked();
//! }
//! ```
//!
//! Beyond the protocol of all peers, with an address for NAME:
//!
//! | command | reply | |
//! |---|---|---|
//! | `open-or-create ADDRESS SIZE` | `ok created`, `ok attached` | |
//! | `create-kept ADDRESS SIZE`, `attach-kept ADDRESS` | | its detach never removes |
//! | `create-sparse ADDRESS SIZE` | | the memory is not reserved |
//! | `attach-locking ADDRESS LOCK` | | `lock` takes the lock that is at the address LOCK |
//! | `remove ADDRESS` | | |
//! | `lock MS` | | with a timeout |
//! | `lock` and its like | `ok yes`, `ok no`, `ok unknown` | whether it was abandoned |
//! | `named-lock NAME`, `write-lock NAME`, `read-lock NAME`, `acquire NAME PERMITS` | as `lock` | until `unlock` |
//! | `event-set NAME`, `event-take NAME MS` | | |
//! | `stat` | `ok SIZE ATTACHED REMOVED` | |
//! | `hint` | `ok HINT` | of the last error |
//! | `sem-open KEY INITIAL` | | a `SystemSemaphore`, opened and dropped |
//! | `platform-key KEY TYPE` and its like | `ok TEXT` | as for pyside, from `NativeKey` |
//! | `fork ...` | | see `forks.rs` |

use std::env;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cenote::qt::{KeyType, NativeKey};
use cenote::{Abandoned, Error, ErrorKind, Guard, Segment, SystemSemaphore};

use crate::words::{decode, encode};
use crate::{Peer, forks};

const ASKED: &str = "CENOTE_TEST_AGENT";
/// Names what runs the tests if this processor does not: `cargo xtask cross` sets it.
const RUNNER: &str = "CENOTE_TEST_RUNNER";
static LAST_HINT: Mutex<String> = Mutex::new(String::new());
/// Said to nobody: this is a forked child, on its way out.
const IN_CHILD: &str = "(in the child)";

/// Starts an agent.
#[must_use]
pub fn spawn() -> Peer {
    Peer::spawn(command())
}

/// The command that starts an agent, for tests that change something about it first.
///
/// # Panics
/// If this program cannot be found.
#[must_use]
pub fn command() -> Command {
    let mut command = again();
    command.args(["agent", "--exact", "--nocapture", "--quiet", "--test-threads=1"]).env(ASKED, "1");
    command
}

/// The command that starts the running test program once more.
///
/// # Panics
/// If this program cannot be found.
#[must_use]
pub fn again() -> Command {
    run(&env::current_exe().expect("a test knows its own program"))
}

/// Whether an emulator runs the tests: what it says of the process's memory leaves things out.
#[must_use]
pub fn is_emulated() -> bool {
    env::var_os(RUNNER).is_some()
}

/// The command that starts `program`, which is a test or a copy of one. The kernel cannot start what was built for
/// another processor: that needs the emulator's name before it, for a child as for the test itself.
#[must_use]
pub fn run(program: &Path) -> Command {
    let Some(runner) = env::var_os(RUNNER) else { return Command::new(program) };
    let mut command = Command::new(runner);
    command.arg(program);
    command
}

/// Serves until the input ends, and ends the process, if it was started as an agent.
pub fn serve_if_asked() {
    if env::var_os(ASKED).is_none() {
        return;
    }
    // The harness has begun a line of its own.
    say("\nready");
    let mut segment = None;
    while let Some(line) = next_line() {
        let reply = answer(&line, &mut segment);
        if reply == IN_CHILD {
            drop(segment);
            forks::leave(true);
        }
        say(&reply);
    }
    drop(segment);
    std::process::exit(0);
}

/// Serves commands of a test's own: as [`serve_if_asked`], but that `answer` gets the words of each line. What it gives is said
/// behind `ok`, and errors as by all agents.
pub fn serve_own_if_asked(mut answer: impl FnMut(&[&str]) -> Result<String, Error>) {
    if env::var_os(ASKED).is_none() {
        return;
    }
    say("\nready");
    while let Some(line) = next_line() {
        let words: Vec<&str> = line.split(' ').collect();
        say(&match answer(&words) {
            Ok(text) if text.is_empty() => "ok".to_owned(),
            Ok(text) => format!("ok {text}"),
            Err(error) => format!("err {} {error}", error.kind()),
        });
    }
    std::process::exit(0);
}

fn next_line() -> Option<String> {
    let mut line = String::new();
    let read = stdin().lock().read_line(&mut line).unwrap_or(0);
    (read > 0 && line != "exit\n").then(|| line.trim_end().to_owned())
}

fn say(line: &str) {
    let mut output = stdout().lock();
    // Whoever started us may be gone.
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}

fn answer(line: &str, segment: &mut Option<Segment>) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let attach = |result: Result<Segment, Error>, segment: &mut Option<Segment>| {
        reply(result.map(|attached| {
            let how = if attached.was_created() { "created" } else { "attached" };
            *segment = Some(attached);
            how.to_owned()
        }))
    };
    let options = Segment::options();
    match words[..] {
        ["create", address, size] => attach(options.create(address, number(size)), segment),
        ["create", address, size, mode] => {
            let mode = u32::from_str_radix(mode, 8).expect("an octal mode");
            attach(options.mode(mode).create(address, number(size)), segment)
        }
        ["create-kept", address, size] => attach(options.keep().create(address, number(size)), segment),
        ["create-sparse", address, size] => attach(options.sparse().create(address, number(size)), segment),
        ["open-or-create", address, size] => attach(options.open_or_create(address, number(size)), segment),
        ["attach", address] => attach(options.attach(address), segment),
        ["attach", address, ms] => attach(options.timeout(millis(ms)).attach(address), segment),
        ["attach-ro", address] => attach(options.read_only().attach(address), segment),
        ["attach-kept", address] => attach(options.keep().attach(address), segment),
        ["attach-locking", address, lock] => {
            attach(options.lock_with(lock).and_then(|options| options.attach(address)), segment)
        }
        ["hint"] => format!("ok {}", LAST_HINT.lock().unwrap_or_else(PoisonError::into_inner)),
        ["remove", address] => reply(Segment::remove(address).map(|()| String::new())),
        ["sem-open", key, initial] => {
            let initial = u16::try_from(number(initial)).expect("16 bits");
            reply(SystemSemaphore::open(key, initial).map(|_| String::new()))
        }
        ["platform-key", key, kind] => native(NativeKey::of_segment, key, kind),
        ["sem-platform-key", key, kind] => native(NativeKey::of_semaphore, key, kind),
        ["legacy-key", key, kind] => native(NativeKey::legacy_of_segment, key, kind),
        ["sem-legacy-key", key, kind] => native(NativeKey::legacy_of_semaphore, key, kind),
        ["detach"] => match segment.take() {
            Some(segment) => reply(segment.detach().map(|()| String::new())),
            None => "err NotFound nothing is attached".to_owned(),
        },
        _ => match segment {
            Some(segment) => with_segment(&words, segment),
            None => format!("err NotFound nothing is attached for {line:?}"),
        },
    }
}

fn with_segment(words: &[&str], segment: &Segment) -> String {
    let served = match words[..] {
        ["lock"] => segment.lock().map(|guard| serve_locked(&guard)),
        ["lock", ms] => segment.lock_timeout(millis(ms)).map(|guard| serve_locked(&guard)),
        ["try-lock"] => match segment.try_lock() {
            Ok(None) => Ok("err Timeout somebody else has it".to_owned()),
            Ok(Some(guard)) => Ok(serve_locked(&guard)),
            Err(error) => Err(error),
        },
        ["named-lock", name] => {
            with_named(segment.named_lock(name), |lock| lock.lock().map(|guard| serve_locked(&guard)))
        }
        ["write-lock", name] => {
            with_named(segment.rw_lock(name), |lock| lock.write().map(|guard| serve_locked(&guard)))
        }
        ["read-lock", name] => with_named(segment.rw_lock(name), |lock| {
            lock.read().map(|guard| serve_held(&guard, guard.abandoned()))
        }),
        ["acquire", name, permits] => {
            with_named(segment.semaphore(name, number(permits) as u32), |semaphore| {
                semaphore.acquire().map(|_permit| serve_held(segment, Abandoned::Unknown))
            })
        }
        _ => return reply(access(words, segment)),
    };
    served.unwrap_or_else(|error| reply(Err(error)))
}

fn with_named<T>(
    named: Result<T, Error>,
    serve: impl FnOnce(&T) -> Result<String, Error>,
) -> Result<String, Error> {
    named.and_then(|named| serve(&named))
}

fn serve_locked(guard: &Guard<'_>) -> String {
    serve_held(guard, guard.abandoned())
}

/// Serves with the lock held, until `unlock`, whose reply this gives back.
fn serve_held(segment: &Segment, abandoned: Abandoned) -> String {
    let mut reply_now = reply(Ok(match abandoned {
        Abandoned::Yes => "yes",
        Abandoned::No => "no",
        Abandoned::Unknown => "unknown",
    }
    .to_owned()));
    loop {
        say(&reply_now);
        let Some(line) = next_line() else { std::process::exit(0) };
        let words: Vec<&str> = line.split(' ').collect();
        reply_now = match words[..] {
            ["unlock"] => return "ok".to_owned(),
            // The child goes the way of the parent's own `unlock`: it drops what it has inherited.
            ["fork", "unlock"] => match forks::split() {
                None => return IN_CHILD.to_owned(),
                left => format!("ok {}", if left == Some(true) { "yes" } else { "no" }),
            },
            ["lock" | "try-lock" | "detach", ..] => format!("err LockError not while it is locked: {line}"),
            _ => reply(access(&words, segment)),
        };
    }
}

fn access(words: &[&str], segment: &Segment) -> Result<String, Error> {
    match words {
        ["event-set", name] => segment.event(name)?.set().map(|_| String::new()),
        ["event-take", name, ms] => segment.event(name)?.take_timeout(millis(ms)).map(|()| String::new()),
        ["size"] => Ok(segment.len().to_string()),
        ["stat"] => segment.stat().map(|stat| {
            let attached = stat.attached.map_or("-".to_owned(), |count| count.to_string());
            format!("{} {attached} {}", stat.size, stat.removed)
        }),
        ["write", offset, hex] => {
            segment.write_at(number(offset) as usize, &bytes(hex)).map(|()| String::new())
        }
        ["read", offset, len] => {
            let (offset, len) = (number(offset) as usize, number(len) as usize);
            segment.read_to_vec(offset..offset.saturating_add(len)).map(|bytes| hex(&bytes))
        }
        ["increment", offset, times] => increment(segment, number(offset) as usize, number(times)),
        ["fork", what @ ..] => Ok(forks::run(what, segment)),
        other => panic!("no such command: {other:?}"),
    }
}

/// Loses counts if the lock excludes nobody.
fn increment(segment: &Segment, offset: usize, times: u64) -> Result<String, Error> {
    for _ in 0..times {
        let guard = segment.lock()?;
        let value: u64 = guard.read_value(offset)?;
        guard.write_value(offset, &(value + 1))?;
        guard.unlock()?;
    }
    Ok(String::new())
}

/// What a key becomes, as a word. TYPE is that of the protocol.
fn native(make: fn(&str, KeyType) -> Result<NativeKey, Error>, key: &str, kind: &str) -> String {
    let kind = match kind {
        "default" => KeyType::DEFAULT,
        "legacy-default" => KeyType::LEGACY_DEFAULT,
        // The type of any key that has it.
        other => format!("{other}:/x").parse().map(|key: NativeKey| key.key_type()).expect("a type"),
    };
    reply(make(&decode(key), kind).map(|key| encode(&key.to_string())))
}

fn reply(result: Result<String, Error>) -> String {
    match result {
        Ok(value) if value.is_empty() => "ok".to_owned(),
        Ok(value) => format!("ok {value}"),
        Err(error) => {
            error.hint().clone_into(&mut LAST_HINT.lock().unwrap_or_else(PoisonError::into_inner));
            format!("err {} {error}", name(error.kind()))
        }
    }
}

/// The protocol has Qt's names, which are ours.
fn name(kind: ErrorKind) -> String {
    kind.to_string()
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word} is no number"))
}

fn millis(word: &str) -> Duration {
    Duration::from_millis(number(word))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<_>>()
        .unwrap_or_else(|| panic!("{hex} is not hexadecimal"))
}
