//! What goes wrong is said in one line, with operation, address and reason, and in a second what to do about it.
//!
//! Each test is one way to fail, for every kind that can fail so. The agents are this program, started again.
#![cfg(target_os = "linux")]

mod basics;
mod full;
mod in_the_way;
mod locks;
mod memory;
mod names;
mod other_user;
mod permission;
#[allow(dead_code)] // What the conformance suite knows of each kind.
#[path = "../suite/place/mod.rs"]
mod place;
mod unsupported;

use std::fmt::Debug;
use std::time::Duration;

use cenote::{Error, ErrorKind, Result};
use testkit::{Peer, Watchdog, watchdog};

use place::Place;

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// One place of each kind, and of each way to name it.
fn places() -> [Place; 5] {
    [Place::posix(), Place::file(), Place::sysv_key(), Place::sysv_ftok(), Place::qt()]
}

/// What an error must say: the words are those without which it would be of no use.
#[derive(Clone, Copy)]
struct Says<'a> {
    kind: ErrorKind,
    reason: &'a [&'a str],
    hint: &'a [&'a str],
}

impl Says<'_> {
    /// Makes sure that `result` is an error of `operation` on `address` that says so.
    #[track_caller]
    fn check<T: Debug>(&self, operation: &str, address: &str, result: Result<T>) -> Error {
        let error = result.expect_err(&format!("{operation} {address} must fail"));
        self.check_text(operation, address, &error.kind().to_string(), &error.to_string(), error.hint());
        assert_eq!((error.operation(), error.address()), (Some(operation), Some(address)), "{error}");
        error
    }

    /// The same for what an agent is asked to do.
    #[track_caller]
    fn check_in(&self, agent: &mut Peer, operation: &str, address: &str, command: &str) -> String {
        let reply = agent.ask(command);
        let hint = agent.ask("hint");
        let told = reply.line().strip_prefix("err ").and_then(|rest| rest.split_once(' '));
        let (kind, line) = told.unwrap_or_else(|| panic!("`{command}` is answered by: {}", reply.line()));
        self.check_text(operation, address, kind, line, hint.expect_ok());
        line.to_owned()
    }

    #[track_caller]
    fn check_text(&self, operation: &str, address: &str, kind: &str, line: &str, hint: &str) {
        let said = format!("{kind}\n  {line}\n  {hint}");
        assert_eq!(kind, self.kind.to_string(), "{said}");
        assert!(line.starts_with(&format!("cannot {operation} {address}: ")), "{said}");
        for text in [line, hint] {
            assert_eq!(text.lines().count(), 1, "one line, and not empty: {said}");
            assert!(!text.chars().any(char::is_control), "{said}");
        }
        for word in self.reason {
            assert!(line.contains(word), "the reason lacks {word:?}: {said}");
        }
        for word in self.hint {
            assert!(hint.contains(word), "the hint lacks {word:?}: {said}");
        }
    }
}
