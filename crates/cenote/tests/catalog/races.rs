//! Who comes while somebody reaps: nobody loses what is live.

use std::time::Duration;

use cenote::Segment;
use testkit::agent;
use testkit::names::{ShmName, unique};
use testkit::sysv::SysvKey;

use super::helper::Helper;
use super::{Left, minutes};

/// Two come and go a thousand times, and are killed now and then, while two others reap without a pause.
#[test]
fn no_attach_loses_a_live_native_segment() {
    let _watchdog = minutes();
    let name = unique("race");
    let address = format!("cenote:{name}");
    let _left = Left(address.clone());
    let reapers = [Helper::start(&["reap", &address]), Helper::start(&["reap", &address])];
    let mut comers = [agent::spawn(), agent::spawn()];
    let (mut attaches, mut kills) = (0, 0);
    while attaches < 1000 {
        for comer in &mut comers {
            comer.ask(&format!("open-or-create {address} 64")).expect_ok();
            attaches += 1;
        }
        // Both have it, and it is one and the same: whoever lost it would have one of their own.
        comers[0].ask(&format!("write 0 {:08x}", attaches)).expect_ok();
        let read = comers[1].ask("read 0 4");
        assert_eq!(read.expect_ok(), format!("{attaches:08x}"), "after {attaches} attaches");
        for comer in &mut comers {
            assert!(comer.ask("stat").expect_ok().ends_with("false"), "it has lost its name");
        }
        if attaches % 50 == 0 {
            kills += 1;
            for comer in &mut comers {
                comer.kill();
                comer.wait_until_gone();
                *comer = agent::spawn();
            }
        } else {
            for comer in &mut comers {
                comer.ask("detach").expect_ok();
            }
        }
    }
    drop(comers);
    let removed: u64 = reapers.into_iter().flat_map(Helper::stop).sum();
    println!("{attaches} attaches, {kills} times all were killed, {removed} reaped");
    assert!(removed > 0, "nothing was reaped: this shows nothing");
}

/// What is kept has no holder now and then, and is wanted all the same by whoever comes next: it is either found and stays, or gone.
#[test]
fn no_attach_loses_a_kept_native_segment() {
    let _watchdog = minutes();
    let address = format!("cenote:{}", unique("race"));
    let (came, lost, removed) = meet("reap-kept", &address, std::slice::from_ref(&address));
    assert!(came > 0 && removed > 0, "they did not meet: this shows nothing");
    assert_eq!(lost, 0, "of {came}");
}

/// Of other kinds the window is measured. `docs/catalog.md` has what came out.
#[test]
fn of_other_kinds_few_lose_what_they_come_for() {
    let _watchdog = minutes();
    let names: Vec<ShmName> = (0..4).map(|_| ShmName::unique("race")).collect();
    let posix: Vec<String> = names.iter().map(|name| format!("posix:{}", name.name())).collect();
    let key = SysvKey::unique();
    let sysv = format!("sysv:{:#010x}", key.key());
    let pattern = format!("posix:cenote-test-race-{}-*", std::process::id());
    for (pattern, addresses, most) in [(&pattern, posix, 0.01), (&sysv, vec![sysv.clone()], 0.05)] {
        let (came, lost, removed) = meet("reap", pattern, &addresses);
        assert!(came > 0 && removed > 0, "they did not meet: this shows nothing");
        // Of what was reaped: without the last look it is a multiple of that.
        assert!(lost as f64 <= 2.0 + removed as f64 * most, "{lost} lost, {removed} reaped");
    }
}

/// Two come and one reaps, for a while: how many came, how many of them lost what they came for, and how much was reaped.
fn meet(how: &str, pattern: &str, addresses: &[String]) -> (u64, u64, u64) {
    let reaper = Helper::start(&[how, pattern]);
    let words: Vec<&str> = std::iter::once("come").chain(addresses.iter().map(String::as_str)).collect();
    let comers = [Helper::start(&words), Helper::start(&words)];
    std::thread::sleep(measured());
    let (mut came, mut lost) = (0, 0);
    for counts in comers.map(Helper::stop) {
        came += counts[0];
        lost += counts[1];
    }
    let removed = reaper.stop()[0];
    for address in addresses {
        let _ = Segment::remove(&**address);
    }
    println!("{pattern}: {came} came, {lost} lost what they came for, {removed} reaped");
    (came, lost, removed)
}

/// For how long: `CENOTE_TEST_RACE_SECONDS` says otherwise.
fn measured() -> Duration {
    let seconds = std::env::var("CENOTE_TEST_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}
