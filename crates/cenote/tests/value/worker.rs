//! Another process that has a value of frames: this program, started once more, which does what a line of text says.

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cenote::{Error, Segment, Value};
use testkit::{Peer, agent};

use crate::frame::Frame;

const ASKED: &str = "CENOTE_TEST_VALUE_WORKER";

/// Starts one that has the value attached, read-only or not.
pub(crate) fn spawn(address: &str, read_only: bool) -> Peer {
    let mut command = agent::again();
    command.args(["worker", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
    command.env(ASKED, format!("{address} {read_only}"));
    Peer::spawn(command)
}

/// Does what the lines say, until they end.
pub(crate) fn serve_if_asked() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let (address, read_only) = asked.split_once(' ').unwrap();
    let options = Segment::options();
    let options = if read_only == "true" { options.read_only() } else { options };
    let value = Arc::new(Value::<Frame>::attach_with(&options, address).unwrap());
    let mut watching = None;
    say("\nready");
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        say(&match words[..] {
            ["exit"] => break,
            ["load"] => reply(value.load_with_version().map(|(frame, version)| {
                assert!(frame.is_whole());
                format!("{version} {}", frame.number)
            })),
            ["store", number] => {
                reply(value.store(&Frame::new(number.parse().unwrap())).map(|version| version.to_string()))
            }
            ["wait", since, ms] => {
                let (since, ms) = (since.parse().unwrap(), ms.parse().unwrap());
                let changed = value.wait_for_change(since, Duration::from_millis(ms));
                reply(changed.map(|version| version.to_string()))
            }
            ["add", times] => reply(add(&value, times.parse().unwrap()).map(|()| String::new())),
            ["hold"] => {
                // Until it is killed.
                std::mem::forget(value.writer().unwrap());
                "ok".to_owned()
            }
            ["store-for-ever", how] => {
                say("ok");
                store_for_ever(&value, how)
            }
            ["watch"] => {
                watching = Some(Watching::begin(&value));
                "ok".to_owned()
            }
            ["seen"] => reply(watching.take().expect("it watches").end()),
            _ => panic!("no such command: {line}"),
        });
    }
    drop(watching);
    drop(value);
    std::process::exit(0);
}

fn say(line: &str) {
    let mut output = stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn reply(result: Result<String, Error>) -> String {
    match result {
        Ok(text) if text.is_empty() => "ok".to_owned(),
        Ok(text) => format!("ok {text}"),
        Err(error) => format!("err {} {error}", error.kind()),
    }
}

fn add(value: &Value<Frame>, times: u64) -> Result<(), Error> {
    (0..times).try_for_each(|_| value.update(|frame| *frame = Frame::new(frame.number + 1)))
}

/// In the ways that there are to store, until it is killed.
fn store_for_ever(value: &Value<Frame>, how: &str) -> ! {
    match how {
        "writer" => {
            let mut writer = value.writer().unwrap();
            let frames = [Frame::new(1), Frame::new(2)];
            loop {
                for frame in &frames {
                    writer.store(frame).unwrap();
                }
            }
        }
        _ => loop {
            add(value, 1).unwrap();
        },
    }
}

/// A thread that loads all the time, and looks at what it gets.
struct Watching {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<String, Error>>,
}

impl Watching {
    fn begin(value: &Arc<Value<Frame>>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, value) = (Arc::clone(&is_over), Arc::clone(value));
        let thread = thread::spawn(move || {
            let (mut loads, mut last) = (0_u64, 0);
            while !over.load(Ordering::Relaxed) {
                let (frame, version) = value.load_with_version()?;
                assert!(frame.is_whole(), "torn at version {version}");
                assert!(version >= last, "version {version} after {last}");
                (loads, last) = (loads + 1, version);
            }
            Ok(format!("{loads}"))
        });
        Self { is_over, thread }
    }

    fn end(self) -> Result<String, Error> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("nothing was torn")
    }
}
