//! Recipe `copy-data`.

use std::time::{Duration, Instant};

use testkit::names;

use crate::minutes;
use crate::programs::{Program, Running, pairings};

const RECIPE: &str = "copy-data";

/// A receiver, under a name that no other test uses.
fn receive(receiver: &Program, how: &str) -> (String, Running) {
    let name = names::unique("window");
    let mut receiving = receiver.start_to_type(&["--to", &name, how]);
    receiving.until(&format!("{how}: ready"));
    (name, receiving)
}

fn to<'a>(name: &'a str, what: &[&'a str]) -> Vec<&'a str> {
    [&["--to", name], what].concat()
}

#[test]
fn a_structure_bytes_and_a_number_arrive_from_each_at_each() {
    let _watchdog = minutes();
    for (sender, receiver) in pairings(RECIPE, &[RECIPE]) {
        let (name, mut receiving) = receive(&receiver, "receiver");
        for (what, arrives) in [
            (&["struct", "7", "21.5", "C"][..], "the structure: sensor 7, quality 100, 21.5 C"),
            (&["bytes", "Hello, Window!"], "14 bytes: Hello, Window!"),
            (&["number", "42"], "the number 42"),
            (&["number", "0"], "the number 0"),
            (&["number", "18446744073709551615"], "the number 18446744073709551615"),
        ] {
            let said = sender.run(&to(&name, what));
            assert_eq!(said, "sender: it was taken\n", "{sender:?}, {receiver:?}: {what:?}");
            receiving.until(&format!("receiver: {arrives}"));
        }
        receiving.press_enter();
        receiving.finish();
        let said = sender.run_refused(&to(&name, &["number", "1"]));
        assert!(!said.is_empty(), "{receiver:?} has gone");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_the_sender_says_so() {
    let _watchdog = minutes();
    for (sender, receiver) in pairings(RECIPE, &[RECIPE]) {
        let (name, mut receiving) = receive(&receiver, "receiver");
        let (long, longer) = ("x".repeat(4096), "x".repeat(4097));
        for (what, why) in [
            (["tagged", "3", "Hello"], "nothing is known of tag 3"),
            (["tagged", "18446744073709551615", "Hello"], "nothing is known of tag 18446744073709551615"),
            (["tagged", "1", "too short"], "the structure has 32 bytes, and not 9"),
            (["tagged", "1", "one byte more than it should have"], "the structure has 32 bytes, and not 33"),
            (["tagged", "2", &longer], "4097 bytes are more than 4096"),
        ] {
            let said = sender.run_refused(&to(&name, &what));
            assert!(said.contains("the receiver refuses it"), "{sender:?}, {receiver:?}: {said}");
            receiving.until(&format!("receiver: refused: {why}"));
        }
        // It goes on with the next one.
        sender.run(&to(&name, &["bytes", &long]));
        receiving.until("receiver: 4096 bytes: xxx");
        receiving.press_enter();
        receiving.finish();
    }
}

#[test]
fn a_receiver_that_never_answers_is_an_error_when_its_time_is_over() {
    let _watchdog = minutes();
    for (sender, receiver) in pairings(RECIPE, &[RECIPE]) {
        let (name, mut hung) = receive(&receiver, "hung");
        let started = Instant::now();
        let said = sender.run_refused(&to(&name, &["number", "42"]));
        assert!(said.contains("has not answered within 2s"), "{sender:?}, {receiver:?}: {said}");
        assert!(started.elapsed() >= Duration::from_secs(2), "its time was not over");
        hung.press_enter();
        hung.finish();
    }
}

#[test]
fn a_receiver_that_dies_with_a_message_in_its_hands_is_an_error_too() {
    let _watchdog = minutes();
    for (sender, receiver) in pairings(RECIPE, &[RECIPE]) {
        let (name, hung) = receive(&receiver, "hung");
        let sending = sender.start(&to(&name, &["number", "42"]));
        hung.kill();
        assert!(!sending.refused().is_empty(), "{sender:?}, {receiver:?}");
    }
}
