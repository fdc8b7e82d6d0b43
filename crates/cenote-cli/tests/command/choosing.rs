//! `ls` with patterns, filters and an order.

use std::process::Command;

use cenote::Segment;
use testkit::names::unique;

use crate::support::{Place, run};

/// A segment that a failed test may have left.
struct Left(String);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = Segment::remove(&*self.0);
    }
}

/// Segments of a name of their own, `_0` to `_2`: of 1, 3 and 2 pages.
struct Three {
    common: String,
    _left: [Left; 3],
    held: Segment,
}

const PAGES: [usize; 3] = [1, 3, 2];

impl Three {
    fn new() -> Self {
        let common = unique("chosen");
        let places = [0, 1, 2].map(|number| Left(format!("posix:/{common}_{number}")));
        for (place, pages) in places.iter().zip(PAGES) {
            run(["create", &place.0, "--size", &(pages * 4096).to_string()]).ok();
        }
        let held = Segment::attach(&*places[1].0).expect("it was just made");
        Self { common, _left: places, held }
    }

    /// The numbers of those that are listed, in order.
    fn listed(&self, arguments: &[&str]) -> Vec<usize> {
        let pattern = format!("posix:/{}_?", self.common);
        let list = run([&["ls", "--json", &pattern], arguments].concat()).json();
        let table = run([&["ls", "--quiet", &pattern], arguments].concat());
        let number =
            |text: &str| text.split_whitespace().next().unwrap()[8 + self.common.len()..].parse().unwrap();
        let listed: Vec<usize> =
            list.as_array().unwrap().iter().map(|entry| number(entry["address"].as_str().unwrap())).collect();
        let rows: Vec<usize> = table.ok().lines().skip(1).map(number).collect();
        assert_eq!(rows, listed, "{arguments:?}");
        listed
    }
}

#[test]
fn sorted_by_what_was_asked_for() {
    let three = Three::new();
    assert_eq!(three.listed(&[]), [0, 1, 2]);
    assert_eq!(three.listed(&["--reverse"]), [2, 1, 0]);
    for (by, order) in [
        ("address", [0, 1, 2]),
        ("size", [1, 2, 0]),
        ("memory", [1, 2, 0]),
        ("holders", [1, 0, 2]),
        ("verdict", [0, 2, 1]),
    ] {
        assert_eq!(three.listed(&["--sort", by]), order, "{by}");
        let reversed: Vec<usize> = order.into_iter().rev().collect();
        assert_eq!(three.listed(&["--sort", by, "--reverse"]), reversed, "{by}");
    }
    drop(three.held);
}

#[test]
fn the_oldest_come_first() {
    let three = Three::new();
    let date = |number: usize, date: &str| {
        let path = format!("/dev/shm/{}_{number}", three.common);
        assert!(Command::new("touch").args(["-d", date, &path]).status().unwrap().success());
    };
    // To date back is a change as well, which nobody can date back: only what is yet to come can be set.
    for (number, day) in [(2, "2100-01-01"), (0, "2100-01-02"), (1, "2100-01-03")] {
        date(number, day);
    }
    assert_eq!(three.listed(&["--sort", "age"]), [2, 0, 1]);
    assert_eq!(three.listed(&["--sort", "age", "--reverse"]), [1, 0, 2]);
    let list = run(["ls", &format!("posix:/{}_2", three.common)]);
    assert!(list.ok().lines().last().unwrap().split_whitespace().any(|word| word == "0s"), "{list:?}");
}

#[test]
fn filters_have_to_agree() {
    let three = Three::new();
    assert_eq!(three.listed(&["--verdict", "live"]), [1]);
    assert_eq!(three.listed(&["--verdict", "kept,unknown"]), [0; 0]);
    // Whether it can be proven depends on who asks.
    let not_held = three.listed(&["--stale"]);
    assert_eq!(three.listed(&["--verdict", "stale"]), not_held);
    assert_eq!(three.listed(&["--verdict", "stale,unknown"]), [0, 2]);
    assert_eq!(three.listed(&["--verdict", "live,unknown", "--stale"]), [0, 1, 2]);
    let entry = run(["ls", "--json", &format!("posix:/{}_0", three.common)]).json()[0].clone();
    let uid = entry["uid"].to_string();
    assert_eq!(three.listed(&["--owner", entry["owner"].as_str().unwrap()]), [0, 1, 2]);
    assert_eq!(three.listed(&["--owner", &uid, "--verdict", "live"]), [1]);
    assert_eq!(three.listed(&["--owner", "nobody-at-all"]), [0; 0]);
    assert_eq!(three.listed(&["--maker", "Python"]), [0; 0]);
}

#[test]
fn makers_are_found_by_their_names() {
    let place = Left(format!("posix:/psm_{:08x}", std::process::id()));
    let at = &*place.0;
    run(["create", at, "--size", "1"]).ok();
    let list = run(["ls", "--json", "--maker", "python"]).json();
    let list = list.as_array().unwrap();
    assert!(list.iter().all(|entry| entry["maker"] == "Python"));
    assert!(list.iter().any(|entry| entry["address"] == at));
    // Semaphores have makers, too.
    run(["ls", "--all", "--maker", "python", "--json"]).ok();
}

#[test]
fn several_patterns_add_up() {
    let (posix, native, sysv) = (Place::posix(), Place::native(), Place::sysv());
    for place in [&posix, &native, &sysv] {
        run(["create", &place.address, "--size", "1"]).ok();
    }
    let bare = native.address.strip_prefix("cenote:").unwrap();
    let list = run(["ls", "--json", &posix.address, bare, "sysv:", &posix.address]).json();
    let addresses: Vec<&str> =
        list.as_array().unwrap().iter().map(|entry| entry["address"].as_str().unwrap()).collect();
    for place in [&posix, &native, &sysv] {
        assert_eq!(addresses.iter().filter(|one| **one == place.address).count(), 1, "{addresses:?}");
    }
    assert!(addresses.iter().all(
        |one| one.starts_with("sysv:") || [&posix.address, &native.address].contains(&&(*one).to_owned())
    ));
    for wrong in
        [&["ls", "elephants:*"][..], &["ls", ""], &["ls", "--verdict", "dead"], &["ls", "--sort", "beauty"]]
    {
        run(wrong).failed(2);
    }
}
