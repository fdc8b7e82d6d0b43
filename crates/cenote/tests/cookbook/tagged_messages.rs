//! Recipe `tagged-messages`. A named pipe and a queue are no relatives, so each program sends to itself.

use std::fs;

use cenote::Segment;
use testkit::names::{self, TempDir};

use crate::minutes;
use crate::programs::{Program, Running, ours, programs};

const RECIPE: &str = "tagged-messages";

/// A receiver of so many, at a place that no other test uses, and a folder for it and for files.
struct Scene {
    program: Program,
    at: String,
    folder: TempDir,
    receiving: Running,
    _leftover: Leftover,
}

impl Scene {
    fn new(program: Program, count: &str) -> Self {
        let folder = TempDir::new();
        let at = match program.0 == ours(RECIPE).0 {
            true => names::unique("tagged"),
            false => folder.path().join("pipe").to_str().unwrap().to_owned(),
        };
        let mut receiving = program.start(&["--at", &at, "receiver", count]);
        receiving.until("receiver: ready");
        let leftover = Leftover(at.clone());
        Self { program, at, folder, receiving, _leftover: leftover }
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [&["--at", &self.at], words].concat()
    }

    #[track_caller]
    fn send(&self, words: &[&str]) -> String {
        self.program.run(&self.words(words))
    }

    /// A file with so many bytes, no two parts of which are the same.
    fn file(&self, len: u32) -> String {
        let bytes: Vec<u8> = (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let path = self.folder.path().join(format!("{len}"));
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A receiver that a failed test kills leaves its queue; one that has ended leaves nothing.
struct Leftover(String);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = Segment::remove(self.0.as_str());
    }
}

#[test]
fn a_structure_a_stream_and_a_number_are_told_apart_by_their_tags() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program, "7");
        scene.send(&["struct", "7", "21.5", "C"]);
        scene.receiving.until("receiver: the structure: sensor 7, quality 100, 21.5 C");
        // Of no piece, of one, of just two, and of more than there is room for.
        for len in [0, 5, 8192, 300_000] {
            let file = scene.file(len);
            let said = scene.send(&["stream", &file]);
            let what = said.strip_prefix("sender: ").unwrap().trim_end();
            assert!(what.starts_with(&format!("{len} bytes, sum ")), "{what}");
            scene.receiving.until(&format!("receiver: a stream of {what}"));
        }
        for number in ["0", "18446744073709551615"] {
            scene.send(&["number", number]);
            scene.receiving.until(&format!("receiver: the number {number}"));
        }
        scene.receiving.finish();
    }
}

#[test]
fn a_stream_whose_sender_is_killed_is_cut_short_and_the_next_one_is_whole() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program, "2");
        let file = scene.file(10_000);
        let mut dying = scene.program.start_to_type(&scene.words(&["half", &file]));
        dying.until("half: sent");
        dying.kill();
        let whole = scene.send(&["stream", &file]);
        scene.receiving.until("receiver: a stream was cut short after 4096 bytes");
        scene.receiving.until(&format!("receiver: a stream of {}", whole["sender: ".len()..].trim_end()));
        scene.send(&["number", "42"]);
        assert!(scene.receiving.finish().ends_with("receiver: the number 42\n"));
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_the_next_is_received() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program, "5");
        for (tag, text, why) in [
            ("1", "too short", "9 bytes are not what their tag says"),
            ("2", "123456789", "9 bytes are not what their tag says"),
            ("4", "piece", "5 bytes of a stream whose beginning nobody saw"),
            ("9", "what", "nothing is known of tag 9"),
        ] {
            scene.send(&["tagged", tag, text]);
            scene.receiving.until(&format!("receiver: refused: {why}"));
        }
        scene.send(&["number", "1"]);
        scene.receiving.until("receiver: the number 1");
        scene.receiving.finish();
    }
}

#[test]
fn while_one_of_ours_sends_another_is_refused() {
    let _watchdog = minutes();
    let scene = Scene::new(ours(RECIPE), "2");
    let file = scene.file(10_000);
    let mut sending = scene.program.start_to_type(&scene.words(&["half", &file]));
    sending.until("half: sent");
    let said = scene.program.run_refused(&scene.words(&["number", "42"]));
    assert!(said.contains("has its only sending end"), "{said}");
    sending.press_enter();
    sending.finish();
    scene.send(&["number", "42"]);
    let said = scene.receiving.finish();
    assert!(
        said.contains("a stream of 10000 bytes") && said.ends_with("receiver: the number 42\n"),
        "{said}"
    );
    // A queue goes with its receiver.
    let said = scene.program.run_refused(&["--at", &scene.at, "number", "42"]);
    assert!(said.contains("No such file") || said.contains("there is no"), "{said}");
}
