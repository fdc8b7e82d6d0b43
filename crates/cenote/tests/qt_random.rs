//! Two of ours and two Qt programs create, attach, lock, detach and die in random order, with a fixed seed: never two
//! holders, never a semaphore above 1, nothing left at the end.
//!
//! The test keeps a model of who holds what, and asks for nothing that Qt itself is known to break: Qt's `create()`
//! resets a lock that is held, and its creator removes the semaphore under everybody's hands when it ends, so these
//! happen only while nobody holds or waits. Everything else happens at any time, kills above all.
//!
//! On POSIX the creator takes the semaphore's name away even when it only detaches, so there a creator of Qt's stays
//! until it is killed or the round ends; and a lock whose holder was killed has to be broken.

use std::time::Duration;

use cenote::Segment;
use testkit::qt::QtKey;
use testkit::{Peer, Rng, agent, peers, watchdog};

const STEPS: u64 = 40;

#[test]
fn agent() {
    agent::serve_if_asked();
}

/// A program, and what the model knows of it.
struct Player {
    peer: Peer,
    start: fn() -> Option<Peer>,
    is_qt: bool,
    attached: bool,
    holds: bool,
    /// Asked for the lock, and not answered yet.
    waits: bool,
}

impl Player {
    fn new(start: fn() -> Option<Peer>, is_qt: bool) -> Option<Self> {
        Some(Self { peer: start()?, start, is_qt, attached: false, holds: false, waits: false })
    }

    fn name(&self, key: &QtKey) -> String {
        if self.is_qt { key.word() } else { address(key) }
    }

    /// Killed, and replaced by a new one that knows nothing.
    fn die(&mut self) {
        self.peer.kill();
        *self = Self::new(self.start, self.is_qt).expect("it was there before");
    }
}

#[test]
fn never_two_holders_and_nothing_left() {
    with_two_qts(300, QtKey::unique, peers::qt5, peers::qt6);
}

/// Fewer rounds: Python takes its time to start, and every round starts all players anew.
#[test]
fn never_two_holders_and_nothing_left_with_a_newer_qt() {
    with_two_qts(100, QtKey::unique, peers::qt6, peers::pyside);
}

#[test]
fn never_two_holders_and_nothing_left_on_posix() {
    with_two_qts(100, QtKey::posix, peers::pyside, peers::pyside);
}

fn address(key: &QtKey) -> String {
    format!("qt:{}", key.text())
}

fn with_two_qts(
    rounds: u32,
    make_key: fn() -> QtKey,
    one: fn() -> Option<Peer>,
    other: fn() -> Option<Peer>,
) {
    let _watchdog = watchdog(Duration::from_secs(300));
    let players = [
        Player::new(|| Some(agent::spawn()), false),
        Player::new(|| Some(agent::spawn()), false),
        Player::new(one, true),
        Player::new(other, true),
    ];
    let Some(mut players) = players.into_iter().collect::<Option<Vec<_>>>() else { return };
    let mut rng = Rng::new(0x5eed);
    let mut tally = [0_u32; 7];
    for round in 0..rounds {
        let key = make_key();
        play(round, &key, &mut players, &mut rng, &mut tally);
    }
    assert!(tally.iter().all(|&count| count > rounds / 6), "every kind of step happened often: {tally:?}");
    for player in players {
        player.peer.finish();
    }
}

fn play(round: u32, key: &QtKey, players: &mut [Player], rng: &mut Rng, tally: &mut [u32; 7]) {
    let address = address(key);
    let is_posix = address.starts_with("qt:posix:");
    let mut exists = false;
    // A Qt program that made a POSIX semaphore, and takes its name away when it leaves.
    let mut maker = None;
    for step in 0..STEPS {
        let who = rng.below(players.len() as u64) as usize;
        let busy = players.iter().any(|player| player.holds || player.waits);
        let what = rng.below(10);
        let context = format!("round {round}, step {step}, player {who}");
        let player = &mut players[who];
        let name = player.name(key);
        match what {
            // Only one that waits for nothing can be asked.
            _ if player.waits && what < 9 => continue,
            0..=2 if !player.attached && !exists && !busy => {
                player.peer.ask(&format!("create {name} 64")).expect_ok();
                (player.attached, exists) = (true, true);
                maker = (is_posix && player.is_qt).then_some(who);
                tally[0] += 1;
            }
            // On POSIX a Qt program that finds nothing makes a semaphore even so.
            0..=2 if !player.attached && !busy && (exists || !is_posix) => {
                let reply = player.peer.ask(&format!("attach {name}"));
                assert_eq!(reply.ok().is_some(), exists, "{context}: {}", reply.line());
                player.attached = exists;
                tally[1] += 1;
            }
            3..=5 if player.attached && !player.holds => {
                player.peer.tell("lock");
                player.waits = true;
                tally[2] += 1;
            }
            6..=7 if player.holds => {
                player.peer.ask("unlock").expect_ok();
                player.holds = false;
                tally[3] += 1;
            }
            8 if player.attached && !busy && maker != Some(who) => {
                player.peer.ask("detach").expect_ok();
                player.attached = false;
                // The last one removes it, unless it was left over when the first of those now attached came.
                exists = segment_exists(&address);
                tally[4] += 1;
            }
            9 if player.holds || rng.one_in(3) => {
                let held = player.holds;
                tally[if held { 5 } else { 6 }] += 1;
                player.die();
                maker = maker.filter(|&maker| maker != who);
                if is_posix && held {
                    let broken = Segment::options().break_lock_by_force(address.as_str());
                    assert!(broken.unwrap(), "{context}: the dead holder's lock is still taken");
                }
            }
            _ => continue,
        }
        settle(players, &context);
        assert!(value_of(key) <= 1, "{context}: the semaphore is above 1");
    }
    // The end of a round: all let go, leave, and are started anew, so that no program owns what the next one makes.
    for who in 0..players.len() {
        while players.iter().any(|player| player.holds) {
            let holder = players.iter_mut().find(|player| player.holds).expect("there is one");
            holder.peer.ask("unlock").expect_ok();
            holder.holds = false;
            settle(players, &format!("end of round {round}"));
        }
        if players[who].attached {
            players[who].peer.ask("detach").expect_ok();
            players[who].attached = false;
        }
    }
    let fresh: Vec<_> = players.iter().map(|player| (player.start, player.is_qt)).collect();
    for (player, (start, is_qt)) in players.iter_mut().zip(fresh) {
        let old = std::mem::replace(player, Player::new(start, is_qt).expect("it was there before"));
        old.peer.finish();
    }
    // What the killed ones left.
    let _ = Segment::remove(address.as_str());
    let left = key.files();
    assert!(left.is_empty(), "round {round} leaves {left:?}");
}

/// Waits until the lock is where it must be: if anybody waits, exactly one has it.
fn settle(players: &mut [Player], context: &str) {
    if players.iter().any(|player| player.waits) {
        let held = players.iter().any(|player| player.holds);
        // A holder keeps the others out; without one, the first of those that wait gets it.
        let patience = if held { Duration::ZERO } else { Duration::from_secs(20) };
        let end = std::time::Instant::now() + patience;
        loop {
            for player in players.iter_mut().filter(|player| player.waits) {
                if let Some(reply) = player.peer.reply(Duration::from_millis(u64::from(!held))) {
                    reply.expect_ok();
                    (player.waits, player.holds) = (false, true);
                }
            }
            if players.iter().any(|player| player.holds) {
                break;
            }
            assert!(std::time::Instant::now() < end, "{context}: the lock is free and nobody gets it");
        }
    }
    let holders = players.iter().filter(|player| player.holds).count();
    assert!(holders <= 1, "{context}: {holders} have the lock");
}

fn segment_exists(address: &str) -> bool {
    Segment::stat_of(address).is_ok()
}

/// The semaphore's value, as the kernel has it; 0 if there is none.
fn value_of(key: &QtKey) -> i32 {
    let Ok(bytes) = std::fs::read(key.posix_semaphore_path()) else {
        let path = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
        return testkit::sysv::semaphore_value(&path, b'Q').unwrap_or(0);
    };
    // The first word of glibc's `sem_t`.
    i32::from_ne_bytes(bytes[..4].try_into().expect("four bytes"))
}
