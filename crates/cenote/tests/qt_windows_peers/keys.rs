//! From a key to the names of the kernel's objects, as Qt has them.

use cenote::qt::{KeyType, NativeKey};
use cenote::{ErrorKind, Segment, SemaphoreKey, SystemSemaphore};
use testkit::words::encode;

use super::{Key, minute, peer};

/// Keys of every sort, each once with a text of its own before it.
fn tails() -> Vec<String> {
    let tails =
        ["foo", "a key", "1-2", "", "Noël", "日本", "😀", "a/b", "/a//b", "%41", "50%", "a?b#c", "a:b", "."];
    let long = ["x".repeat(200), "é".repeat(200), "日本".repeat(100)];
    tails.into_iter().map(str::to_owned).chain(long).collect()
}

#[test]
fn every_key_becomes_the_native_key_that_qt_makes_of_it() {
    let _watchdog = minute();
    let Some(mut qt) = peer() else { return };
    let spaces = [r"Local\x", r"Global\x", r"Local\Global\x", r"local\x", r"a\b", r"\", r"Local\"];
    let keys = tails().into_iter().filter(|key| !key.is_empty()).chain(spaces.map(str::to_owned));
    // With `shm_` before it, as long as all of Qt has it.
    for key in keys.chain(["x".repeat(256), "😀".repeat(128)]) {
        type Make = fn(&str, KeyType) -> cenote::Result<NativeKey>;
        let ways: [(&str, Make); 4] = [
            ("platform-key", NativeKey::of_segment),
            ("sem-platform-key", NativeKey::of_semaphore),
            ("legacy-key", NativeKey::legacy_of_segment),
            ("sem-legacy-key", NativeKey::legacy_of_semaphore),
        ];
        for (command, ours) in ways {
            let theirs = qt.ask(&format!("{command} {} windows", encode(&key)));
            let ours = ours(&key, KeyType::Windows).unwrap();
            assert_eq!(theirs.expect_ok(), encode(&ours.to_string()), "{command} of {key:?}");
        }
        let theirs = qt.ask(&format!("native-key {}", encode(&key)));
        assert_eq!(theirs.expect_ok(), cenote::qt::legacy_segment_name(&key));
    }
    for (kind, ours) in
        [("windows", KeyType::Windows), ("posix", KeyType::Posix), ("systemv", KeyType::SYSTEM_V)]
    {
        let theirs = qt.ask(&format!("type-supported {kind}"));
        assert_eq!(theirs.expect_ok(), ours.is_supported().to_string(), "{kind}");
    }
    assert_eq!((KeyType::DEFAULT, KeyType::LEGACY_DEFAULT), (KeyType::Windows, KeyType::Windows));
}

/// Qt 6.6 takes any length; newer versions cut the name after 260 units. Nobody can tell which one is meant.
#[test]
fn a_name_on_which_qts_versions_differ_is_refused() {
    let _watchdog = minute();
    let Some(mut qt) = peer() else { return };
    let key = "x".repeat(257);
    let theirs = qt.ask(&format!("platform-key {key} windows"));
    assert_eq!(theirs.expect_ok(), format!("windows:shm_{key}"));
    let error = NativeKey::of_segment(&key, KeyType::Windows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyError, "{error}");
    // Legacy keys have no such limit, nor have native ones that are given.
    for key in [
        Key { address: format!("qt:{key}"), word: key.clone() },
        Key::of_native(&theirs.expect_ok().parse().unwrap()),
    ] {
        qt.ask(&format!("create {} 16", key.word)).expect_ok();
        let ours = Segment::attach(&*key.address).unwrap();
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        qt.ask("unlock").expect_ok();
    }
}

#[test]
fn every_key_leads_to_the_same_memory_and_lock() {
    let _watchdog = minute();
    let Some(mut qt) = peer() else { return };
    for tail in tails() {
        let key = format!("{}{tail}", testkit::names::unique("k"));
        let native = NativeKey::of_segment(&key, KeyType::DEFAULT).unwrap();
        let legacy = Key { address: format!("qt:legacy:{key}"), word: encode(&key) };
        let local = NativeKey::of_segment(&format!(r"Local\{key}"), KeyType::DEFAULT).unwrap();
        for key in [legacy, Key::of_native(&native), Key::of_native(&local)] {
            qt.ask(&format!("create {} 16", key.word)).expect_ok();
            let ours = Segment::attach(&*key.address).unwrap();
            ours.write_at(0, &[0x2a]).unwrap();
            assert_eq!(qt.ask("read 0 1").expect_ok(), "2a", "{}", key.address);
            qt.ask("lock").expect_ok();
            assert!(ours.try_lock().unwrap().is_none(), "{}", key.address);
            qt.ask("unlock").expect_ok();
            drop(ours.try_lock().unwrap().expect("it is free"));
            qt.ask("detach").expect_ok();
        }
    }
}

/// `Local\` is where names without a prefix are.
#[test]
fn a_name_and_the_same_in_local_are_one() {
    let _watchdog = minute();
    let (Some(mut qt), name) = (peer(), testkit::names::unique("qt")) else { return };
    qt.ask(&format!("create native:windows:{name} 16")).expect_ok();
    let address = format!(r"qt:windows:Local\{name}");
    let ours = Segment::attach(&*address).unwrap();
    qt.ask("lock").expect_ok();
    assert!(ours.try_lock().unwrap().is_none());
    let plain = Segment::attach(&*format!("windows:{name}")).unwrap();
    plain.write_at(3, b"plain").unwrap();
    assert_eq!(qt.ask("read 3 5").expect_ok(), "706c61696e");
    drop(plain.try_lock().unwrap().expect("a mapping of Windows has a lock of ours, not Qt's"));
}

/// The lock of a segment is a semaphore, which can be had by its own key.
#[test]
fn the_locks_have_the_names_that_qt_gives_them() {
    let _watchdog = minute();
    let Some(mut qt) = peer() else { return };
    let is_held = |key: SemaphoreKey| !SystemSemaphore::open(key, 1).unwrap().try_acquire().unwrap();
    let legacy = Key::legacy();
    qt.ask(&format!("create {} 16", legacy.word)).expect_ok();
    qt.ask("lock").expect_ok();
    assert!(is_held(SemaphoreKey::from(&*legacy.word)), "QSystemSemaphore of the same key");
    qt.ask("unlock").expect_ok();

    for length in [60, 254, 255, 256, 260, 300] {
        let start = testkit::names::unique("qt");
        let name = format!("{start}{}", "x".repeat(length - start.len()));
        qt.ask(&format!("create native:windows:{name} 16")).expect_ok();
        qt.ask("lock").expect_ok();
        let lock = format!("{}_sem", &name[..length.min(255)]);
        assert!(is_held(NativeKey::new(KeyType::Windows, lock).unwrap().into()), "{length}");
        let ours = Segment::attach(&*format!("qt:windows:{name}")).unwrap();
        assert!(ours.try_lock().unwrap().is_none(), "{length}");
        qt.ask("unlock").expect_ok();
    }
}

/// As with the other types of keys: who knows only the system's name means what legacy keys mean by it.
#[test]
fn a_legacy_name_as_a_native_key_has_the_legacy_lock_in_ours_and_another_in_qt() {
    let _watchdog = minute();
    let (Some(mut one), Some(mut two)) = (peer(), peer()) else { return };
    let key = Key::legacy();
    let name = cenote::qt::legacy_segment_name(&key.word);
    one.ask(&format!("create {} 16", key.word)).expect_ok();
    two.ask(&format!("attach native:windows:{name}")).expect_ok();
    let ours = Segment::attach(&*format!("qt:windows:{name}")).unwrap();
    one.ask("lock").expect_ok();
    assert!(ours.try_lock().unwrap().is_none());
    two.ask("lock").expect_ok();
    two.ask("unlock").expect_ok();
    one.ask("unlock").expect_ok();
    // With the legacy key that it remembers, Qt's is the legacy one too.
    let whole = NativeKey::legacy_of_segment(&key.word, KeyType::DEFAULT).unwrap();
    two.ask(&format!("attach {}", Key::of_native(&whole).word)).expect_ok();
    two.ask("lock").expect_ok();
    assert!(ours.try_lock().unwrap().is_none());
    two.ask("unlock").expect_ok();
}
