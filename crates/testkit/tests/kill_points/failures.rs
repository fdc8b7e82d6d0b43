//! What the kit refuses, and what it says when a child does anything but its operation; and that nothing is
//! left.
#![allow(unsafe_code)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use testkit::kill_points::{self, Child, KillPoints, Step};
use testkit::names::TempDir;
use testkit::{agent, watchdog};

use crate::MINUTE;
use crate::area::Area;

pub(crate) fn start_a_thread(child: &Child) {
    child.steps(|| thread::spawn(|| {}).join().unwrap());
}

pub(crate) fn have_a_thread(child: &Child) {
    let (_alive, gone) = channel::<()>();
    thread::spawn(move || gone.recv());
    child.steps(|| {});
}

pub(crate) fn fork(child: &Child) {
    child.steps(|| {
        // SAFETY: the call has no arguments; it is never made.
        unsafe { libc::fork() };
    });
}

pub(crate) fn start_a_program(child: &Child) {
    child.steps(|| Command::new("true").status().unwrap());
}

pub(crate) fn hang_in_a_call(child: &Child) {
    child.steps(|| thread::sleep(MINUTE * 60));
}

pub(crate) fn spin(child: &Child) {
    let area = Area::open(child.word(0));
    fs::write(child.word(1), std::process::id().to_string()).unwrap();
    child.steps(|| {
        area.store(0, 1);
        while area.load(8) == 0 {
            std::hint::spin_loop();
        }
    });
}

pub(crate) fn panic(child: &Child) {
    child.steps(|| panic!("this child has had enough"));
}

pub(crate) fn panic_late(child: &Child) {
    child.steps(|| {});
    panic!("this child has had enough as well");
}

pub(crate) fn leave(child: &Child) {
    child.steps(|| std::process::exit(0));
}

pub(crate) fn abort(child: &Child) {
    child.steps(|| std::process::abort());
}

/// What the kit says of an operation that cannot be killed at every step.
fn complaint(operation: &str) -> String {
    complaint_of(|| {
        kill_points::each(operation, |round| {
            round.child(&[]);
        });
    })
}

fn complaint_of(work: impl FnOnce()) -> String {
    let _watchdog = watchdog(MINUTE);
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("it passes");
    let said = panic.downcast_ref::<String>().expect("a text").clone();
    println!("{said}");
    said
}

#[test]
fn threads_and_processes_are_refused() {
    for operation in ["start a thread", "fork", "start a program"] {
        let said = complaint(operation);
        assert!(said.starts_with(&format!("the child that does `{operation}` fails: it starts")), "{said}");
        assert!(said.contains("(clone"), "{said}");
        assert!(said.contains("before its first step") || said.contains("after step"), "{said}");
    }
    let said = complaint("have a thread");
    assert!(said.contains("it has 1 more threads already"), "{said}");
}

#[test]
fn a_child_that_hangs_is_killed_and_its_step_named() {
    let limit = Duration::from_millis(300);
    let hang = |operation: &str, words: &[&str]| {
        complaint_of(|| {
            KillPoints::new(operation).limit(limit).only(|_| false).each(|round| {
                round.child(words);
            });
        })
    };
    let said = hang("hang in a call", &[]);
    assert!(said.contains("not done after 300ms"), "{said}");
    assert!(said.contains("in or after step 1: clock_nanosleep"), "{said}");
    let folder = TempDir::new();
    let path = folder.join("area");
    let area = Area::create(&path, 4096);
    let said = hang("spin", &[path.to_str().unwrap(), folder.join("pid").to_str().unwrap()]);
    assert_eq!(area.load(0), 1);
    assert!(said.contains("step 1: the store to") && said.contains("area at 0"), "{said}");
}

#[test]
fn a_panic_in_the_child_is_told() {
    let said = complaint("panic");
    assert!(said.contains("it panicked before its first step"), "{said}");
    assert!(said.contains("this child has had enough"), "{said}");
    let said = complaint("panic late");
    assert!(said.contains("exit status: 101"), "{said}");
    assert!(said.contains("had enough as well") && said.contains("when its steps were done"), "{said}");
}

#[test]
fn a_child_that_leaves_early_is_told() {
    let said = complaint("leave");
    assert!(said.contains("it ended by itself (exit status: 0)") && said.contains("exit_group"), "{said}");
    let said = complaint("abort");
    assert!(said.contains("it ended by itself (signal: 6 (SIGABRT)"), "{said}");
}

#[test]
fn an_operation_that_is_none_is_told() {
    assert!(complaint("nobody").contains("there is no operation `nobody` among [\"data first\""));
    assert!(complaint("nothing").contains("`nothing` never calls `Child::steps`"));
    assert!(complaint("twice").contains("the steps of an operation are in one piece"));
    let said = complaint_of(|| {
        kill_points::each("no steps", |_| {});
    });
    assert_eq!(said, "a round of `no steps` has no child");
    let said = complaint_of(|| {
        kill_points::each("no steps", |round| {
            round.child(&[]);
            round.child(&[]);
        });
    });
    assert_eq!(said, "a round of `no steps` has one child");
}

#[test]
fn random_kills_tell_failures_as_well() {
    let random = |operation| {
        complaint_of(|| {
            KillPoints::new(operation).limit(Duration::from_millis(300)).at_random(1, 3, |round| {
                round.child(&[]);
            });
        })
    };
    assert!(random("panic").contains("this child has had enough"));
    assert!(random("leave").contains("it ended by itself (exit status: 0)"));
    assert!(random("hang in a call").contains("not done after 300ms"));
}

/// Waits until the process whose number is in the file is gone, or only waits to be reaped by somebody else.
fn expect_gone(path: &std::path::Path) {
    let pid = fs::read_to_string(path).unwrap();
    let is_gone = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ") || status.contains("State:\tX")
    };
    let end = Instant::now() + MINUTE;
    while !is_gone() {
        assert!(Instant::now() < end, "process {pid} is still there");
        thread::yield_now();
    }
}

#[test]
fn a_panic_in_the_test_takes_the_child_along() {
    let folder = TempDir::new();
    let (path, pid) = (folder.join("area"), folder.join("pid"));
    drop(Area::create(&path, 4096));
    let words = [path.to_str().unwrap(), pid.to_str().unwrap()];
    let _watchdog = watchdog(MINUTE);
    let stopped = |_: &_| panic!("while the child is stopped");
    catch_unwind(AssertUnwindSafe(|| {
        KillPoints::new("spin").only(stopped).each(|round| {
            round.child(&words);
        });
    }))
    .expect_err("it panics");
    let pid_was = fs::read_to_string(&pid).unwrap();
    assert!(!fs::exists(format!("/proc/{pid_was}")).unwrap(), "it is killed and reaped");
}

/// The variable that tells a second run of this program to hang with a child, and where its files are.
const HANG: &str = "CENOTE_TESTKIT_HANG_WITH_CHILD";

#[test]
fn hangs_with_a_child_when_told() {
    let Some(folder) = std::env::var_os(HANG) else { return };
    let folder = std::path::Path::new(&folder);
    let (path, pid) = (folder.join("area"), folder.join("pid"));
    let words = [path.to_str().unwrap(), pid.to_str().unwrap()];
    let after_store = |point: &kill_points::Point| {
        // Stopped for ever: this process is killed in the middle of the line below.
        assert!(!matches!(point.before, Some(Step::Call(_))));
        thread::park();
        false
    };
    let points = KillPoints::new("spin").limit(MINUTE);
    if std::env::var_os("CENOTE_TESTKIT_STOPPED").is_some() {
        points.only(after_store).each(|round| {
            round.child(&words);
        });
    } else {
        points.only(|_| false).each(|round| {
            round.child(&words);
        });
    }
}

#[test]
fn the_death_of_the_test_takes_the_child_along() {
    let _watchdog = watchdog(MINUTE);
    for stopped in [false, true] {
        let folder = TempDir::new();
        let (path, pid) = (folder.join("area"), folder.join("pid"));
        let area = Area::create(&path, 4096);
        let mut again = agent::again();
        again.args(["--exact", "failures::hangs_with_a_child_when_told"]).env(HANG, folder.path());
        if stopped {
            again.env("CENOTE_TESTKIT_STOPPED", "1");
        }
        let mut test = again.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + MINUTE;
        // The child is before its store, or past it.
        while !(if stopped { fs::read(&pid).is_ok_and(|pid| !pid.is_empty()) } else { area.load(0) == 1 }) {
            assert!(Instant::now() < end, "the child does not begin");
            thread::yield_now();
        }
        test.kill().unwrap();
        test.wait().unwrap();
        expect_gone(&pid);
        assert_eq!(area.load(0), u64::from(!stopped), "it died without another step");
    }
}
