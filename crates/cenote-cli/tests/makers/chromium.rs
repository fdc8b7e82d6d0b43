//! Chromium without a window: its processes share anonymous memory, and nothing of it stays.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use testkit::names::TempDir;
use testkit::skipped;

use crate::program::{kill_all, with_descendants};
use crate::room::{Room, Said, cenote, in_a_room};

/// As Debian calls it.
const PROGRAM: &str = "/usr/bin/chromium-headless-shell";

/// Something to paint.
const PAGE: &str = "data:text/html,<body style='background:linear-gradient(red,blue)'><h1>Chromium</h1>";

/// A browser, and the pipe that it takes orders through. It is killed when this is dropped.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    orders: u64,
    session: Value,
    _folder: TempDir,
}

impl Browser {
    fn start() -> Option<Self> {
        if !std::path::Path::new(PROGRAM).is_file() {
            skipped("no Chromium; `cargo xtask peers` installs it");
            return None;
        }
        let folder = TempDir::new();
        // It takes orders on descriptor 3, and answers on 4.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", PROGRAM, "--no-sandbox"]);
        shell.args(["--headless", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]);
        shell.arg(format!("--user-data-dir={}", folder.path().display()));
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh starts");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser = Self { child, to, from, orders: 0, session: Value::Null, _folder: folder };
        let target = browser.order("Target.createTarget", &json!({ "url": PAGE }))["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        browser.session = browser.order("Target.attachToTarget", &attach)["sessionId"].clone();
        browser.paint();
        Some(browser)
    }

    /// Gives an order, and waits for the answer.
    #[track_caller]
    fn order(&mut self, method: &str, parameters: &Value) -> Value {
        self.orders += 1;
        let mut order = json!({ "id": self.orders, "method": method, "params": parameters });
        if !self.session.is_null() {
            order["sessionId"] = self.session.clone();
        }
        write!(self.to, "{order}\0").and_then(|()| self.to.flush()).expect("it reads");
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).expect("it answers");
            assert_eq!(answer.pop(), Some(0), "it has ended");
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            // Others tell of what happens.
            if answer["id"] == self.orders {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Lets the page be painted, which one process does and another encodes.
    #[track_caller]
    fn paint(&mut self) {
        let picture = self.order("Page.captureScreenshot", &json!({ "format": "png" }));
        assert!(picture["data"].as_str().is_some_and(|data| data.len() > 1000), "{picture}");
    }

    fn pids(&self) -> Vec<u32> {
        with_descendants(self.child.id())
    }

    fn kill(&mut self) {
        let pids = self.pids();
        kill_all(&pids, || {
            let _ = self.child.kill();
            let _ = self.child.wait();
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn its_nameless_memory_is_known_and_goes_with_it() {
    in_a_room(|room: &Room| {
        let (Some(mut lives), Some(mut dies)) = (Browser::start(), Browser::start()) else { return };
        let held = room.held_by(&lives.pids());
        let its: Vec<_> = held.iter().filter(|entry| entry.maker.as_deref() == Some("Chromium")).collect();
        assert!(its.iter().any(|entry| entry.address.starts_with("memfd:")), "{held:#?}");
        assert!(its.iter().any(|entry| entry.holders.len() > 1), "its processes share some: {held:#?}");
        for entry in &held {
            assert!(entry.verdict == "live" && entry.label.is_some(), "{entry:?}");
            assert_eq!(entry.maker.as_deref(), Some("Chromium"), "{entry:?}");
        }
        let gone = room.held_by(&dies.pids());
        let pids = dies.pids();
        dies.kill();
        assert!(!gone.is_empty() && room.held_by(&pids).is_empty());
        // There is nothing to reap, of one that was killed as of one that runs.
        let own: Vec<String> = held.iter().chain(&gone).map(|entry| entry.address.clone()).collect();
        for pattern in room.patterns(&["posix:*", "memfd:*", "file:/proc/*"], &own) {
            let said = Said::of(&mut cenote(&["reap", "--json", "--older", "0s", &pattern]));
            assert_eq!(said.json(), json!([]), "{pattern}");
        }
        lives.paint();
    });
}
