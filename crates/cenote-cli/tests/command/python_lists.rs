//! What Python's own `ShareableList` has put into a segment, as `show` reads it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::Rng;

use crate::support::{Place, Running, run};

/// Makes the list that is written in Python, and changes it by a second line; `None`, and it is said, where there is no Python.
fn python(place: &Place, list: &str, change: &str) -> Option<Running> {
    let program = format!(
        "import sys\n\
         from multiprocessing.shared_memory import ShareableList\n\
         from multiprocessing import resource_tracker\n\
         it = ShareableList({list}, name={:?})\n\
         {change}\n\
         print('ready', flush=True)\n\
         sys.stdin.read()\n\
         it.shm.close()\n\
         it.shm.unlink()",
        place.address.strip_prefix("posix:/").unwrap()
    );
    let mut command = Command::new("python3");
    if Command::new("python3").arg("--version").output().is_err() {
        testkit::skipped("there is no python3 here");
        return None;
    }
    let mut python = Running::start(command.args(["-c", &program]).stdin(Stdio::piped()));
    let line = python.line();
    assert_eq!(line, "ready", "{line} {}", python.error_line());
    Some(python)
}

fn shown(place: &Place) -> Value {
    run(["show", &place.address, "--json"]).json()
}

#[test]
fn every_type_is_shown() {
    let place = Place::posix();
    let list =
        r#"[7, -(2**63), 1.5, float("inf"), True, False, None, "é and \x1b", b"\xff\x00\x01", "", b""]"#;
    let Some(_python) = python(&place, list, "") else { return };
    let seen = shown(&place);
    assert_eq!(seen["contents"], "Python ShareableList, 11 items");
    assert_eq!(
        seen["items"],
        json!([7, i64::MIN, 1.5, "inf", true, false, null, "é and \x1b", {"hex": "ff0001"}, "", {"hex": ""}])
    );
    let text = run(["show", &place.address]);
    for line in [
        "contents    Python ShareableList, 11 items\nitems\n  ITEM  TYPE   VALUE\n     0  int    7\n",
        "     1  int    -9223372036854775808\n",
        "     3  float  inf\n     4  bool   True\n     5  bool   False\n     6  None   None\n",
        "     7  str    \"é and \\u{1b}\"\n     8  bytes  b\"\\xff\\x00\\x01\"\n     9  str    \"\"\n    10  bytes  b\"\"\n",
    ] {
        assert!(text.ok().contains(line), "{line} is missing: {text:?}");
    }
}

#[test]
fn what_was_changed_is_shown_as_it_is_now() {
    let place = Place::posix();
    let change = "it[0] = 'word'; it[1] = None; it[2] = b'x'; it[3] = 2.5; it[4] = True; it[5] = 9";
    let Some(_python) = python(&place, "[1, 'twenty letters long', 'b', 3, 4.0, b'123456789']", change)
    else {
        return;
    };
    assert_eq!(shown(&place)["items"], json!(["word", null, {"hex": "78"}, 2.5, true, 9]));
}

/// The first byte of it is a letter.
#[test]
fn a_list_is_no_text() {
    let place = Place::posix();
    let Some(_python) = python(&place, "[None] * 65", "") else { return };
    assert_eq!(shown(&place)["contents"], "Python ShareableList, 65 items");
}

#[test]
fn long_lists_are_shown_in_part_and_given_in_full() {
    let place = Place::posix();
    let Some(_python) = python(&place, "range(321)", "") else { return };
    let all: Vec<u32> = (0..321).collect();
    assert_eq!(shown(&place)["items"], json!(all));
    let text = run(["show", &place.address]);
    assert!(text.ok().contains("    99  int   99\n  and 221 more\n"), "{text:?}");
}

/// Another process scribbles in it, at random and where it hurts most: it is shown or not, and never more than that.
#[test]
fn what_is_spoilt_is_shown_as_bytes() {
    let place = Place::posix();
    let Some(_python) = python(&place, "['spoil', 1, 2.0, b'me', None, True]", "") else { return };
    let path = format!("/dev/shm/{}", place.address.strip_prefix("posix:/").unwrap());
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut whole = vec![0; len];
    file.read_exact_at(&mut whole, 0).unwrap();
    for (at, word) in [(0, 5), (0, -1), (0, i64::MAX), (8, 8), (16, 1 << 40), (56, i64::MIN), (56, 4)] {
        file.write_all_at(&i64::to_le_bytes(word), at).unwrap();
        let seen = shown(&place);
        assert_eq!(seen["items"], Value::Null, "{at}: {word}: {seen:#}");
        file.write_all_at(&whole, 0).unwrap();
    }
    assert_eq!(shown(&place)["items"][0], "spoil");
    let mut rng = Rng::new(6);
    for _ in 0..40 {
        for _ in 0..4 {
            let at = rng.below(len as u64);
            file.write_all_at(&[rng.next_u64().to_le_bytes()[0]], at).unwrap();
        }
        run(["show", &place.address]).ok();
        file.write_all_at(&whole, 0).unwrap();
    }
    // Cut off in the middle of it.
    for len in (0..len as u64).step_by(16) {
        file.set_len(len).unwrap();
        assert_eq!(shown(&place)["items"], Value::Null, "{len}");
    }
}
