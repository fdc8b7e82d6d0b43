//! Recipe `telemetry`.

use cenote::Segment;
use testkit::names;

use crate::minutes;
use crate::programs::{Program, Running, ours, pairings, programs};

const RECIPE: &str = "telemetry";
const AT_WORK: &str = "publisher: at work";

/// The classic program is one for Windows.
const CLASSIC: &[&str] = if cfg!(windows) { &[RECIPE] } else { &[] };

/// A name that no other test uses. What a killed publisher leaves under it is removed when this is dropped.
struct Name(String);

impl Name {
    fn unique() -> Self {
        Self(names::unique("telemetry"))
    }

    fn address(&self) -> String {
        if cfg!(windows) { format!(r"windows:Local\{}", self.0) } else { format!("posix:/{}", self.0) }
    }

    fn publish(&self, program: &Program, milliseconds: &str) -> Running {
        let mut publisher = program.start_to_type(&["publisher", &self.0, milliseconds]);
        publisher.until(AT_WORK);
        publisher
    }

    /// Makes a block by hand: magic, version, size, and how often it was written.
    fn forge(&self, magic: [u8; 4], version: u16, size: u16, updates: u32) -> Segment {
        let segment = Segment::create(self.address(), 72).unwrap();
        segment.write_at(0, &magic).unwrap();
        segment.write_value(4, &version).unwrap();
        segment.write_value(6, &size).unwrap();
        segment.write_value(8, &updates).unwrap();
        segment
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // On Windows it goes by itself, and most tests leave nothing.
        let _ = Segment::remove(self.address());
    }
}

/// What a line of `read` says: who publishes, and in which turn that was written. A torn one panics.
#[track_caller]
fn whole(line: &str) -> (&str, u32) {
    let (name, values) = line.strip_prefix("read: \"").and_then(|line| line.split_once("\": ")).unwrap();
    let step: f32 = values.split(' ').next().unwrap().parse().unwrap();
    let (height, heading, climb) = (step + 1000.0, step / 10.0, step - 500.0);
    let expected = format!("{step} m/s, at {height} m, to {heading} deg, climbs {climb} m/s");
    assert_eq!(values, expected, "a torn reading");
    (name, step as u32)
}

#[test]
fn each_reader_has_whole_readings_of_each_publisher() {
    let _watchdog = minutes();
    for (publisher, reader) in pairings(RECIPE, CLASSIC) {
        let name = Name::unique();
        let mut publishing = name.publish(&publisher, "5");
        let expected = if publisher.0 == ours(RECIPE).0 { "cenote's mast" } else { "classic mast" };
        assert_eq!(whole(reader.run(&["read", &name.0]).trim_end()).0, expected, "{publisher:?}, {reader:?}");
        publishing.press_enter();
        publishing.finish();
        reader.run_refused(&["read", &name.0]);
    }
}

#[test]
fn no_reading_is_torn_by_a_publisher_without_a_pause() {
    let _watchdog = minutes();
    for publisher in programs(RECIPE, CLASSIC) {
        let name = Name::unique();
        let mut publishing = name.publish(&publisher, "0");
        // Until it has written often enough meanwhile, which on a busy machine takes more than one look.
        let mut seen = 0;
        while seen <= 10 {
            let said = ours(RECIPE).run(&["read", &name.0, "20000"]);
            let mut turns: Vec<u32> = said.lines().map(|line| whole(line).1).collect();
            assert_eq!(turns.len(), 20000, "{publisher:?}");
            turns.dedup();
            seen += turns.len();
        }
        publishing.press_enter();
        publishing.finish();
    }
}

#[test]
fn a_publishers_death_is_told_and_so_is_the_next_one() {
    let _watchdog = minutes();
    for (first, second) in pairings(RECIPE, CLASSIC) {
        let name = Name::unique();
        let mut watching = ours(RECIPE).start_to_type(&["watch", &name.0]);
        watching.until("watch: nobody has published yet");
        let publishing = name.publish(&first, "5");
        watching.until(&format!("watch: {}", said_of(&first, &publishing)));
        publishing.kill();
        watching.until("watch: no new data since update ");

        // What the dead one left is joined. What one that ended cleanly has removed is made anew.
        for end_is_clean in [true, false] {
            let mut publishing = name.publish(&second, "5");
            watching.until(&format!("watch: {}", said_of(&second, &publishing)));
            if end_is_clean {
                publishing.press_enter();
                publishing.finish();
            } else {
                publishing.kill();
            }
            watching.until("watch: no new data since update ");
        }
        watching.press_enter();
        watching.finish();
    }
}

fn said_of(program: &Program, publisher: &Running) -> String {
    let name = if program.0 == ours(RECIPE).0 { "cenote's mast" } else { "classic mast" };
    // Processes of Wine have numbers of their own, which are those that programs there see.
    format!("{name:?} publishes, as process {}", publisher.id())
}

#[test]
fn a_second_publisher_is_refused_while_the_first_one_lives() {
    let _watchdog = minutes();
    for (first, second) in pairings(RECIPE, CLASSIC) {
        let name = Name::unique();
        let publishing = name.publish(&first, "5");
        let said = second.run_refused(&["publisher", &name.0]);
        assert!(said.contains("somebody publishes here already"), "{first:?}, {second:?}: {said}");
        publishing.kill();
        let mut publishing = name.publish(&second, "5");
        publishing.press_enter();
        publishing.finish();
    }
}

#[test]
fn an_update_that_never_ends_is_waited_for_in_vain_and_not_for_ever() {
    let _watchdog = minutes();
    for (publisher, reader) in pairings(RECIPE, CLASSIC) {
        let name = Name::unique();
        let block = name.forge(*b"TELE", 1, 72, 41);
        let said = reader.run_refused(&["read", &name.0]);
        assert!(said.contains("the publisher is not done with an update"), "{said}");
        let mut watching = ours(RECIPE).start_to_type(&["watch", &name.0]);
        watching.until("watch: nobody has published yet");
        // The next publisher mends it.
        let mut publishing = name.publish(&publisher, "5");
        watching.until(&format!("watch: {}", said_of(&publisher, &publishing)));
        whole(reader.run(&["read", &name.0]).trim_end());
        publishing.press_enter();
        publishing.finish();
        watching.press_enter();
        watching.finish();
        drop(block);
    }
}

#[test]
fn what_is_no_telemetry_of_this_version_is_refused() {
    let _watchdog = minutes();
    for (magic, version, size, words) in [
        (*b"ELET", 1, 72, "this is no telemetry: it begins with 0x54454c45"),
        (*b"TELE", 2, 72, "its version is 2, and ours 1"),
        (*b"TELE", 1, 71, "version 1 has 72 bytes, and not 71"),
        (*b"TELE", 1, u16::MAX, "version 1 has 72 bytes, and not 65535"),
        ([0; 4], 0, 0, "nothing was published here yet"),
    ] {
        let name = Name::unique();
        let _block = name.forge(magic, version, size, 2);
        for reader in programs(RECIPE, CLASSIC) {
            let said = reader.run_refused(&["read", &name.0]);
            let is_ours = reader.0 == ours(RECIPE).0;
            assert!(said.contains(if is_ours { words } else { "no telemetry of version 1" }), "{said}");
        }
        if magic != [0; 4] {
            let watching = ours(RECIPE).start_to_type(&["watch", &name.0]);
            assert!(watching.refused().contains(words));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_segment_that_is_too_small_is_an_error() {
    let _watchdog = minutes();
    let name = Name::unique();
    let _small = Segment::create(name.address(), 10).unwrap();
    for role in ["read", "watch", "publisher"] {
        let said = ours(RECIPE).start_to_type(&[role, &name.0]).refused();
        assert!(said.contains("10 bytes"), "{role}: {said}");
    }
}
