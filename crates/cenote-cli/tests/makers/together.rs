//! All makers at once, as other users see them: what lives is never called stale, and nothing of it is reaped.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use testkit::names::{ShmName, TempDir, unique};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;
use testkit::{agent, peers, system};

use crate::postgresql::Server;
use crate::program::Program;
use crate::room::{Entry, Room, Said, in_a_room};
use crate::{boost, c, iceoryx2, python, qt};

/// Nobody is known by this number.
const STRANGER: u32 = 47_110;

/// A copy of the command that every user can reach.
struct Reachable(TempDir);

impl Reachable {
    fn new() -> Self {
        let copy = Self(TempDir::new());
        // By another process: see `testkit::others`.
        let copied = Command::new("cp")
            .args([env!("CARGO_BIN_EXE_cenote").as_ref(), copy.program().as_os_str()])
            .status();
        assert!(copied.as_ref().is_ok_and(std::process::ExitStatus::success), "{copied:?}");
        for path in [copy.0.path(), &copy.program()] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("they are ours");
        }
        copy
    }

    fn program(&self) -> std::path::PathBuf {
        self.0.join("cenote")
    }

    fn run(&self, uid: u32, arguments: &[&str]) -> Said {
        let mut command = Command::new(self.program());
        Said::of(system::as_user(command.args(arguments).current_dir("/"), uid, uid))
    }
}

type GoesOn = fn(&mut Program);

/// A program of each maker, with what it does to use its memory once more.
fn everybody(folder: &TempDir, names: &Names) -> Option<Vec<(Program, GoesOn)>> {
    let start = |program: Program, command: &str| {
        let mut program = program;
        program.ask(command).expect_ok();
        program
    };
    let Names { posix, sysv, boost, qt, native, .. } = names;
    let boosts = format!("create-managed {} 65536", &boost.name()[1..]);
    Some(vec![
        (start(peers::posix()?.into(), &format!("create {} 8192", posix.name())), c::goes_on as GoesOn),
        (start(peers::sysv()?.into(), &format!("create {:#x} 8192", sysv.key())), c::goes_on),
        (start(peers::boost()?.into(), &boosts), boost::goes_on),
        (start(peers::qt6()?.into(), &format!("create {} 8192", qt.word())), qt::goes_on),
        (start(agent::spawn().into(), &format!("create cenote:{native} 8192")), c::goes_on),
        (python::start()?, python::goes_on),
        (iceoryx2::start(folder, "together")?, iceoryx2::goes_on),
    ])
}

/// Names of what the programs make.
struct Names {
    posix: ShmName,
    sysv: SysvKey,
    boost: ShmName,
    qt: QtKey,
    native: String,
    left_posix: ShmName,
    left_sysv: SysvKey,
}

impl Names {
    fn new() -> Self {
        Self {
            posix: ShmName::unique("together"),
            sysv: SysvKey::unique(),
            boost: ShmName::unique("together"),
            qt: QtKey::unique(),
            native: unique("together"),
            left_posix: ShmName::unique("together-left"),
            left_sysv: SysvKey::unique(),
        }
    }
}

#[test]
fn to_other_users_nothing_that_lives_is_stale() {
    in_a_room(|room: &Room| {
        if !system::has_root() {
            return;
        }
        let (folder, names, command) = (TempDir::new(), Names::new(), Reachable::new());
        // One of them is the other user's own.
        let Some(postgresql) = Server::start(system::OTHER_USER, "dynamic_shared_memory_type=posix") else {
            return;
        };
        postgresql.pin();
        let Some(mut programs) = everybody(&folder, &names) else { return };
        let left = leave(&names);
        let pids: Vec<u32> =
            programs.iter().flat_map(|(program, _)| program.pids()).chain(postgresql.pids()).collect();
        let is_loose = |address: &str| address.starts_with("memfd:") || address.starts_with("file:/proc/");
        let mut live = room.list();
        live.retain(|entry| {
            let has = |pid: &u32| pids.contains(pid);
            let is_pinned = || room.is_own && !is_loose(&entry.address) && !left.contains(&entry.address);
            entry.holders.iter().any(has) || is_pinned()
        });
        assert!(live.len() > programs.len() + 3, "{live:#?}");

        for uid in [system::OTHER_USER, STRANGER] {
            let said = command.run(uid, &["ls", "--json"]).json();
            let seen: Vec<Entry> = said.as_array().unwrap().iter().map(Entry::of).collect();
            let find = |address: &str| seen.iter().find(|entry| entry.address == address);
            for entry in &live {
                let address = entry.address.replace("cenote:", "cenote:@root/");
                match find(&address) {
                    Some(theirs) => {
                        assert!(
                            ["live", "unknown"].contains(&&*theirs.verdict),
                            "{theirs:?}, to root {entry:?}"
                        );
                        assert_eq!(theirs.maker, entry.maker, "{theirs:?}");
                    }
                    // Whose processes may not be read, their nameless memory is not seen.
                    None => assert!(
                        address.starts_with("memfd:") || address.starts_with("file:/proc/"),
                        "{address}"
                    ),
                }
            }
            // What root has left may not be looked into, but for the kernel's own count.
            let [posix, sysv] = &left;
            assert_eq!(find(posix).unwrap().verdict, "unknown");
            assert_eq!(find(sysv).unwrap().verdict, "stale");

            let patterns = ["posix:*", "qt:*", "cenote:*", "memfd:*", "file:*"];
            for pattern in
                room.patterns(&patterns, &live.iter().map(|entry| entry.address.clone()).collect::<Vec<_>>())
            {
                let said = command.run(uid, &["reap", "--json", "--older", "0s", &pattern]);
                let list = said.json();
                let spared = |one: &Value| one["outcome"] == "spared";
                assert!(list.as_array().unwrap().iter().all(spared), "{pattern} as {uid}: {list:#}");
            }
            let said = command.run(uid, &["reap", "--older", "0s", sysv]);
            assert!(said.code == Some(1) && said.stderr.contains(sysv.as_str()), "{said:?}");
            for address in &left {
                assert!(room.find(address).is_some(), "{address}");
            }
        }
        for (program, goes_on) in &mut programs {
            goes_on(program);
        }
        postgresql.goes_on();
        for entry in live {
            let now = room.find(&entry.address);
            assert!(now.as_ref().is_some_and(|now| now.verdict == entry.verdict), "{entry:?}, now {now:?}");
        }
    });
}

/// Two that root's programs have left.
fn leave(names: &Names) -> [String; 2] {
    let left =
        [format!("posix:{}", names.left_posix.name()), format!("sysv:{:#010x}", names.left_sysv.key())];
    for address in &left {
        let mut program = Program::from(agent::spawn());
        program.ask(&format!("create {address} 8192")).expect_ok();
        program.kill();
    }
    left
}
