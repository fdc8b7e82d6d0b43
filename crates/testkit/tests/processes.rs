//! Children under the testkit's care: how they end, and where they are put.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use testkit::cgroup::in_memory_cgroup;
use testkit::names::ShmName;
use testkit::{Peer, agent, peers, skipped, system, watchdog};

const MINUTE: Duration = Duration::from_secs(60);

/// A peer in a few lines of shell, which every machine has.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn replies_can_be_waited_for_and_missed() {
    let _watchdog = watchdog(MINUTE);
    let mut peer = Peer::spawn(shell("echo ready; read a; read b; echo ok $a-$b"));
    peer.tell("1");
    assert!(peer.reply(Duration::from_millis(50)).is_none());
    assert_eq!(peer.ask("2").expect_ok(), "1-2");
    peer.finish();
}

#[test]
#[should_panic(expected = "does not answer `lock`")]
fn a_silent_peer_is_named() {
    let mut peer = Peer::spawn(shell("echo ready; cat > /dev/null"));
    peer.set_patience(Duration::from_millis(50));
    peer.ask("lock");
}

#[test]
#[should_panic(expected = "ended in `lock`: exit status: 7")]
fn a_peer_that_ends_is_named() {
    let mut peer = Peer::spawn(shell("echo ready; read a; exit 7"));
    peer.ask("lock");
}

#[test]
fn a_killed_peer_is_gone_at_once() {
    let mut peer = Peer::spawn(shell("echo ready; exec cat"));
    peer.kill();
    assert!(peer.reply(Duration::from_secs(5)).is_none());
    assert!(!fs::exists(format!("/proc/{}/status", peer.pid())).unwrap());
}

#[test]
fn a_dropped_peer_is_killed() {
    let peer = Peer::spawn(shell("echo ready; exec cat"));
    let status = format!("/proc/{}/status", peer.pid());
    drop(peer);
    assert!(!fs::exists(status).unwrap());
}

#[test]
fn a_signal_reaches_the_peer() {
    let mut peer = Peer::spawn(shell("echo ready; exec cat"));
    system::signal(peer.pid(), 15);
    assert!(!peer.wait_until_gone().success());
}

#[test]
fn a_child_can_be_somebody_else() {
    if !system::has_root() {
        return;
    }
    let mut command = shell("echo ready; cat > /dev/null");
    let mut peer = Peer::spawn_from(system::as_other_user(&mut command));
    assert_eq!(fs::metadata(format!("/proc/{}", peer.pid())).unwrap().uid(), system::OTHER_USER);
    peer.kill();
}

#[test]
fn a_child_can_have_little_shared_memory() {
    let _watchdog = watchdog(MINUTE);
    if !system::has_root() {
        return;
    }
    let mut command = shell("echo ready; read a; stat -f -c 'ok %b %S' /dev/shm; ls -A /dev/shm | wc -l");
    let mut peer = Peer::spawn_from(system::in_small_shm(&mut command, 1 << 20));
    let reply = peer.ask("size");
    let numbers: Vec<u64> = reply.expect_ok().split(' ').map(|word| word.parse().unwrap()).collect();
    assert_eq!(numbers[0] * numbers[1], 1 << 20);
    assert_eq!(peer.wait_for_reply().line(), "0");
}

#[test]
fn a_small_shm_is_invisible_outside() {
    let _watchdog = watchdog(MINUTE);
    let Some(mut command) = peers::command("posix").filter(|_| system::has_root()) else { return };
    let name = ShmName::unique("inside");
    let mut peer = Peer::spawn_from(system::in_small_shm(&mut command, 1 << 20));
    peer.ask(&format!("create {} 4096", name.name())).expect_ok();
    assert!(!name.path().exists());
    peer.finish();
}

#[test]
fn a_memory_cgroup_holds_its_child_and_goes() {
    let _watchdog = watchdog(MINUTE);
    let group = match in_memory_cgroup(64 << 20) {
        Ok(group) => group,
        Err(error) => return skipped(&format!("no memory control group: {error}")),
    };
    let path = group.path().to_path_buf();
    let mut command = shell("echo ready; read a; cat /proc/self/cgroup | grep -c $a");
    let mut peer = Peer::spawn_from(group.confine(&mut command).unwrap());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(peer.ask(name).line(), "1");
    drop(peer);
    drop(group);
    assert!(!path.exists());
}

/// The variable that tells a second run of this program to hang, and so wake its watchdog.
const HANG: &str = "CENOTE_TESTKIT_HANG";

#[test]
fn hangs_when_told() {
    if std::env::var_os(HANG).is_none() {
        return;
    }
    let _watchdog = watchdog(Duration::from_millis(100));
    let peer = Peer::spawn(shell("echo ready; exec sleep 60"));
    println!("child {}", peer.pid());
    std::thread::sleep(MINUTE);
}

#[test]
fn a_watchdog_names_the_test_and_takes_the_children() {
    let _watchdog = watchdog(MINUTE);
    let mut again = agent::again();
    again.args(["--exact", "hangs_when_told", "--nocapture"]).env(HANG, "1");
    let output = again.output().unwrap();
    assert!(!output.status.success());
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(complained.contains("watchdog: `hangs_when_told` is not done"), "{complained}");
    let pid = said.lines().find_map(|line| line.split_once("child ")).map(|(_, pid)| pid.trim()).unwrap();
    // Its parent is gone as well: it may stay as a zombie until somebody reaps it. The kernel takes its time.
    let is_gone = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ") || status.contains("State:\tX")
    };
    while !is_gone() {
        std::thread::yield_now();
    }
}
