//! `show`: contents that it can tell, and those that it cannot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cenote::value::AnyValue;
use cenote::{Segment, Value};
use testkit::system;

use crate::support::{Place, Running, cenote, outcome, run, run_with_input};

#[test]
fn what_cannot_be_told_is_shown_in_hex() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "100"]).ok();
    let nothing = run(["show", at]);
    assert!(!nothing.ok().contains("contents") && !nothing.stdout().contains("begins"), "{nothing:?}");
    assert_eq!(run_with_input(&["write", at, "-"], b"\xff\xd8\x1b[2J").code, 0);
    let shown = run(["show", at]);
    let expected =
        "begins\n  00000000  ff d8 1b 5b 32 4a 00 00  00 00 00 00 00 00 00 00  |...[2J..........|\n";
    assert!(shown.ok().contains(expected), "{shown:?}");
    let shown = run(["show", at, "--json"]).json();
    assert_eq!(shown["contents"], serde_json::Value::Null);
    let hex = shown["hex"].as_str().unwrap();
    assert!(hex.starts_with("ffd81b5b324a00") && hex.len() == 128, "{hex}");
}

/// Out of a holder's memory: attaching would show in the segment's times and counts.
#[test]
fn system_v_is_shown_without_a_trace() {
    let picture = testkit::names::TempDir::new();
    let file = picture.join("picture.png");
    image::DynamicImage::new_rgb8(32, 20).save(&file).unwrap();
    for place in [Place::sysv(), Place::qt()] {
        let at = place.address.as_str();
        let mut holder =
            Running::start(&mut cenote(["create", at, "--size", "5000", "--mode", "0644", "--hold"]));
        assert!(holder.line().contains(at));
        run(["write", at, "some text"]).ok();
        let before = run(["show", at, "--json"]).json();
        assert_eq!(before["contents"], "text \"some text\"", "{before:#}");
        assert_eq!(run(["show", at, "--json"]).json(), before, "nothing has changed");
        assert!(run(["show", at]).ok().contains("\ncontents    text \"some text\"\n"));
        run(["image", "put", at, file.to_str().unwrap()]).ok();
        let shown = run(["show", at, "--json"]).json();
        assert_eq!(shown["contents"], "QImage 32 x 20 pixels, 8-bit RGB", "{shown:#}");
        assert_eq!(run_with_input(&["write", at, "-"], b"\xff\xd8\x1b[2J").code, 0);
        let shown = run(["show", at, "--json"]).json();
        assert!(shown["hex"].as_str().unwrap().starts_with("ffd81b5b324a"), "{shown:#}");
        // As nobody may who may not read the holder's memory.
        if system::has_root() && system::as_other_user(&mut cenote(["--version"])).output().is_ok() {
            let said = outcome(system::as_other_user(&mut cenote(["show", at, "--json"]))).json();
            assert!(said["unseen"].as_str().unwrap().contains("may not be read"), "{said:#}");
            assert_eq!(said["hex"], serde_json::Value::Null);
        }
        holder.signal(libc::SIGKILL);
        holder.end();
        let left = run(["show", at]);
        assert!(left.ok().contains("\ncontents    not looked at: nobody has it attached"), "{left:?}");
        assert_eq!(run(["show", at, "--json"]).json()["attached"], 0);
        run(["rm", at]).ok();
    }
}

/// Who may not open another's mappings reads the memory of a process of its own.
#[test]
fn system_v_is_shown_to_who_has_a_process_of_its_own_with_it() {
    let place = Place::sysv();
    let at = place.address.as_str();
    if !system::has_root() || system::as_other_user(&mut cenote(["--version"])).output().is_err() {
        return testkit::skipped("the command is out of another user's reach");
    }
    let mut holder = cenote(["create", at, "--size", "5000", "--hold"]);
    let mut holder = Running::start(system::as_other_user(&mut holder));
    assert!(holder.line().contains(at));
    let as_other = |words: &[&str]| outcome(system::as_other_user(&mut cenote(words)));
    as_other(&["write", at, "some text"]).ok();
    let before = as_other(&["show", at, "--json"]).json();
    if before["unseen"].is_string() {
        return testkit::skipped("processes may not be traced by their own user here");
    }
    assert_eq!(before["contents"], "text \"some text\"", "{before:#}");
    assert_eq!(as_other(&["show", at, "--json"]).json(), before, "nothing has changed");
    holder.signal(libc::SIGTERM);
    holder.end();
}

/// Somebody attaches and leaves, and maps other memory at the same place: that is never taken for the segment.
#[test]
fn what_lies_where_a_segment_was_is_not_shown() {
    let place = Place::sysv();
    let at = place.address.as_str();
    run(["write", at, "segment", "--create"]).ok();
    let key = at.strip_prefix("sysv:").unwrap();
    let script = "import ctypes, mmap, sys\n\
                  libc = ctypes.CDLL(None, use_errno=True)\n\
                  libc.shmat.restype = ctypes.c_void_p\n\
                  libc.mmap.restype = ctypes.c_void_p\n\
                  place = 0x10000000000\n\
                  id = libc.shmget(int(sys.argv[1], 16), 0, 0)\n\
                  print(id, flush=True)\n\
                  while True:\n    \
                      at = libc.shmat(id, ctypes.c_void_p(place), 0)\n    \
                      sum(range(200))\n    \
                      libc.shmdt(ctypes.c_void_p(at))\n    \
                      at = libc.mmap(ctypes.c_void_p(place), ctypes.c_size_t(4096), 3, 0x32, -1, ctypes.c_long(0))\n    \
                      ctypes.memmove(at, b'secret', 6)\n    \
                      libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(4096))\n";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", script, key]);
    let mut holder = Running::start(&mut python);
    assert!(!holder.line().is_empty());
    let (mut seen, mut unseen) = (0, 0);
    let address = at.parse().unwrap();
    let entry = loop {
        let entry = cenote::catalog::look(&address).unwrap();
        if !entry.holders.is_empty() {
            break entry;
        }
    };
    for _ in 0..10_000 {
        match entry.peek(7) {
            Ok(bytes) => {
                assert_eq!(bytes, b"segment");
                seen += 1;
            }
            Err(_) => unseen += 1,
        }
    }
    holder.signal(libc::SIGKILL);
    holder.end();
    assert!(seen > 0 && unseen > 0, "it came and went: seen {seen} times, unseen {unseen} times");
}

#[test]
fn a_value_is_shown_without_a_trace() {
    let place = Place::native();
    let at = place.address.as_str();
    let value = Value::create(at, [1_u64, 2]).unwrap();
    let before = run(["show", at, "--json"]).json();
    assert_eq!((&before["value"], &before["version"]), (&serde_json::json!([1, 2]), &0.into()));
    assert_eq!(run(["show", at, "--json"]).json(), before);
    // Who may not read it, or has none, sees no value.
    let plain = Place::native();
    let _bytes = Segment::create(&*plain.address, 64).unwrap();
    assert!(run(["show", &plain.address, "--json"]).json().get("value").is_none());
    // One that is large is read, and not shown.
    let large = Place::native();
    let _large = Value::create(&*large.address, [0_u8; (64 << 10) + 1]).unwrap();
    assert!(run(["show", &large.address, "--json"]).json().get("value").is_none());
    value.detach().unwrap();
}

/// Somebody stores all the time: what is seen was stored in one piece.
#[test]
fn a_value_that_is_looked_at_is_never_torn() {
    const WORDS: usize = 512;
    let place = Place::native();
    let value = Value::create(place.address.as_str(), [0_u64; WORDS]).unwrap();
    let address = place.address.parse().unwrap();
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            // Relaxed: nothing else is told by it.
            while !done.load(Ordering::Relaxed) {
                number += 1;
                value.store(&[number; WORDS]).unwrap();
            }
        });
        let mut seen = 0;
        for _ in 0..20_000 {
            let Some((bytes, version)) = AnyValue::look(&address, 1 << 20).unwrap() else { continue };
            let mut words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
            if !words.all(|word| word == version) {
                done.store(true, Ordering::Relaxed);
                panic!("version {version} is torn");
            }
            seen += 1;
        }
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen > 0, "it was never to be seen");
}
