//! `cenote ls` and `cenote show`: what is there, and who has it open.

use cenote::Segment;
use serde_json::Value;

use crate::support::{address, minute, run};

fn json(words: &[&str]) -> Value {
    serde_json::from_str(run(words).ok()).expect("it is JSON")
}

#[test]
fn a_mapping_is_listed_while_somebody_has_it() {
    let _watchdog = minute();
    let address = address();
    let segment = Segment::create(&*address, 70_000).unwrap();
    let row = |listed: &str| listed.lines().find(|line| line.contains(&address)).map(str::to_owned);
    let listed = row(run(&["ls"]).ok()).expect("it is listed");
    assert!(listed.contains("72KiB") && listed.contains("live"), "{listed}");
    let all = json(&["ls", "windows:", "--json"]);
    let found = all.as_array().unwrap().iter().find(|entry| entry["address"] == *address).expect("listed");
    assert_eq!(found["kind"], "windows");
    assert_eq!((&found["uid"], &found["mode"]), (&Value::Null, &Value::Null));
    let pid = std::process::id();
    assert_eq!(
        (&found["holders"][0]["pid"], &found["holders"][0]["access"]),
        (&pid.into(), &"read-write".into())
    );

    let guard = segment.lock().unwrap();
    assert_eq!(json(&["show", &address, "--json"])["lock"]["state"], "held");
    guard.unlock().unwrap();
    let shown = run(&["show", &address]);
    for line in ["lock        free", "attached    1", "holders\n", "read-write"] {
        assert!(shown.ok().contains(line), "{line} is missing: {shown:?}");
    }
    for line in ["uid", "mode"] {
        assert!(!shown.ok().contains(line), "Windows has no {line}: {shown:?}");
    }
    drop(segment);
    assert_eq!(row(run(&["ls"]).ok()), None);
    run(&["show", &address]).failed(1);
}

#[test]
fn kinds_that_cannot_be_listed_say_why() {
    let _watchdog = minute();
    for (kind, why) in [("memfd:", "no names"), ("file:", "anywhere")] {
        let error = run(&["ls", kind]);
        assert!(error.failed(1).contains(why), "{error:?}");
    }
}
