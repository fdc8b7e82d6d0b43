//! `doctor`: it names what is wrong, and what it says to type mends it.

use std::fs;
use std::process::{Command, Stdio};

use cenote::Segment;
use serde_json::Value;
use testkit::names::ShmName;
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;
use testkit::{system, watchdog};

use crate::support::{Outcome, PATIENCE, Place, Running, cenote, outcome, run, until};

/// The finding of that name.
#[track_caller]
fn finding<'a>(health: &'a Value, name: &str) -> &'a Value {
    let findings = health["findings"].as_array().expect("an array");
    findings.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("no {name}: {health:#}"))
}

/// What it is said to be about.
fn items(finding: &Value) -> Vec<&str> {
    finding["items"].as_array().expect("an array").iter().map(|item| item["what"].as_str().unwrap()).collect()
}

fn commands(finding: &Value) -> Vec<&str> {
    let tries = finding["try"].as_array().expect("an array").iter();
    tries.map(|one| one["command"].as_str().expect("a command")).collect()
}

/// The lines that say what to type.
fn tries(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.trim_start().strip_prefix("try: ")).collect()
}

#[test]
fn a_machine_that_is_well_is_told_so() {
    let said = run(["doctor"]);
    let mut lines = said.ok().lines();
    assert!(lines.next().unwrap().starts_with("STATE  WHAT"), "{said:?}");
    assert!(!lines.any(|line| line.starts_with("mend")), "{said:?}");
    assert_eq!(said.stderr, "");
    let health = run(["doctor", "--json"]).json();
    assert_eq!(health["healthy"], true, "{health:#}");
    for name in [
        "shm-space",
        "shm-inodes",
        "shm-mode",
        "cgroup",
        "sysv-segments",
        "sysv-memory",
        "sysv-largest",
        "sysv-sets",
        "semaphores",
        "message-queues",
        "huge-pages",
        "world-writable",
        "processes",
    ] {
        assert_ne!(finding(&health, name)["state"], "mend", "{name}");
    }
}

/// A shell with a /dev/shm of its own, of `size` bytes, and the command in its path.
struct Cramped {
    shell: Running,
}

impl Cramped {
    fn new(size: u64) -> Option<Self> {
        if !system::has_root() {
            return None;
        }
        let mut command = Command::new("bash");
        let folder =
            std::path::Path::new(env!("CARGO_BIN_EXE_cenote")).parent().expect("it lies in a folder");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).stdin(Stdio::piped());
        Some(Self { shell: Running::start(system::in_small_shm(&mut command, size)) })
    }

    /// Types a line; gives what it printed, and its status.
    fn types(&mut self, line: &str) -> (String, i32) {
        self.shell.input(format!("{line}\necho \"=== $?\"\n").as_bytes());
        let mut said = String::new();
        loop {
            let line = self.shell.line();
            if let Some(status) = line.strip_prefix("=== ") {
                return (said, status.parse().expect("a number"));
            }
            said += &line;
            said.push('\n');
        }
    }
}

#[test]
fn a_full_dev_shm_is_named_with_what_fills_it_and_the_command_that_frees_it() {
    let _watchdog = watchdog(PATIENCE);
    let Some(mut cramped) = Cramped::new(1 << 20) else { return };
    assert_eq!(cramped.types("cenote create posix:/small --size 8KiB -q").1, 0);
    // A name that a shell must not take apart.
    assert_eq!(cramped.types("cenote create 'posix:/it is $large' --size 900KiB -q").1, 0);
    assert_eq!(cramped.types("cenote doctor --json >/dev/null").1, 0, "what is left is enough");
    assert_eq!(cramped.types("cenote create posix:/rest --size 100KiB -q").1, 0);
    let (said, status) = cramped.types("cenote doctor");
    assert_eq!(status, 1, "{said}");
    let mended = said.lines().find(|line| line.starts_with("mend")).expect("something to mend");
    assert!(mended.contains("/dev/shm space") && mended.contains("of 1MiB (98%)"), "{said}");
    let large = said.lines().find(|line| line.contains("posix:/it is $large")).expect("the largest is named");
    assert!(large.contains("900KiB") && large.contains("stale"), "{said}");
    let command = *tries(&said).first().expect("a command");
    assert!(command.starts_with("cenote reap posix: --older 0s  # "), "{command}");
    let (removed, status) = cramped.types(command);
    assert_eq!(status, 0, "{removed}");
    assert!(removed.contains("removed posix:/it is $large, 900KiB: "), "{removed}");
    let (said, status) = cramped.types("cenote doctor");
    assert_eq!(status, 0, "{said}");
    // What somebody has open is not for reaping, and is named for what it is.
    cramped.types("cenote create 'posix:/it is $open' --size 1020KiB -q; exec 9<'/dev/shm/it is $open'");
    let (said, _) = cramped.types("cenote doctor");
    let command = *tries(&said).first().expect("a command");
    assert!(command.starts_with("cenote rm 'posix:/it is $open'  # "), "{command}");
}

#[test]
fn who_holds_what_fills_dev_shm_is_named_even_without_a_name() {
    let _watchdog = watchdog(PATIENCE);
    let Some(mut cramped) = Cramped::new(1 << 20) else { return };
    cramped.types("cenote write posix:/held --create --size 1020KiB --hold text >/dev/null & HOLDER=$!");
    cramped.types("until cenote show posix:/held 2>/dev/null | grep -q 'cenote write'; do :; done");
    let holder = cramped.types("echo $HOLDER").0.trim().to_owned();
    let (json, status) = cramped.types("cenote doctor --json");
    assert_eq!(status, 1, "{json}");
    let health: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(health["healthy"], false);
    let space = finding(&health, "shm-space");
    assert_eq!((&space["state"], &space["limit"]), (&"mend".into(), &(1 << 20).into()), "{space:#}");
    let item = &space["items"][0];
    assert_eq!((&item["what"], &item["verdict"]), (&"posix:/held".into(), &"live".into()), "{item:#}");
    assert_eq!(item["holders"][0]["pid"].to_string(), holder);
    let remedy = &space["try"][0];
    assert_eq!(remedy["command"], "cenote rm posix:/held");
    assert!(remedy["note"].as_str().unwrap().contains(&format!("{holder} (cenote write")), "{remedy}");

    // Its name goes, its memory stays.
    cramped.types("cenote rm posix:/held");
    let (said, status) = cramped.types("cenote doctor");
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("files without a name"), "{said}");
    let command = *tries(&said).first().expect("a command");
    assert!(command.starts_with(&format!("kill {holder}  # ends ")), "{command}");
    cramped.types(command);
    cramped.types("wait");
    assert_eq!(cramped.types("cenote doctor").1, 0);
}

#[test]
fn too_many_files_and_a_wrong_mode_are_to_be_mended() {
    let _watchdog = watchdog(PATIENCE);
    let Some(mut cramped) = Cramped::new(1 << 20) else { return };
    cramped.types("mount -o remount,nr_inodes=20 /dev/shm && touch /dev/shm/{1..19} && chmod 777 /dev/shm");
    let (json, status) = cramped.types("cenote doctor --json");
    assert_eq!(status, 1);
    let health: Value = serde_json::from_str(&json).expect("it is JSON");
    for name in ["shm-inodes", "shm-mode"] {
        let finding = finding(&health, name);
        assert_eq!(finding["state"], "mend", "{finding:#}");
        let (said, status) = cramped.types(commands(finding)[0]);
        assert_eq!(status, 0, "{said}");
    }
    let (said, status) = cramped.types("cenote doctor");
    assert_eq!(status, 0, "{said}");
    let (said, status) =
        cramped.types("umount -l /dev/shm; mount -t tmpfs -o size=1m,mode=0755 none /dev/shm; cenote doctor");
    assert_eq!(status, 1);
    assert!(said.contains("try: chmod 1777 /dev/shm"), "{said}");
}

#[test]
fn what_qt_leaves_is_named_and_goes_with_what_it_says() {
    let _watchdog = watchdog(PATIENCE);
    let (segment, lone) = (QtKey::unique(), QtKey::unique());
    let address = format!("qt:{}", segment.key());
    run(["create", &address, "--size", "64"]).ok();
    let file = std::env::temp_dir().join(cenote::qt::legacy_segment_name(lone.key()));
    fs::write(&file, "").unwrap();
    let health = run(["doctor", "--json"]).json();
    assert_eq!(health["healthy"], true, "leftovers are advice: {health:#}");
    let lone_address = format!("qt:{}", lone.key());
    let (reap, remove) = (&["reap", "--older", "0s"][..], &["rm", "--timeout", "5s"][..]);
    for (name, what, verdict, said, command) in [
        ("qt-unattached", address.clone(), "stale", "cenote reap qt:", (reap, &address)),
        (
            "qt-key-files",
            file.display().to_string(),
            "unknown",
            "cenote rm --timeout 5s qt:",
            (remove, &lone_address),
        ),
    ] {
        // Others' leftovers may come first; then there is more than is named.
        let finding = finding(&health, name);
        assert_eq!(finding["state"], "note", "{finding:#}");
        assert!(commands(finding)[0].starts_with(said), "{finding:#}");
        if verdict == "unknown" {
            assert!(commands(finding)[0].split(' ').any(|word| word == command.1), "{finding:#}");
        }
        if finding["more"] == 0 {
            assert!(items(finding).contains(&what.as_str()), "{finding:#}");
        }
        assert!(finding["items"].as_array().unwrap().iter().all(|item| item["verdict"] == verdict));
        run(command.0.iter().copied().chain([command.1.as_str()])).ok();
    }
    assert!(!file.exists());
    let text = run(["doctor"]);
    for key in [segment.key(), lone.key()] {
        assert!(!text.ok().contains(key), "{text:?}");
    }
}

#[test]
fn a_semaphore_of_qts_without_a_segment_is_told_from_one_with_a_segment() {
    let _watchdog = watchdog(PATIENCE);
    let key = QtKey::unique();
    let semaphore = cenote::SystemSemaphore::create(key.key(), 1).unwrap();
    let name = cenote::qt::legacy_semaphore_name(key.key());
    let key_files = || {
        let health = run(["doctor", "--json"]).json();
        finding(&health, "qt-key-files").clone()
    };
    let address = format!("qt:{}", key.key());
    let told = key_files();
    assert!(commands(&told).join(" ").contains(&address), "{told:#}");
    let named =
        told["items"].as_array().unwrap().iter().find(|item| item["what"].as_str().unwrap().contains(&name));
    if let Some(item) = named {
        assert_eq!(item["verdict"], "unknown");
        assert!(item["reason"].as_str().unwrap().contains("users cannot be seen"), "{item:#}");
    }
    let segment = Segment::create(address.as_str(), 64).unwrap();
    let told = key_files();
    assert!(!told.to_string().contains(key.key()), "it is the segment's lock: {told:#}");
    drop(segment);
    drop(semaphore);
}

#[test]
fn system_v_and_posix_leftovers_are_notes() {
    let _watchdog = watchdog(PATIENCE);
    let (posix, sysv) = (Place::posix(), Place::sysv());
    let semaphore = ShmName::unique("doctor");
    let lock = ShmName::unique("doctor");
    let needed = lock.semaphore_path();
    for path in [&semaphore.semaphore_path(), &needed, &lock.path()] {
        fs::write(path, [0; 32]).unwrap();
    }
    for place in [&posix, &sysv] {
        run(["create", &place.address, "--size", "4096", "--mode", "0666"]).ok();
    }
    let health = run(["doctor", "--json"]).json();
    let names = |name| {
        let finding = finding(&health, name);
        (commands(finding).join("\n"), items(finding).join("\n"), finding["more"].as_u64().unwrap())
    };
    for (name, command, address) in [
        ("posix-unheld", "cenote reap posix:", &posix.address),
        ("sysv-unattached", "cenote reap sysv:", &sysv.address),
    ] {
        assert_eq!(finding(&health, name)["state"], "note");
        let (typed, items, more) = names(name);
        assert!(typed.contains(command), "{name}: {health:#}");
        assert!(more > 0 || items.contains(address.as_str()), "{name}: {health:#}");
        let (_, items, more) = names("world-writable");
        assert!(more > 0 || items.contains(address.as_str()), "{health:#}");
    }
    let (typed, items_told, more) = names("semaphores-unused");
    let path = semaphore.semaphore_path();
    assert!(more > 0 || items_told.contains(&*path.display().to_string()), "{health:#}");
    assert!(typed.contains("cenote reap 'posix:sem.*'"), "{health:#}");
    assert!(!items_told.contains(&*needed.display().to_string()), "it is a lock that is needed: {health:#}");
    assert_eq!(health["healthy"], true);
    let held = Segment::attach(posix.address.as_str()).unwrap();
    let health = run(["doctor", "--json"]).json();
    let left = items(finding(&health, "posix-unheld")).join("\n");
    assert!(!left.contains(&posix.address), "what is held is no leftover");
    drop(held);
}

/// No address has such a name, and `ls` shows none of them.
#[test]
fn names_that_are_not_utf8_are_told() {
    use std::os::unix::ffi::OsStrExt;

    let _watchdog = watchdog(PATIENCE);
    let name = ShmName::unique("odd");
    let mut path = name.path().into_os_string();
    path.push(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(&path, [1; 5000]).unwrap();
    let health = run(["doctor", "--json"]).json();
    let listed = run(["ls", "--json"]);
    fs::remove_file(&path).unwrap();
    assert!(!listed.ok().contains(&name.name()[1..]));
    let told = finding(&health, "shm-odd-names");
    assert!(told["more"].as_u64().unwrap() > 0 || items(told).join("\n").contains(name.name()), "{told:#}");
    assert_eq!(told["state"], "note");
}

#[test]
fn another_user_is_told_what_could_not_be_seen() {
    if !system::has_root() {
        return;
    }
    let reachable = system::as_other_user(&mut cenote(["--version"])).output().is_ok();
    if !reachable {
        testkit::skipped("the command is out of another user's reach");
        return;
    }
    let place = Place::sysv();
    run(["create", &place.address, "--size", "4096"]).ok();
    let as_other = |arguments: &[&str]| -> Outcome { outcome(system::as_other_user(&mut cenote(arguments))) };
    let said = as_other(&["doctor"]);
    assert!(
        said.ok().contains("may not be read: holders among them are not seen")
            || said.stdout().contains("container")
    );
    let health = as_other(&["doctor", "--json"]).json();
    assert_eq!(finding(&health, "processes")["state"], "note");
    // The table of all segments is for everybody to read, the segment is not.
    let others = finding(&health, "other-users");
    assert!(others["used"].as_u64().unwrap() >= 1, "{others:#}");
}

#[test]
fn in_a_container_what_is_held_outside_is_not_called_anything_but_unknown() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() {
        return;
    }
    let place = Place::posix();
    let held = Segment::create(place.address.as_str(), 4096).unwrap();
    let program = env!("CARGO_BIN_EXE_cenote");
    let inside = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        outcome(unshare.args(["--pid", "--fork", "--mount-proc", program]).args(command))
    };
    let said = inside(&["doctor", "--json"]);
    if said.stderr.contains("unshare") {
        return testkit::skipped("namespaces cannot be made here");
    }
    let health = said.json();
    assert_eq!(finding(&health, "processes")["state"], "note");
    let unheld = finding(&health, "posix-unheld");
    let typed = commands(unheld).join("\n");
    assert!(typed.contains(&place.address) && !typed.contains("reap posix:/"), "{unheld:#}");
    for item in
        unheld["items"].as_array().unwrap().iter().filter(|item| item["what"] == place.address.as_str())
    {
        assert_eq!(item["verdict"], "unknown");
        assert!(item["reason"].as_str().unwrap().contains("hidden or in other containers"), "{item:#}");
    }
    drop(held);
}

#[test]
fn limits_of_a_namespace_of_its_own_are_those_that_count() {
    let _watchdog = watchdog(PATIENCE);
    let script = "sysctl -qw kernel.shmmni=10 kernel.sem='32000 1024000000 500 10' || exit 77; \
                  for n in 1 2 3 4 5 6 7 8 9; do \"$0\" create sysv:0x$n --size 4096 -q || exit 78; done; exec \"$0\" doctor --json";
    let mut command = Command::new("unshare");
    command.args(["--ipc", "sh", "-c", script, env!("CARGO_BIN_EXE_cenote")]);
    if !system::has_root() {
        return;
    }
    let said = outcome(&mut command);
    if said.code == 77 {
        testkit::skipped("the kernel's limits cannot be set here");
        return;
    }
    assert_eq!(said.code, 1, "{said:?}");
    let health: Value = serde_json::from_str(said.stdout()).expect("it is JSON");
    let segments = finding(&health, "sysv-segments");
    assert_eq!(
        (&segments["state"], &segments["used"], &segments["limit"]),
        (&"mend".into(), &9.into(), &10.into())
    );
    assert_eq!(commands(segments)[1], "sysctl -w kernel.shmmni=20");
}

#[test]
fn a_full_memory_cgroup_is_to_be_mended() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() {
        return;
    }
    let group = match testkit::cgroup::in_memory_cgroup(32 << 20) {
        Ok(group) => group,
        Err(error) => return testkit::skipped(&format!("no memory cgroup: {error}")),
    };
    let place = Place::posix();
    let inside = |arguments: &[&str]| {
        let mut command = cenote(arguments);
        outcome(group.confine(&mut command).expect("the group takes it"))
    };
    assert_eq!(finding(&inside(&["doctor", "--json"]).json(), "cgroup")["limit"], 32 << 20);
    inside(&["create", &place.address, "--size", "28MiB"]).ok();
    let said = inside(&["doctor"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout().lines().any(|line| line.starts_with("mend   cgroup memory")), "{said:?}");
    run(["rm", &place.address]).ok();
    inside(&["doctor"]).ok();
}

#[test]
fn a_set_whose_users_are_gone_is_told_from_the_lock_of_a_segment() {
    let _watchdog = watchdog(PATIENCE);
    let key = SysvKey::unique();
    let address = format!("sysv:{:#010x}", key.key());
    run(["write", &address, "text", "--create"]).ok();
    let set = set_under(key.key()).expect("writing made a lock");
    let remedy = format!("ipcrm -s {set}");
    let told = || {
        let health = run(["doctor", "--json"]).json();
        commands(finding(&health, "semaphores-unused")).contains(&remedy.as_str())
    };
    assert!(!told(), "it is the lock of a segment");
    let segment = format!("{:#x}", key.key());
    if !Command::new("ipcrm").args(["-M", &segment]).status().is_ok_and(|status| status.success()) {
        return testkit::skipped("there is no ipcrm here");
    }
    until("the set is told as left", told);
    assert!(Command::new("sh").args(["-c", &remedy]).status().unwrap().success());
    assert!(set_under(key.key()).is_none());
}

/// The id of the set under a key.
fn set_under(key: i32) -> Option<String> {
    let table = fs::read_to_string("/proc/sysvipc/sem").ok()?;
    let mut rows = table.lines().map(str::split_whitespace);
    rows.find_map(|mut row| (row.next()?.parse() == Ok(key)).then(|| row.next().map(str::to_owned))?)
}
