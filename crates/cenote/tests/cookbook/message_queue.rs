//! Recipe `message-queue`. Each of the two has queues of its own kind, so each sends to itself.

use testkit::names::{self, TempDir};

use crate::minutes;
use crate::programs::{Program, ours, programs};

const RECIPE: &str = "message-queue";

/// A place that no other test uses, for either program: it is removed with what a failed test left there.
struct Place {
    program: Program,
    at: String,
    _folder: Option<TempDir>,
}

impl Place {
    fn of(program: Program) -> Self {
        if program.0 == ours(RECIPE).0 {
            return Self { program, at: names::unique("messages"), _folder: None };
        }
        let folder = TempDir::new();
        Self { program, at: folder.path().to_str().unwrap().to_owned(), _folder: Some(folder) }
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [&["--at", &self.at], words].concat()
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        self.program.run(&self.words(words))
    }

    fn is_ours(&self) -> bool {
        self.program.0 == ours(RECIPE).0
    }

    fn remove(self) {
        assert_eq!(self.run(&["remove"]), "remove: done\n");
        self.program.run_refused(&self.words(&["remove"]));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut removal = std::process::Command::new(&self.program.0);
        // Most tests leave nothing.
        let _ = removal.args(["--at", &self.at, "remove"]).output();
    }
}

fn places() -> impl Iterator<Item = Place> {
    programs(RECIPE, &[RECIPE]).into_iter().map(Place::of)
}

#[test]
fn messages_wait_for_a_receiver_that_comes_when_the_senders_have_ended() {
    let _watchdog = minutes();
    for place in places() {
        for (kind, text) in [("3", "three"), ("1", "one"), ("3", "")] {
            assert_eq!(place.run(&["send", kind, text]), format!("send: {kind} {text:?}\n"));
        }
        assert_eq!(place.run(&["receive"]), "receive: 3 \"three\"\n");
        assert_eq!(place.run(&["receive", "2"]), "receive: 1 \"one\"\nreceive: 3 \"\"\n");
        place.remove();
    }
}

#[test]
fn a_receiver_waits_and_what_comes_when_it_was_killed_stays() {
    let _watchdog = minutes();
    for place in places() {
        let mut waiting = place.program.start(&place.words(&["receive", "2"]));
        place.run(&["send", "1", "one"]);
        waiting.until("receive: 1 \"one\"");
        waiting.kill();
        place.run(&["send", "2", "two"]);
        assert_eq!(place.run(&["receive"]), "receive: 2 \"two\"\n");
        place.remove();
    }
}

#[test]
fn what_a_killed_one_had_in_hand_is_lost_in_a_classic_queue_and_comes_again_in_ours() {
    let _watchdog = minutes();
    for place in places() {
        place.run(&["send", "1", "first"]);
        place.run(&["send", "1", "second"]);
        let mut working = place.program.start_to_type(&place.words(&["work"]));
        working.until("work: has 1 \"first\"");
        working.kill();
        if place.is_ours() {
            // It may come late.
            let said = place.run(&["receive", "2"]);
            assert!(said.contains("\"first\"") && said.contains("\"second\""), "{said}");
            // One that is done with its message has received it.
            place.run(&["send", "1", "third"]);
            let mut working = place.program.start_to_type(&place.words(&["work"]));
            working.until("work: has 1 \"third\"");
            working.press_enter();
            assert!(working.finish().ends_with("work: done\n"));
            place.run(&["send", "1", "fourth"]);
            assert_eq!(place.run(&["receive"]), "receive: 1 \"fourth\"\n");
        } else {
            assert_eq!(place.run(&["receive"]), "receive: 1 \"second\"\n");
        }
        place.remove();
    }
}
