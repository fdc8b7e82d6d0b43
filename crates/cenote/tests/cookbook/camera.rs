//! Recipe `camera`. Each of the two has pictures of its own kind, so each looks at its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use cenote::{Segment, Topic};
use testkit::names::{self, TempDir};
use testkit::system;

use crate::minutes;
use crate::programs::{Program, Running, classic, ours, programs};

const RECIPE: &str = "camera";
/// As the program has it.
const DEPTH: u64 = 4;
const SPARE: u64 = 4;
/// As the classic one has it.
const SEATS: u64 = 8;

/// A camera, whose shutter is Enter, at a place that no other test uses.
struct Scene {
    program: Program,
    at: String,
    camera: Running,
    taken: u64,
    is_ours: bool,
    _leftover: Leftover,
}

/// What a failed test leaves.
struct Leftover(String);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = Segment::remove(self.0.as_str());
    }
}

impl Scene {
    fn new(program: Program) -> Self {
        let is_ours = program.0 == ours(RECIPE).0;
        let name = names::unique("camera");
        let (at, address) =
            if is_ours { (name.clone(), name) } else { (format!("/{name}"), format!("posix:/{name}")) };
        let mut camera = program.start_to_type(&["--at", &at, "camera"]);
        camera.until("camera: ready");
        Self { program, at, camera, taken: 0, is_ours, _leftover: Leftover(address) }
    }

    fn viewer(&self, how: &str, count: &str) -> Running {
        let mut viewer = self.program.start_to_type(&["--at", &self.at, how, count]);
        viewer.until("viewer: ready");
        viewer
    }

    /// Takes one more picture, and waits for the camera alone: what is seen of it.
    fn take(&mut self) -> String {
        self.taken += 1;
        self.camera.press_enter();
        let begin = format!("camera: picture {}, sum ", self.taken);
        let said = self.camera.until_line(&begin);
        format!("viewer: picture {}, 640 x 480, sum {},", self.taken, &said[begin.len()..])
    }
}

#[test]
fn the_quick_one_sees_every_picture_and_the_slow_one_is_told_how_many_it_missed() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program);
        let (mut quick, mut slow) = (scene.viewer("viewer", "10"), scene.viewer("slow", "2"));
        let mut seen = Vec::new();
        for _ in 0..10 {
            let picture = scene.take();
            quick.until(&format!("{picture} 0 missed"));
            if seen.is_empty() {
                // From here on it has it in hand, and the camera goes on.
                slow.until(&format!("{picture} 0 missed"));
            }
            seen.push(picture);
        }
        quick.finish();
        slow.press_enter();
        // Of ours the last four are there, and of the classic one the last one alone.
        let (next, missed) = if scene.is_ours { (7, 5) } else { (10, 8) };
        slow.until(&format!("{} {missed} missed", seen[next - 1]));
        slow.press_enter();
        // What it had in hand has stayed what it was, or it would fail.
        slow.finish();
    }
}

#[test]
fn who_is_late_sees_the_last_picture_at_once() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program);
        scene.take();
        let second = scene.take();
        let mut late = scene.viewer("late", "2");
        late.until(&format!("{second} 0 missed"));
        let third = scene.take();
        late.until(&format!("{third} 0 missed"));
        late.finish();
    }
}

#[test]
fn viewers_killed_with_a_picture_in_hand_cost_ours_no_memory_and_the_classic_one_its_seats() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let mut scene = Scene::new(program.clone());
        // Each has another one in hand: all but one that there is memory for, or all seats.
        let dying: Vec<Running> = (0..if scene.is_ours { DEPTH + SPARE - 1 } else { SEATS })
            .map(|_| {
                let mut dying = scene.viewer("slow", "2");
                let picture = scene.take();
                dying.until(&format!("{picture} 0 missed"));
                dying
            })
            .collect();
        dying.into_iter().for_each(Running::kill);
        if !scene.is_ours {
            let said = program.run_refused(&["--at", &scene.at, "slow", "1"]);
            assert!(said.contains("all seats are taken"), "{said}");
            continue;
        }
        let all = Topic::<[u8]>::attach(&*scene.at).unwrap().subscriber().unwrap();
        (0..DEPTH).for_each(|_| drop(scene.take()));
        // All that the topic keeps is there, and in hand at once; and all the rest is free for the camera.
        let in_hand: Vec<_> = (0..DEPTH).map(|_| all.try_borrow().unwrap().expect("a picture")).collect();
        let mut quick = scene.viewer("viewer", "4");
        for _ in 0..DEPTH {
            let picture = scene.take();
            quick.until(&format!("{picture} 0 missed"));
        }
        quick.finish();
        assert!(in_hand.iter().all(|picture| picture.len() == 24 + 640 * 480 * 3));
        assert!(all.try_borrow().unwrap().is_some(), "there is more, also for who has four in hand");
        let subscribers = Topic::<[u8]>::attach(&*scene.at).unwrap().statistics().unwrap().subscribers;
        assert_eq!(subscribers.len(), 1, "{subscribers:?}");
    }
}

#[test]
fn another_user_who_may_only_read_sees_the_same_pictures() {
    let _watchdog = minutes();
    if !system::has_root() {
        return;
    }
    let mut scene = Scene::new(ours(RECIPE));
    let folder = TempDir::new();
    let copy = folder.join("camera");
    // By another process: see `testkit::others`.
    assert!(Command::new("cp").args([&scene.program.0, &copy]).status().unwrap().success());
    for path in [folder.path(), &copy] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let at = format!("cenote:@0/{}", scene.at);
    let words = ["--at", &at, "read-only", "2"];
    let first = scene.take();
    let mut viewer = Program(copy.clone()).start_as_other_user(&words);
    viewer.until(&format!("{first} 0 missed"));
    let second = scene.take();
    viewer.until(&format!("{second} 0 missed"));
    viewer.finish();
    let said = Program(copy).start_as_other_user(&["--at", &at, "late", "1"]).refused();
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn a_camera_in_motion_ends_by_itself_and_leaves_nothing() {
    let _watchdog = minutes();
    for program in programs(RECIPE, &[RECIPE]) {
        let is_ours = program.0 == ours(RECIPE).0;
        let name = format!("{}{}", if is_ours { "" } else { "/" }, names::unique("camera"));
        let mut camera = program.start(&["--at", &name, "camera", "5"]);
        camera.until("camera: ready");
        assert!(camera.finish().ends_with("camera: 5 pictures\n"));
        program.run_refused(&["--at", &name, "late", "1"]);
    }
    let unreachable = classic(RECIPE).map(|program| program.run_refused(&["--at", "/nowhere", "late", "1"]));
    assert!(unreachable.is_none_or(|said| said.contains("shm_open")));
}
