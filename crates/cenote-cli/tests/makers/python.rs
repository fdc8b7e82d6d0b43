//! Python's `multiprocessing.shared_memory`, with the names that it gives by itself and with its resource tracker.

use std::process::{Command, Stdio};

use testkit::peers;

use crate::program::Program;
use crate::room::{Room, in_a_room};
use crate::trial::Trial;

/// A segment as Python's own documentation makes one. Each number that comes is written there and read.
const SCRIPT: &str = r#"
import sys
from multiprocessing.shared_memory import SharedMemory

memory = SharedMemory(create=True, size=8192)
print("ready", flush=True)
for line in sys.stdin:
    if line == "exit\n":
        break
    memory.buf[0] = int(line)
    print("ok", memory.buf[0], flush=True)
memory.close()
memory.unlink()
print("ok", flush=True)
"#;

pub(crate) fn start() -> Option<Program> {
    let mut python = Command::new(peers::command("python")?.get_program());
    Some(Program::start(python.args(["-c", SCRIPT]).stderr(Stdio::null())))
}

pub(crate) fn goes_on(program: &mut Program) {
    for number in ["41", "42"] {
        assert_eq!(program.ask(number).expect_ok(), number);
    }
}

const MAKER: Trial<'_> = Trial { maker: Some("Python"), patterns: &["posix:/psm_*"], goes_on };

#[test]
fn killed_with_its_resource_tracker() {
    in_a_room(|room| {
        let (Some(lives), Some(dies)) = (start(), start()) else { return };
        assert_eq!(dies.pids().len(), 2, "its resource tracker is a child of it");
        MAKER.run(room, lives, dies);
    });
}

/// The tracker lives on a moment, and removes the segment itself: nothing is left to reap.
#[test]
fn killed_without_its_resource_tracker() {
    in_a_room(|room: &Room| {
        let Some(mut program) = start() else { return };
        let made = MAKER.made(room, &program);
        program.kill_first();
        for address in &made {
            room.until_gone(address);
        }
    });
}
