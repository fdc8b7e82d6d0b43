//! The mutex beside a mapping, shared with a program that takes it by its name.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use cenote::{Abandoned, ErrorKind, LockState, Segment, catalog};
use testkit::{Peer, agent, peers};

use super::{at, minute, peer, unique};

#[test]
fn each_keeps_the_other_out() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    let segment = Segment::create(at(&name), 64).unwrap();
    peer.ask(&format!("attach {name}")).expect_ok();

    let guard = segment.lock().unwrap();
    assert_eq!(guard.abandoned(), Abandoned::No);
    peer.ask("try-lock").expect_error("Timeout");
    peer.tell("lock");
    assert!(peer.reply(Duration::from_millis(50)).is_none(), "both have the lock");
    guard.unlock().unwrap();
    assert_eq!(peer.wait_for_reply().expect_ok(), "no");

    assert!(segment.try_lock().unwrap().is_none(), "both have the lock");
    let error = segment.lock_timeout(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| segment.lock_timeout(Duration::from_secs(20)).map(drop));
        peer.ask("unlock").expect_ok();
        waiter.join().unwrap().unwrap();
    });
    peer.ask("try-lock").expect_ok();
    peer.ask("unlock").expect_ok();
}

#[test]
fn two_handles_on_one_thread_exclude_each_other() {
    let (_watchdog, name) = (minute(), unique());
    let one = Segment::create(at(&name), 64).unwrap();
    let other = Segment::attach(at(&name)).unwrap();
    // The system would let the thread that has the mutex in once more.
    let guard = one.lock().unwrap();
    assert!(other.try_lock().unwrap().is_none());
    assert_eq!(other.lock_timeout(Duration::from_millis(20)).unwrap_err().kind(), ErrorKind::Timeout);
    assert!(one.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    drop(other.try_lock().unwrap().expect("it is free"));
}

/// The kernel has one mutex for both names, and would let the thread that has it in once more.
#[test]
fn the_bare_name_and_the_sessions_are_one_lock() {
    let (_watchdog, name) = (minute(), unique());
    let one = Segment::create(at(&name), 64).unwrap();
    let other = Segment::attach(at(name.strip_prefix(r"Local\").unwrap())).unwrap();
    one.write_at(0, &[0x2a]).unwrap();
    assert_eq!(other.read_value::<u8>(0).unwrap(), 0x2a);
    let guard = one.lock().unwrap();
    assert!(other.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    drop(other.try_lock().unwrap().expect("it is free"));
}

#[test]
fn four_processes_lose_no_count() {
    const TIMES: u64 = 10_000;
    let _watchdog = minute();
    let name = unique();
    let (Some(one), Some(two)) = (peer(), peer()) else { return };
    let segment = Segment::create(at(&name), 64).unwrap();
    let mut all: Vec<Peer> = vec![one, two, agent::spawn(), agent::spawn()];
    for (index, process) in all.iter_mut().enumerate() {
        let address = if index < 2 { name.clone() } else { at(&name) };
        process.ask(&format!("attach {address}")).expect_ok();
    }
    for process in &mut all {
        process.tell(&format!("increment 8 {TIMES}"));
    }
    for process in &mut all {
        process.wait_for_reply().expect_ok();
    }
    assert_eq!(segment.read_value::<u64>(8).unwrap(), 4 * TIMES);
}

/// Ends holders of the lock with TerminateProcess: the next, here or there, gets in and is told.
#[test]
fn a_killed_holder_hands_on_and_it_is_told() {
    let _watchdog = minute();
    let name = unique();
    let (Some(mut theirs), Some(mut witness)) = (peer(), peer()) else { return };
    let segment = Segment::create(at(&name), 64).unwrap();
    witness.ask(&format!("attach {name}")).expect_ok();

    theirs.ask(&format!("attach {name}")).expect_ok();
    theirs.ask("lock").expect_ok();
    theirs.kill();
    let guard = segment.lock_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Yes);
    guard.unlock().unwrap();
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::No, "said once");

    let mut ours = agent::spawn();
    ours.ask(&format!("attach {}", at(&name))).expect_ok();
    ours.ask("lock").expect_ok();
    witness.tell("lock");
    assert!(witness.reply(Duration::from_millis(50)).is_none(), "both have the lock");
    ours.kill();
    assert_eq!(witness.wait_for_reply().expect_ok(), "yes");
    witness.ask("unlock").expect_ok();
}

/// Whoever is attached keeps the mutex, so that its holder's death is remembered, even if nobody else ever locked.
#[test]
fn a_death_is_told_to_who_was_attached_and_never_locked() {
    let (_watchdog, name) = (minute(), unique());
    let segment = Segment::create(at(&name), 64).unwrap();
    let mut ours = agent::spawn();
    ours.ask(&format!("attach {}", at(&name))).expect_ok();
    ours.ask("lock").expect_ok();
    ours.kill();
    let guard = segment.lock_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Yes);
}

/// The mutex goes with its last handle, and with it what the system knew: then nobody claims to know.
#[test]
fn a_death_that_nobody_saw_is_not_called_none() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    let Some(mut server) = peers::command("cookbook/file-mapping") else { return };
    let mut server =
        server.args(["server", &name]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    while peer.ask(&format!("attach {name}")).ok().is_none() {}
    peer.ask("lock").expect_ok();
    peer.kill();
    peer.wait_until_gone();
    let segment = Segment::attach(at(&name)).unwrap();
    assert_eq!(segment.lock_timeout(Duration::from_secs(20)).unwrap().abandoned(), Abandoned::Unknown);
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::No, "from now on we see it");
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

/// Looking at a lock neither takes it nor hears of a death in another's place.
#[test]
fn whether_it_is_held_is_seen_without_taking_it() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    let state = || catalog::look(&at(&name).parse().unwrap()).unwrap().lock;
    let segment = Segment::create(at(&name), 64).unwrap();
    assert_eq!(state(), LockState::Free);
    peer.ask(&format!("attach {name}")).expect_ok();
    peer.ask("lock").expect_ok();
    // Not every version of the system tells who.
    let held = state();
    assert!(matches!(held, LockState::Held(pid) if pid.is_none_or(|pid| pid == peer.pid())), "{held:?}");
    peer.kill();
    peer.wait_until_gone();
    assert_eq!(state(), LockState::Free);
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::Yes);
}

#[test]
fn who_never_heard_of_the_lock_has_made_none() {
    let (_watchdog, name) = (minute(), unique());
    let Some(mut server) = peers::command("cookbook/file-mapping") else { return };
    let server = server.args(["server", &name]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("wrote it"), "{said}");
    let entry = catalog::look(&at(&name).parse().unwrap()).unwrap();
    assert_eq!(entry.lock, LockState::None);
    // With its input it ends.
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}
