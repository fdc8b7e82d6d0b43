//! `reap`: what it takes and what it says; users and containers; a machine with much on it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cenote::Segment;
use serde_json::Value;
use testkit::names::{ShmName, TempDir};
use testkit::system;
use testkit::watchdog;

use crate::support::{Outcome, PATIENCE, Place, Running, cenote, outcome, run};

const MINUTES: Duration = Duration::from_secs(300);

/// Makes a segment, and is killed while it holds it.
fn leave(address: &str) {
    let mut maker = Running::start(&mut cenote(["create", address, "--size", "8KiB", "--hold"]));
    assert!(maker.line().contains(address));
    maker.signal(libc::SIGKILL);
    maker.end();
}

/// The command as the other user; `None`, and it is said, where that cannot be.
fn as_other(arguments: &[&str]) -> Option<Outcome> {
    if !system::has_root() {
        return None;
    }
    if system::as_other_user(&mut cenote(["--version"])).output().is_err() {
        testkit::skipped("the command is out of another user's reach");
        return None;
    }
    Some(outcome(system::as_other_user(&mut cenote(arguments))))
}

#[track_caller]
fn entry(list: &Value, address: &str) -> Value {
    let is_it = |entry: &&Value| entry["address"] == address;
    list.as_array()
        .expect("an array")
        .iter()
        .find(is_it)
        .unwrap_or_else(|| panic!("no {address}: {list:#}"))
        .clone()
}

#[test]
fn what_the_killed_left_goes_and_each_line_says_why() {
    let _watchdog = watchdog(PATIENCE);
    let place = Place::native();
    let at = place.address.as_str();
    leave(at);
    let pattern = at.strip_prefix("cenote:").unwrap();
    let said = run(["reap", "--dry-run", pattern]);
    assert_eq!(
        said.ok(),
        format!("would remove {at}, 8KiB: all its holders have died, and nobody can attach it\n")
    );
    let json = run(["reap", "--json", pattern]).json();
    let one = &json[0];
    assert_eq!(
        (&one["address"], &one["verdict"], &one["outcome"]),
        (&at.into(), &"stale".into(), &"removed".into())
    );
    assert!(one["freed"].as_u64().unwrap() >= 8192 && one["why"].is_null(), "{json:#}");
    let said = run(["reap", pattern]);
    assert_eq!((said.ok(), said.stderr.as_str()), ("", "cenote: freed 0B in 0 segments\n"));
}

#[test]
fn foreign_kinds_go_when_they_are_named_and_old_enough() {
    let _watchdog = watchdog(PATIENCE);
    for place in [Place::posix(), Place::sysv(), Place::qt()] {
        let at = place.address.as_str();
        run(["create", at, "--size", "4096"]).ok();
        assert!(!run(["reap", "--dry-run"]).ok().contains(at));
        let young = run(["reap", at]);
        assert!(
            young.ok().starts_with(&format!("spared {at}, 4KiB, stale: it was used within")),
            "{young:?}"
        );
        let held = Segment::options().keep().attach(at).unwrap();
        assert_eq!(run(["reap", at, "--older", "0s"]).ok(), "", "it is live");
        drop(held);
        // A child that another test is just starting may have it open.
        while !run(["reap", at, "--older", "0s"]).ok().starts_with(&format!("removed {at}, 4KiB: ")) {}
        run(["show", at]).failed(1);
    }
}

#[test]
fn what_cannot_be_understood_is_usage() {
    for line in [&["reap", "floppy:x"][..], &["reap", "--kept"], &["reap", "--older", "soon"]] {
        run(line).failed(2);
    }
}

#[test]
fn another_users_segments_are_not_called_stale_while_they_are_live() {
    let _watchdog = watchdog(PATIENCE);
    let (native, posix, sysv) = (Place::native(), Place::posix(), Place::sysv());
    let held = [&native, &posix, &sysv].map(|place| Segment::create(place.address.as_str(), 4096).unwrap());
    let Some(said) = as_other(&["ls", "--json"]) else { return };
    let list = said.json();
    // Only the owner's name shows whose it is.
    let name = native.address.replace("cenote:", "cenote:@root/");
    for (address, verdicts) in
        [(name.as_str(), &["unknown"][..]), (&posix.address, &["unknown"]), (&sysv.address, &["live"])]
    {
        let entry = entry(&list, address);
        assert!(verdicts.iter().any(|verdict| entry["verdict"] == *verdict), "{entry:#}");
        if entry["verdict"] == "unknown" {
            assert!(entry["reason"].as_str().unwrap().contains("root"), "what to do: {entry:#}");
        }
        let reaped = as_other(&["reap", address, "--older", "0s"]).unwrap();
        assert!(!reaped.ok().contains("removed"), "{reaped:?}");
    }
    drop(held);
    // Left by root, they are root's to remove: of System V everybody may see that they are stale, and that is told.
    let reaped = as_other(&["reap", &sysv.address, "--older", "0s"]).unwrap();
    assert_eq!(reaped.code, 1, "{reaped:?}");
    assert!(reaped.stderr.contains("reap"), "{reaped:?}");
}

#[test]
fn an_owner_proves_its_own_without_seeing_others_and_root_takes_anybodys() {
    let _watchdog = watchdog(PATIENCE);
    let names = [ShmName::unique("owner"), ShmName::unique("owner")];
    for name in &names {
        File::create_new(name.path()).unwrap().set_len(4096).unwrap();
        if !system::give_to_other_user(&name.path()) {
            return;
        }
    }
    let [own, roots] = names.each_ref().map(|name| format!("posix:{}", name.name()));
    // Held by root, whose maps the owner may not read.
    let held = File::open(names[0].path()).unwrap();
    let Some(said) = as_other(&["show", &own, "--json"]) else { return };
    assert_eq!(said.json()["verdict"], "unknown");
    let reaped = as_other(&["reap", &own, "--older", "0s"]).unwrap();
    assert!(reaped.ok().starts_with("spared"), "{reaped:?}");
    drop(held);
    while !as_other(&["reap", &own, "--older", "0s"]).unwrap().ok().starts_with("removed") {}
    while !run(["reap", &roots, "--older", "0s"]).ok().starts_with("removed") {}
}

/// In PID and mount namespaces of its own, with the machine's /dev/shm.
#[test]
fn in_a_container_nothing_that_is_held_outside_is_stale() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_cenote");
    let inside = |arguments: &[&str]| {
        let mut unshare = Command::new("unshare");
        outcome(unshare.args(["--pid", "--fork", "--mount-proc", program]).args(arguments))
    };
    let (posix, native) = (Place::posix(), Place::native());
    let held = [&posix, &native].map(|place| Segment::create(place.address.as_str(), 4096).unwrap());
    let said = inside(&["ls", "--json"]);
    if said.stderr.contains("unshare") {
        return testkit::skipped("namespaces cannot be made here");
    }
    let list = said.json();
    assert_eq!(entry(&list, &native.address)["verdict"], "live", "the kernel vouches for it everywhere");
    let seen = entry(&list, &posix.address);
    assert_eq!(seen["verdict"], "unknown", "{seen:#}");
    assert!(seen["reason"].as_str().unwrap().contains("outside"), "{seen:#}");
    for place in [&posix, &native] {
        assert!(!inside(&["reap", &place.address, "--older", "0s"]).ok().contains("removed"));
    }
    drop(held);
    // Who made it out there may come back for it, as PostgreSQL does.
    let system_v = Place::sysv();
    run(["create", &system_v.address, "--size", "4096"]).ok();
    let seen = inside(&["show", &system_v.address, "--json"]).json();
    assert!(seen["verdict"] == "unknown" && seen["reason"].as_str().unwrap().contains("outside"), "{seen:#}");
    assert!(!inside(&["reap", &system_v.address, "--older", "0s"]).ok().contains("removed"));
    assert_eq!(run(["show", &system_v.address, "--json"]).json()["verdict"], "stale");
    // And what nobody holds anywhere is proven stale from in there.
    run(["rm", &posix.address]).ok();
    run(["create", &posix.address, "--size", "4096"]).ok();
    while !inside(&["reap", &posix.address, "--older", "0s"]).ok().starts_with("removed") {}
}

/// Maps the file, closes it, and runs the command while it has it mapped.
const MAPPER: &str = "import ctypes, os, subprocess, sys\n\
    size, both, shared = 4096, 3, 1\n\
    mmap = ctypes.CDLL(None, use_errno=True).mmap\n\
    mmap.argtypes, mmap.restype = [ctypes.c_void_p] + [ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long], ctypes.c_void_p\n\
    file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)\n\
    os.ftruncate(file, size)\n\
    memory = mmap(None, size, both, shared, file, 0)\n\
    assert memory != ctypes.c_void_p(-1).value\n\
    os.close(file)\n\
    sys.stdout.write(subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, check=True, text=True).stdout)\n\
    print('there' if os.path.exists(sys.argv[1]) else 'gone')\n";

/// overlayfs maps a file by the inode below, and the kernel counts nobody at the one above.
#[test]
fn on_a_laid_over_dev_shm_what_is_mapped_outside_of_a_container_is_not_reaped() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() {
        return;
    }
    let lay_over = "mount -t tmpfs none \"$0\" && cd \"$0\" && mkdir lower upper work && \
        mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work /dev/shm || exit 77; exec \"$@\"";
    let room = TempDir::new();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", lay_over]).arg(room.path());
    command.args(["python3", "-c", MAPPER, "/dev/shm/mapped"]);
    command.args(["unshare", "--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_cenote")]);
    let said = outcome(command.args(["reap", "posix:/mapped", "--older", "0s"]));
    if said.code == 77 || said.code == 127 || said.stderr.contains("unshare") {
        return testkit::skipped("no overlayfs can be mounted here, or there is no python3");
    }
    let said = said.ok();
    assert!(said.starts_with("spared posix:/mapped") && said.ends_with("there\n"), "{said}");
    assert!(said.contains("not of this file system"), "{said}");
}

/// Whoever pins it there cannot be seen: `/proc` does not tell of others, or it is that of a container.
#[test]
fn where_processes_are_hidden_a_system_v_segment_is_not_stale() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() {
        return;
    }
    let place = Place::sysv();
    run(["create", &place.address, "--size", "4096"]).ok();
    // Who is of group 0 sees all there.
    let hiding = "mount -t proc -o hidepid=2 none /proc || exit 77; \
        exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
    let containers = "unshare --pid --fork --kill-child sh -c 'mount -t proc none /proc && exec sleep 30' & \
        while [ -e /proc/self ] && kill -0 $!; do :; done; \"$@\"; status=$?; kill -9 $!; exit $status";
    for script in [hiding, containers] {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_cenote")]);
        let said = outcome(command.args(["ls", "--json", "sysv:"]));
        if said.code != 0 {
            testkit::skipped("/proc cannot be mounted here, or there is no setpriv");
            continue;
        }
        let list = said.json();
        let seen = entry(&list, &place.address);
        assert!(seen["verdict"] == "unknown", "{seen:#}");
        assert!(seen["reason"].as_str().unwrap().contains("as root"), "{seen:#}");
    }
}

/// A holder in a container is shown with it from outside.
#[test]
fn a_holder_in_a_container_is_named_with_it() {
    let _watchdog = watchdog(PATIENCE);
    if !system::has_root() || !system::in_first_pid_namespace() {
        return;
    }
    let place = Place::posix();
    run(["create", &place.address, "--size", "4096"]).ok();
    let file = format!("/dev/shm/{}", place.address.strip_prefix("posix:/").unwrap());
    let mut tail = Command::new("unshare");
    tail.args(["--pid", "--fork", "--mount-proc", "--kill-child", "tail", "-f", &file]).stdout(Stdio::null());
    let Ok(mut tail) = tail.stderr(Stdio::null()).spawn() else { return };
    let mut tries = 0;
    let container = loop {
        let seen = run(["show", "--json", &place.address]).json();
        let holders = seen["holders"].as_array().unwrap().clone();
        match holders.iter().find(|one| one["container"].is_string()) {
            Some(one) => {
                assert_eq!(one["access"], "open");
                break one["container"].as_str().unwrap().to_owned();
            }
            None if tail.try_wait().unwrap().is_some() => {
                return testkit::skipped("namespaces cannot be made here");
            }
            None => tries += 1,
        }
        assert!(tries < 10_000);
    };
    assert!(!container.is_empty());
    tail.kill().unwrap();
    tail.wait().unwrap();
}

/// 64 MiB, filled by predecessors that were killed: the one command that `doctor` tells makes room for the next.
#[test]
fn a_service_whose_dev_shm_is_full_of_the_killed_starts_after_the_one_command_of_doctor() {
    let _watchdog = watchdog(MINUTES);
    if !system::has_root() {
        return;
    }
    for (address, wanted) in
        [("service/N", "cenote reap"), ("posix:/service-N", "cenote reap posix: --older 0s")]
    {
        // Each holds its own until it is killed.
        let script = format!(
            "start() {{ cenote create $1 --size 12MiB --hold >/dev/null 2>&1 & }}
             for n in 1 2 3 4 5; do
                 at=$(echo {address} | sed s/N/$n/)
                 start $at
                 until cenote show $at >/dev/null 2>&1; do :; done
                 kill -9 $!; wait $! 2>/dev/null
             done
             at=$(echo {address} | sed s/N/6/)
             cenote create $at --size 12MiB -q 2>/dev/null && exit 10
             line=$(cenote doctor | grep -m1 try: | sed 's/.*try: //; s/  #.*//')
             echo \"$line\"
             eval \"$line\" >/dev/null 2>&1 || exit 11
             cenote doctor >/dev/null || exit 12
             cenote create $at --size 12MiB -q || exit 13"
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).env("PATH", path_with_us()).stdin(Stdio::null());
        let said = outcome(system::in_small_shm(&mut bash, 64 << 20));
        assert_eq!((said.ok().trim(), said.code), (wanted, 0), "{said:?}");
    }
}

/// Whoever wrote has left, and everything that is stale has gone: what was written is there for who comes late.
#[test]
fn what_was_written_to_stay_is_read_after_all_else_was_reaped() {
    let _watchdog = watchdog(MINUTES);
    if !system::has_root() {
        return;
    }
    let script = "cenote write late 'still here' --create -q || exit 10
                  cenote create dead --size 4096 --hold >/dev/null 2>&1 &
                  until cenote show dead >/dev/null 2>&1; do :; done
                  kill -9 $!; wait $! 2>/dev/null
                  cenote reap >/dev/null || exit 11
                  cenote show dead >/dev/null 2>&1 && exit 12
                  cenote read late --as text";
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).env("PATH", path_with_us()).stdin(Stdio::null());
    let said = outcome(system::in_small_shm(&mut bash, 64 << 20));
    assert_eq!((said.ok(), said.code), ("still here\n", 0), "{said:?}");
}

/// Where scripts find the command.
fn path_with_us() -> String {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_cenote")).parent().unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// 10,000 segments and 500 processes: a second, and 64 MiB.
#[test]
fn much_is_listed_soon() {
    const SEGMENTS: usize = 10_000;
    const PROCESSES: usize = 500;
    let _watchdog = watchdog(MINUTES);
    if !system::has_root() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_cenote");
    // In a room of their own, with one sleeper that holds some of them in each process.
    let script = format!(
        "cd /dev/shm && for n in $(seq {SEGMENTS}); do echo x > psm_$(printf %08x $n); done
         for n in $(seq {PROCESSES}); do sleep 1000 3< psm_$(printf %08x $n) & done
         trap 'kill $(jobs -p); wait' EXIT
         for round in 1 2 3; do
             python3 -c '
import resource, subprocess, sys, time
begin = time.monotonic()
done = subprocess.run([sys.argv[1], \"ls\", \"--json\"], stdout=subprocess.PIPE)
took = time.monotonic() - begin
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
text = done.stdout
print(text.count(b\"\\\"address\\\"\"), text.count(b\"\\\"live\\\"\"), int(took * 1000), peak)' {program}
         done"
    );
    let begin = Instant::now();
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).stdin(Stdio::null());
    let said = outcome(system::in_small_shm(&mut bash, 63 << 20));
    let rows: Vec<Vec<usize>> = said
        .ok()
        .lines()
        .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
        .collect();
    println!("listed, live, ms, KiB: {rows:?}, after {:?}", begin.elapsed());
    assert!(rows.iter().all(|row| row[0] >= SEGMENTS && row[1] >= PROCESSES), "{rows:?}");
    let (fastest, most) = (rows.iter().map(|row| row[2]).min(), rows.iter().map(|row| row[3]).max());
    assert!(fastest < Some(1000), "{rows:?} ms");
    assert!(most < Some(64 << 10), "{rows:?} KiB");
}

/// Somebody has a lease on each of many files, and never gives one back: each of them cost a second.
#[test]
fn leases_of_a_stranger_do_not_hold_up_a_listing() {
    const FILES: u32 = 30;
    let _watchdog = watchdog(MINUTES);
    if !system::has_root() {
        return;
    }
    let script = format!(
        "python3 -c '
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
for i in range({FILES}):
    file = os.open(\"/dev/shm/leased-%d\" % i, os.O_CREAT | os.O_RDWR)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
signal.pause()' > /dev/shm/said &
         trap 'kill $!; wait' EXIT
         until test -s /dev/shm/said; do :; done
         cenote ls posix: --json"
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("PATH", path_with_us()).stdin(Stdio::null());
    let begin = Instant::now();
    let said = outcome(system::in_small_shm(&mut bash, 1 << 20));
    let took = begin.elapsed();
    let list = said.json();
    for number in 0..FILES {
        assert_eq!(entry(&list, &format!("posix:/leased-{number}"))["verdict"], "live");
    }
    assert!(took < Duration::from_secs(u64::from(FILES) / 3), "{took:?}");
}

/// Everybody sees semaphores, sets and queues, as what they are.
#[test]
fn what_lies_beside_the_segments_is_listed_with_all() {
    let _watchdog = watchdog(PATIENCE);
    let semaphore = ShmName::unique("beside");
    fs::write(semaphore.semaphore_path(), [0; 32]).unwrap();
    fs::set_permissions(semaphore.semaphore_path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!run(["ls", "--json"]).ok().contains(semaphore.name()));
    let list = run(["ls", "--all", "--json"]).json();
    let is_it = |one: &&Value| one["kind"] == "semaphore" && one["name"] == semaphore.name();
    let found = list.as_array().unwrap().iter().find(is_it).expect("it is listed");
    assert_eq!((&found["mode"], &found["users"]), (&"0640".into(), &Value::Array(Vec::new())));
    assert!(
        run(["ls", "--all"])
            .ok()
            .lines()
            .any(|line| line.starts_with("semaphore ") && line.contains(semaphore.name()))
    );
}
