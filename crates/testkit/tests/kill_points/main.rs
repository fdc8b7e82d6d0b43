//! The kill-at-every-step kit: that it dies where it says, misses no step, and finds what is wrong for one
//! step only.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod area;
mod calls;
mod failures;
mod random;
mod stores;

use std::time::Duration;

use testkit::kill_points::{self, Child, Point, Step};
use testkit::names::TempDir;
use testkit::{agent, watchdog};

use area::Area;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn kill_points() {
    kill_points::serve_if_asked(&[
        ("data first", data_first),
        ("length first", length_first),
        ("calls", calls::calls),
        ("store in a new mapping", calls::store_in_a_new_mapping),
        ("store in System V memory", calls::store_in_system_v_memory),
        ("read into shared memory", calls::read_into_shared_memory),
        ("lock", calls::lock),
        ("create", calls::create),
        ("write behind the end", calls::write_behind_the_end),
        ("raise", calls::raise),
        ("be interrupted", calls::be_interrupted),
        ("copy by bytes", stores::copy_by_bytes),
        ("copy by vectors", stores::copy_by_vectors),
        ("copy across pages", stores::copy_across_pages),
        ("compare and exchange", stores::compare_and_exchange),
        ("store the same", stores::store_the_same),
        ("store in private memory", stores::store_in_private_memory),
        ("count", random::count),
        ("count by two threads", random::count_by_two_threads),
        ("store often", random::store_often),
        ("start a thread", failures::start_a_thread),
        ("have a thread", failures::have_a_thread),
        ("fork", failures::fork),
        ("start a program", failures::start_a_program),
        ("hang in a call", failures::hang_in_a_call),
        ("spin", failures::spin),
        ("panic", failures::panic),
        ("panic late", failures::panic_late),
        ("leave", failures::leave),
        ("abort", failures::abort),
        ("nothing", |_| {}),
        ("no steps", |child| child.steps(|| {})),
        ("twice", |child| {
            child.steps(|| {});
            child.steps(|| {});
        }),
    ]);
}

const LENGTH: usize = 0;
const DATA: usize = 8;

/// The right order: whoever sees the length sees the data.
fn data_first(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| {
        area.store(DATA, 0x1122_3344);
        area.store(LENGTH, 4);
    });
}

/// The wrong order.
fn length_first(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| {
        area.store(LENGTH, 4);
        area.store(DATA, 0x1122_3344);
    });
}

/// The points at which a survivor finds a length without its data.
fn broken_points(operation: &str) -> (Vec<Point>, kill_points::Report) {
    let folder = TempDir::new();
    let path = folder.join("area");
    let mut broken = Vec::new();
    let report = kill_points::each(operation, |round| {
        let area = Area::create(&path, 4096);
        let end = round.child(&[path.to_str().unwrap()]);
        if area.load(LENGTH) == 4 && area.load(DATA) != 0x1122_3344 {
            broken.push(end.point().expect("a child that comes through leaves it whole").clone());
        }
    });
    println!("{report}");
    (broken, report)
}

#[test]
fn the_wrong_order_is_caught_at_the_one_point_where_it_shows() {
    let _watchdog = watchdog(MINUTE);
    let (broken, report) = broken_points("length first");
    let [point] = &broken[..] else { panic!("one point, not {broken:?}") };
    assert_eq!(point.number, 1);
    assert_eq!(point.after.as_ref().unwrap().offset(), Some(LENGTH as u64));
    assert_eq!(point.before.as_ref().unwrap().offset(), Some(DATA as u64));
    let said = point.to_string();
    assert!(said.contains("area at 0, before the store to") && said.ends_with("area at 8"), "{said}");
    assert_eq!((report.killed(), report.completed()), (3, 1));
}

#[test]
fn the_right_order_passes() {
    let _watchdog = watchdog(MINUTE);
    let (broken, report) = broken_points("data first");
    assert!(broken.is_empty(), "{broken:?}");
    let offsets: Vec<_> = report.steps().iter().map(Step::offset).collect();
    assert_eq!(offsets, [Some(DATA as u64), Some(LENGTH as u64)]);
    assert_eq!((report.stores(), report.calls(), report.killed(), report.completed()), (2, 0, 3, 1));
}

#[test]
fn the_steps_are_the_same_in_every_run() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let run = || {
        // A real operation, with allocations, locks and errors of its own.
        let report = kill_points::each("lock", |round| {
            Area::create(&path, 4096);
            round.child(&[&format!("file:{}", path.display())]);
        });
        println!("{report}");
        report.steps().to_vec()
    };
    let steps = run();
    assert!(steps.len() > 4, "{steps:?}");
    for _ in 0..3 {
        assert_eq!(run(), steps);
    }
}

#[test]
fn an_operation_without_steps_has_one_point() {
    let _watchdog = watchdog(MINUTE);
    let mut points = Vec::new();
    kill_points::each("no steps", |round| points.push(round.child(&[]).to_string()));
    assert_eq!(points, ["killed at point 0: there are no steps", "not killed, it came through"]);
}

#[test]
fn only_some_points_can_be_wanted() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let mut points = Vec::new();
    let wanted = |point: &Point| point.number % 25 == 3;
    let report = kill_points::KillPoints::new("copy by bytes").only(wanted).each(|round| {
        Area::create(&path, 4096);
        let end = round.child(&[path.to_str().unwrap()]);
        points.extend(end.point().map(|point| point.number));
    });
    assert_eq!(points, [3, 28, 53]);
    assert_eq!((report.stores(), report.killed()), (64, 3));
}

/// The variable that tells a second run of this program to kill a child where its invariant breaks.
const BREAK: &str = "CENOTE_TESTKIT_BREAK";

#[test]
fn breaks_when_told() {
    if std::env::var_os(BREAK).is_none() {
        return;
    }
    let folder = TempDir::new();
    let path = folder.join("area");
    kill_points::each("length first", |round| {
        let area = Area::create(&path, 4096);
        round.child(&[path.to_str().unwrap()]);
        assert!(area.load(LENGTH) == 0 || area.load(DATA) != 0, "a length without data");
    });
}

#[test]
fn a_failed_check_names_the_point() {
    let _watchdog = watchdog(MINUTE);
    let mut again = agent::again();
    let output = again.args(["--exact", "breaks_when_told", "--nocapture"]).env(BREAK, "1").output().unwrap();
    assert!(!output.status.success());
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("a length without data"), "{complained}");
    assert!(complained.contains("`length first` was killed at point 1: after the store to"), "{complained}");
}
