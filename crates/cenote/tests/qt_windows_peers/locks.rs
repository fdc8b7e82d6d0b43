//! The lock: one for both, and stuck for both when its holder is killed.

use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, ErrorKind, LockState, Segment, catalog};
use testkit::{Peer, agent, watchdog};

use super::{Key, LATE, SOON, minute, peer, with_each_key};

#[test]
fn each_keeps_the_other_out() {
    with_each_key(|mut qt, key| {
        let ours = Segment::create(&*key.address, 64).unwrap();
        qt.ask(&format!("attach {}", key.word)).expect_ok();
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        let (error, start) = (ours.lock_timeout(SOON).unwrap_err(), Instant::now());
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(start.elapsed() < LATE);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| ours.lock_timeout(LATE).map(|guard| guard.abandoned()));
            qt.ask("unlock").expect_ok();
            assert_eq!(waiter.join().unwrap().unwrap(), Abandoned::Unknown);
        });

        let guard = ours.lock_timeout(LATE).unwrap();
        qt.tell("lock");
        assert!(qt.reply(SOON).is_none(), "Qt's lock() waits for ours");
        guard.unlock().unwrap();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

/// For tens of thousands of turns, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn four_processes_lose_no_count() {
    const TIMES: u64 = 10_000;
    // Every increment is a way from process to process and back.
    let _watchdog = watchdog(3 * PATIENCE);
    for key in [Key::legacy(), Key::native()] {
        let (Some(one), Some(two)) = (peer(), peer()) else { return };
        let segment = Segment::create(&*key.address, 64).unwrap();
        let mut all: Vec<Peer> = vec![one, two, agent::spawn(), agent::spawn()];
        for (index, process) in all.iter_mut().enumerate() {
            let name = if index < 2 { &key.word } else { &key.address };
            process.ask(&format!("attach {name}")).expect_ok();
        }
        for process in &mut all {
            process.set_patience(PATIENCE);
            process.tell(&format!("increment 8 {TIMES}"));
        }
        for process in &mut all {
            process.wait_for_reply().expect_ok();
        }
        assert_eq!(segment.read_value::<u64>(8).unwrap(), 4 * TIMES);
    }
}

/// Qt makes, attaches and detaches under the lock. A mapping needs none of that.
#[test]
fn only_qt_waits_for_the_lock_to_attach() {
    with_each_key(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.word)).expect_ok();
        qt.ask("lock").expect_ok();
        let ours = Segment::attach(&*key.address).unwrap();
        assert_eq!(Segment::create(&*key.address, 64).unwrap_err().kind(), ErrorKind::AlreadyExists);
        ours.detach().unwrap();
        qt.ask("unlock").expect_ok();

        let ours = Segment::attach(&*key.address).unwrap();
        let Some(mut other) = peer() else { return };
        let guard = ours.lock_timeout(LATE).unwrap();
        other.tell(&format!("attach {}", key.word));
        assert!(other.reply(SOON).is_none());
        guard.unlock().unwrap();
        other.wait_for_reply().expect_ok();
        other.finish();
        qt.finish();
    });
}

/// Nobody gives back what a killed process has taken from a semaphore: Qt waits for ever. Ours can stop waiting, has the
/// memory all the same, and can free the lock for Qt too.
#[test]
fn a_killed_holder_on_either_side_leaves_the_lock_stuck_until_it_is_broken() {
    for ours_dies in [false, true] {
        with_each_key(|mut witness, key| {
            let segment = Segment::create(&*key.address, 64).unwrap();
            let (name, mut holder) = if ours_dies {
                (&key.address, agent::spawn())
            } else {
                let Some(qt) = peer() else { return };
                (&key.word, qt)
            };
            holder.ask(&format!("attach {name}")).expect_ok();
            witness.ask(&format!("attach {}", key.word)).expect_ok();
            holder.ask("lock").expect_ok();
            holder.kill();

            witness.tell("lock");
            assert!(witness.reply(SOON).is_none(), "nobody gives it back");
            let error = segment.lock_timeout(SOON).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(error.hint().contains("--break --force"), "{}", error.hint());
            let error = Segment::options().break_lock(&*key.address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LockError, "others have it open: {error}");
            assert!(error.hint().contains("end the programs"), "{}", error.hint());
            let late = Segment::attach(&*key.address).unwrap();
            late.write_at(0, b"reached").unwrap();
            late.detach().unwrap();

            assert!(Segment::options().break_lock_by_force(&*key.address).unwrap());
            witness.wait_for_reply().expect_ok();
            assert!(segment.try_lock().unwrap().is_none(), "freed once");
            witness.ask("unlock").expect_ok();
            assert!(!Segment::options().break_lock_by_force(&*key.address).unwrap(), "it is free");
            assert!(!Segment::options().break_lock(&*key.address).unwrap(), "it is free");
            let guard = segment.lock_timeout(LATE).unwrap();
            assert_eq!(guard.abandoned(), Abandoned::Unknown);
            guard.unlock().unwrap();
            witness.finish();
        });
    }
}

#[test]
fn a_stuck_lock_goes_with_the_last_who_has_it_open() {
    with_each_key(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.word)).expect_ok();
        let mut ours = agent::spawn();
        ours.ask(&format!("attach {}", key.address)).expect_ok();
        qt.ask("lock").expect_ok();
        qt.kill();
        ours.ask("try-lock").expect_error("Timeout");
        ours.finish();
        let segment = Segment::create(&*key.address, 64).unwrap();
        drop(segment.try_lock().unwrap().expect("a new one is free"));
    });
}

/// Two would have it from then on, and for ever.
#[test]
fn a_lock_that_was_broken_while_it_was_held_lets_in_one() {
    let (_watchdog, key) = (minute(), Key::legacy());
    let segment = Segment::create(&*key.address, 64).unwrap();
    let other = Segment::attach(&*key.address).unwrap();
    let guard = segment.lock().unwrap();
    assert!(Segment::options().break_lock_by_force(&*key.address).unwrap());
    let error = guard.unlock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    assert!(error.to_string().contains("freed the lock while it was held"), "{error}");
    let guard = segment.try_lock().unwrap().expect("it is free");
    assert!(other.try_lock().unwrap().is_none(), "one at a time");
    drop(guard);
}

#[test]
fn eight_who_break_it_at_once_free_it_once() {
    let (_watchdog, key) = (minute(), Key::native());
    let segment = Segment::create(&*key.address, 64).unwrap();
    let mut holder = agent::spawn();
    holder.ask(&format!("attach {}", key.address)).expect_ok();
    holder.ask("lock").expect_ok();
    holder.kill();
    let freed: usize = thread::scope(|scope| {
        let breaker = || Segment::options().break_lock_by_force(&*key.address).unwrap();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(breaker)).collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(freed, 1);
    let other = Segment::attach(&*key.address).unwrap();
    let _guard = segment.try_lock().unwrap().expect("it is free");
    assert!(other.try_lock().unwrap().is_none(), "one at a time");
}

#[test]
fn a_lock_of_qts_can_be_used_for_something_else() {
    let (_watchdog, key) = (minute(), Key::legacy());
    let Some(mut qt) = peer() else { return };
    let other = format!(r"windows:Local\{}", testkit::names::unique("other"));
    let _maker = Segment::create(&*other, 64).unwrap();
    let options = Segment::options().lock_with(&*key.address).unwrap();
    let ours = options.attach(&*other).unwrap();
    qt.ask(&format!("create {} 64", key.word)).expect_ok();
    qt.ask("lock").expect_ok();
    assert!(ours.try_lock().unwrap().is_none());
    qt.ask("unlock").expect_ok();
    drop(ours.try_lock().unwrap().expect("it is free"));
}

/// Nobody takes it for that, and the holder is not told apart from those who wait.
#[test]
fn whether_it_is_held_is_seen_and_who_has_it_open() {
    with_each_key(|mut qt, key| {
        let look = || catalog::look(&key.address.parse().unwrap()).unwrap();
        let ours = Segment::create(&*key.address, 64).unwrap();
        qt.ask(&format!("attach {}", key.word)).expect_ok();
        let entry = look();
        assert_eq!((entry.lock, entry.stat.attached, entry.holders.len()), (LockState::Free, Some(2), 2));
        qt.ask("lock").expect_ok();
        let entry = look();
        assert_eq!(entry.lock, LockState::Held(None));
        let users: Vec<u32> = entry.lock_users.iter().map(|user| user.pid).collect();
        assert!(users.contains(&qt.pid()) && users.contains(&std::process::id()), "{entry:?}");
        let users = catalog::lock_users(&key.address.parse().unwrap(), None).unwrap().unwrap();
        assert_eq!((users.state, users.users.len()), (LockState::Held(None), 2));
        qt.ask("unlock").expect_ok();
        assert_eq!(look().lock, LockState::Free);
        drop(ours.try_lock().unwrap().expect("looking has not taken it"));
        qt.finish();
    });
}
