//! `show`: contents that it can tell, and those that it cannot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cenote::value::AnyValue;
use cenote::{Segment, Value};

use crate::support::{Place, run, run_with_input};

#[test]
fn what_cannot_be_told_is_shown_in_hex() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "100"]).ok();
    let nothing = run(["show", at]);
    assert!(!nothing.ok().contains("contents") && !nothing.stdout().contains("begins"), "{nothing:?}");
    assert_eq!(run_with_input(&["write", at, "-"], b"\xff\xd8\x1b[2J").code, 0);
    let shown = run(["show", at]);
    let expected =
        "begins\n  00000000  ff d8 1b 5b 32 4a 00 00  00 00 00 00 00 00 00 00  |...[2J..........|\n";
    assert!(shown.ok().contains(expected), "{shown:?}");
    let shown = run(["show", at, "--json"]).json();
    assert_eq!(shown["contents"], serde_json::Value::Null);
    let hex = shown["hex"].as_str().unwrap();
    assert!(hex.starts_with("ffd81b5b324a00") && hex.len() == 128, "{hex}");
}

#[test]
fn a_value_is_shown_without_a_trace() {
    let place = Place::native();
    let at = place.address.as_str();
    let value = Value::create(at, [1_u64, 2]).unwrap();
    let before = run(["show", at, "--json"]).json();
    assert_eq!((&before["value"], &before["version"]), (&serde_json::json!([1, 2]), &0.into()));
    assert_eq!(run(["show", at, "--json"]).json(), before);
    // Who may not read it, or has none, sees no value.
    let plain = Place::native();
    let _bytes = Segment::create(&*plain.address, 64).unwrap();
    assert!(run(["show", &plain.address, "--json"]).json().get("value").is_none());
    // One that is large is read, and not shown.
    let large = Place::native();
    let _large = Value::create(&*large.address, [0_u8; (64 << 10) + 1]).unwrap();
    assert!(run(["show", &large.address, "--json"]).json().get("value").is_none());
    value.detach().unwrap();
}

/// Somebody stores all the time: what is seen was stored in one piece.
#[test]
fn a_value_that_is_looked_at_is_never_torn() {
    const WORDS: usize = 512;
    let place = Place::native();
    let value = Value::create(place.address.as_str(), [0_u64; WORDS]).unwrap();
    let address = place.address.parse().unwrap();
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            // Relaxed: nothing else is told by it.
            while !done.load(Ordering::Relaxed) {
                number += 1;
                value.store(&[number; WORDS]).unwrap();
            }
        });
        let mut seen = 0;
        for _ in 0..20_000 {
            let Some((bytes, version)) = AnyValue::look(&address, 1 << 20).unwrap() else { continue };
            let mut words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
            if !words.all(|word| word == version) {
                done.store(true, Ordering::Relaxed);
                panic!("version {version} is torn");
            }
            seen += 1;
        }
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen > 0, "it was never to be seen");
}
