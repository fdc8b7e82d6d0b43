//! Who comes while somebody reaps: nobody loses what is live.

use std::time::Duration;

use cenote::Segment;
use testkit::agent;
use testkit::names::{ShmName, unique};
use testkit::sysv::SysvKey;

use super::helper::Helper;
use super::minutes;

/// Two come and go a thousand times, and are killed now and then, while two others reap without a pause.
#[test]
fn no_attach_loses_a_live_native_segment() {
    let _watchdog = minutes();
    let name = unique("race");
    let address = format!("cenote:{name}");
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
    let _ = Segment::remove(&*address);
}

/// Of other kinds the window is measured. `docs/catalog.md` has what came out.
#[test]
fn of_other_kinds_few_lose_what_they_come_for() {
    let _watchdog = minutes();
    let names: Vec<ShmName> = (0..32).map(|_| ShmName::unique("race")).collect();
    let posix: Vec<String> = names.iter().map(|name| format!("posix:{}", name.name())).collect();
    let key = SysvKey::unique();
    let sysv = format!("sysv:{:#010x}", key.key());
    let pattern = format!("posix:cenote-test-race-{}-*", std::process::id());
    for (pattern, addresses, most) in [(&pattern, posix, 0.001), (&sysv, vec![sysv.clone()], 0.01)] {
        let reaper = Helper::start(&["reap", pattern]);
        let mut words = vec!["come"];
        words.extend(addresses.iter().map(String::as_str));
        let comers = [Helper::start(&words), Helper::start(&words)];
        std::thread::sleep(measured());
        let (mut came, mut lost) = (0, 0);
        for counts in comers.map(Helper::stop) {
            came += counts[0];
            lost += counts[1];
        }
        let removed = reaper.stop()[0];
        println!("{pattern}: {came} came, {lost} lost what they came for, {removed} reaped");
        assert!(came > 0 && removed > 0, "they did not meet: this shows nothing");
        assert!((lost as f64) <= (came as f64) * most, "{lost} of {came}");
        for address in addresses {
            let _ = Segment::remove(&*address);
        }
    }
}

/// For how long: `CENOTE_TEST_RACE_SECONDS` says otherwise.
fn measured() -> Duration {
    let seconds = std::env::var("CENOTE_TEST_RACE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}
