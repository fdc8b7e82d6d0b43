//! This program, started once more for one task: most of them end badly, and on purpose.

use std::process::{Command, Output, Stdio};

use testkit::agent;

use crate::{attacker, faults, native_keys, qt_semaphore};

const TASK: &str = "CENOTE_TEST_TASK";
const ARGUMENT: &str = "CENOTE_TEST_ARGUMENT";

/// What a child can be asked to do with its argument. It ends by itself, or by the signal that it provokes.
type Task = fn(&str);

const TASKS: [(&str, Task); 9] = [
    ("attack", attacker::run),
    ("fault", faults::fault_elsewhere),
    ("fault-with-a-segment", faults::fault_elsewhere_with_a_segment),
    ("fault-after-a-loss", faults::fault_elsewhere_after_a_loss),
    ("own-handler", faults::fault_with_a_handler_of_its_own),
    ("raise", faults::raise_again_and_again),
    ("go-elsewhere", native_keys::go_elsewhere),
    ("take-all", qt_semaphore::take_all),
    ("overflow", faults::overflow_the_stack_with_a_segment),
];

/// Does the task, and ends the process, if it was started for one.
pub(crate) fn run_if_asked() {
    let Some(task) = std::env::var_os(TASK) else { return };
    let argument = std::env::var(ARGUMENT).unwrap();
    let (_, run) = TASKS.iter().find(|(name, _)| *name == task).expect("a known task");
    run(&argument);
    std::process::exit(0);
}

/// The command that starts a child for a task.
pub(crate) fn command(task: &str, argument: &str) -> Command {
    let mut command = agent::again();
    command.args(["child", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
    command.env(TASK, task).env(ARGUMENT, argument).stdin(Stdio::null());
    command
}

/// Runs a child to its end.
pub(crate) fn output(task: &str, argument: &str) -> Output {
    command(task, argument).output().unwrap()
}
