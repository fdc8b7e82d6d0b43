//! Whole runs of the program: what its report says, what becomes of contenders that are killed or hang, and that nothing
//! is left behind. The processes are real, and so are the signals.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(120);

/// Runs use the same two cores, and each looks at what the other would have left: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run with a report, whose output nobody reads.
struct Run {
    child: Child,
    report: PathBuf,
}

impl Run {
    fn start(options: &[&str]) -> Self {
        let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.json", options.join("-")));
        let _ = fs::remove_file(&report);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cenote-bench"));
        command.args(options).arg("--quick").arg("--report").arg(&report);
        let child = command.stdout(Stdio::null()).spawn().expect("the program starts");
        Self { child, report }
    }

    /// Waits until the run has ended, and returns its status.
    fn end(&mut self) -> Option<i32> {
        wait_until("the run ends", || self.child.try_wait().expect("it is ours")).code()
    }

    fn rows(mut self) -> Vec<Value> {
        assert_eq!(self.end(), Some(0));
        let text = fs::read_to_string(&self.report).expect("a report");
        serde_json::from_str(&text).expect("an array of objects")
    }

    /// A process of the run in this role, of this contender.
    fn process(&self, role: &str, contender: &str) -> i32 {
        wait_until("the process is there", || {
            let path = format!("/proc/{0}/task/{0}/children", self.child.id());
            let children = fs::read_to_string(path).unwrap_or_default();
            let is_it = |process: &&str| {
                let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                line.contains(&format!("\0{role}\0"))
                    && line.contains(&format!("\"contender\":\"{contender}\""))
            };
            children.split_whitespace().find(is_it).map(|process| process.parse().expect("a number"))
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not after {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(process: i32, name: &str) {
    let status = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(status.expect("kill(1)").success());
}

/// What a run could leave: its files, and whatever System V has.
fn traces() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("cb-") || name.starts_with("cenote-bench-") {
            found.insert(name);
        }
    }
    for kind in ["shm", "sem", "msg"] {
        let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let keys =
            table.lines().skip(1).filter_map(|line| line.split_whitespace().next()?.parse::<i32>().ok());
        // The keys that runs take.
        found.extend(keys.filter(|key| key >> 20 == 0xBE).map(|key| format!("{kind} {key:#x}")));
    }
    found
}

fn of<'a>(rows: &'a [Value], contender: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["contender"] == contender).collect()
}

fn samples(rows: &[&Value]) -> u64 {
    rows.iter().filter_map(|row| row["samples"].as_u64()).sum()
}

#[test]
fn a_run_reports_every_contender_and_leaves_nothing() {
    let _alone = alone();
    let before = traces();
    let rows = Run::start(&["--only", "sleep_rtt_one_core", "--only", "loan_rtt"]).rows();
    assert_eq!(traces(), before);
    for contender in ["iceoryx2", "pipe", "posix_mq", "sysv_queue", "sysv_shm", "robust_mutex", "futex"] {
        let rows = of(&rows, contender);
        assert!(samples(&rows) >= 30, "{contender}: {rows:?}");
        for row in rows.iter().filter(|row| row["samples"].as_u64() >= Some(30)) {
            let [min, median, max] = ["min", "median", "max"].map(|field| row[field].as_f64().unwrap());
            assert!(0.0 < min && min <= median && median <= max, "{row}");
            assert!(row["floor_ns"].as_f64() > Some(1.0), "{row}");
        }
    }
    assert!(rows.iter().all(|row| row["bucket"] == "near" || row["bucket"] == "far"));
    assert!(of(&rows, "line").is_empty(), "a bare line can neither sleep nor lend");
}

#[test]
fn a_killed_process_costs_its_contender_and_no_other() {
    let _alone = alone();
    let before = traces();
    for (role, contender) in [("answer", "sysv_shm"), ("drive", "iceoryx2")] {
        let options = ["--only", "rtt", "--contender", contender, "--contender", "pipe"];
        let run = Run::start(&options);
        signal(run.process(role, contender), "-KILL");
        let rows = run.rows();
        let notes: Vec<&str> = of(&rows, contender).iter().filter_map(|row| row["note"].as_str()).collect();
        assert!(notes.iter().any(|note| note.contains("is gone")), "{notes:?}");
        assert!(
            of(&rows, "pipe").iter().all(|row| row["note"].as_str().is_none_or(|note| note.contains("seen")))
        );
        assert_eq!(traces(), before, "after {role} of {contender}");
    }
}

#[test]
fn a_process_that_hangs_is_ended() {
    let _alone = alone();
    let before = traces();
    let options =
        ["--only", "sleep_rtt", "--contender", "posix_mq", "--contender", "pipe", "--patience", "2"];
    let run = Run::start(&options);
    signal(run.process("answer", "posix_mq"), "-STOP");
    let rows = run.rows();
    assert_eq!(traces(), before);
    let notes: Vec<&str> = of(&rows, "posix_mq").iter().filter_map(|row| row["note"].as_str()).collect();
    assert!(
        notes.iter().any(|note| note.contains("no answer within 2s") || note.contains("does not sleep")),
        "{notes:?}"
    );
    assert!(samples(&of(&rows, "pipe")) >= 30);
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let _alone = alone();
    let before = traces();
    let mut run = Run::start(&["--only", "stream"]);
    run.process("answer", "sysv_shm");
    signal(run.child.id() as i32, "-INT");
    assert_eq!(run.end(), Some(130));
    assert_eq!(traces(), before);
}

#[test]
fn what_a_killed_run_left_goes_with_the_next() {
    let _alone = alone();
    let before = traces();
    let mut run = Run::start(&["--only", "stream"]);
    run.process("answer", "memcpy");
    signal(run.child.id() as i32, "-KILL");
    run.end();
    let left: Vec<String> = traces().difference(&before).cloned().collect();
    assert!(left.iter().any(|trace| trace.starts_with("cenote-bench-")), "{left:?}");
    Run::start(&["--only", "rtt", "--contender", "line"]).rows();
    assert_eq!(traces(), before);
}
