//! PostgreSQL: a cluster of our own for each test, by a user of its own. Each has a System V segment that tells whether the
//! server runs, the segment that the others are found by, and segments that are pinned while nobody maps them.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use testkit::names::TempDir;
use testkit::{skipped, system};

use crate::program::{kill_all, with_descendants};
use crate::room::{Entry, Room, Said, in_a_room, sees_everybody, sorted, until};

const INTERLOCK: &str = "sysv:0x00";
/// A user that every Debian has, and that runs nothing.
const DAEMON: u32 = 1;

/// A server and its files. It is killed when this is dropped.
pub(crate) struct Server {
    postmaster: Child,
    programs: PathBuf,
    folder: TempDir,
    uid: u32,
}

/// Where Debian has the newest.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let found = versions.map(|entry| entry.path().join("bin")).filter(|path| path.join("initdb").is_file());
    let newest = found.max_by_key(version);
    if newest.is_none() {
        skipped("no PostgreSQL; `cargo xtask peers` installs it");
    }
    newest
}

impl Server {
    /// Which refuses to run as root.
    pub(crate) fn start(uid: u32, memory: &str) -> Option<Self> {
        if !system::has_root() {
            return None;
        }
        let (programs, folder) = (programs()?, TempDir::new());
        chown(folder.path(), Some(uid), Some(uid)).expect("root may do that");
        let data = folder.join("data");
        let mut initdb = as_user(&programs.join("initdb"), uid, folder.path());
        initdb.arg("--pgdata").arg(&data).args([
            "--username=maker",
            "--auth=trust",
            "--no-sync",
            "--no-locale",
        ]);
        Said::of(&mut initdb).ok();
        let log = File::create(folder.join("log")).expect("the folder is ours");
        let mut postgres = as_user(&programs.join("postgres"), uid, folder.path());
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in ["listen_addresses=", "fsync=off", "max_locks_per_transaction=1000", memory] {
            postgres.args(["-c", setting]);
        }
        let postmaster = postgres.stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts");
        let server = Self { postmaster, programs, folder, uid };
        until("the server answers", || {
            server.client("psql").args(["-c", ""]).status().is_ok_and(|end| end.success())
        });
        Some(server)
    }

    fn client(&self, program: &str) -> Command {
        let mut command = as_user(&self.programs.join(program), self.uid, self.folder.path());
        command.arg("-h").arg(self.folder.path()).args(["-U", "maker", "-d", "postgres", "-qAtX"]);
        command.stderr(Stdio::null());
        command
    }

    #[track_caller]
    fn ask(&self, statement: &str) -> String {
        Said::of(self.client("psql").args(["-c", statement])).ok().trim().to_owned()
    }

    /// So many tables come and go that their statistics fill a segment more, which is pinned and which no process has as soon
    /// as the session has ended.
    pub(crate) fn pin(&self) {
        let tables = "do $$ begin for i in 1..9000 loop execute
                      'create temp table t'||i||'() on commit drop'; end loop; end $$";
        self.ask(tables);
    }

    /// What it has in shared memory is used by each of its sessions, and a parallel query makes segments of its own.
    pub(crate) fn goes_on(&self) {
        let query = "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
                     select count(*) > 0 from pg_class where oid >= 0 and (select pg_stat_get_xact_numscans(oid)) = 0";
        assert_eq!(self.ask(query), "t");
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        with_descendants(self.postmaster.id())
    }

    /// What its processes have, without what has no name.
    fn held(&self, room: &Room) -> Vec<Entry> {
        let mut held = room.held_by(&self.pids());
        held.retain(|entry| !entry.address.starts_with("file:"));
        held
    }

    fn kill(&mut self) {
        let pids = self.pids();
        kill_all(&pids, || {
            let _ = self.postmaster.kill();
            let _ = self.postmaster.wait();
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Nothing of the person who runs the tests, and nothing that the server could want to read elsewhere.
fn as_user(program: &Path, uid: u32, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null());
    system::as_user(&mut command, uid, uid);
    command
}

/// Of two servers, each by its own user, one is killed. Their names begin with `segments`, of `maker`.
fn try_it(room: &Room, memory: &str, segments: &str, maker: Option<&str>) {
    let Some(lives) = Server::start(system::OTHER_USER, memory) else { return };
    let Some(mut dies) = Server::start(DAEMON, memory) else { return };
    let (stay, go) = (lives.held(room), dies.held(room));
    for entry in stay.iter().chain(&go) {
        let its = if entry.address.starts_with(segments) { maker } else { None };
        assert_eq!((entry.verdict.as_str(), entry.maker.as_deref()), ("live", its), "{entry:?}");
        assert!(entry.address.starts_with(segments) || entry.address.starts_with(INTERLOCK), "{entry:?}");
    }
    let names = |entries: &[Entry]| sorted(entries.iter().map(|entry| entry.address.clone()));
    let (stay, go) = (names(&stay), names(&go));
    assert!(stay.len() >= 2 && go.len() >= 2, "{stay:?} {go:?}");

    // The memory that all its processes inherit has no name.
    let inherited = |entry: &Entry| entry.label.as_deref() == Some("/dev/zero") && entry.verdict == "live";
    let killed = dies.pids();
    assert!(room.held_by(&killed).iter().any(inherited), "{:#?}", room.held_by(&killed));

    // One is pinned, and nobody maps it: it is not stale as long as its server runs.
    let known = names(&room.list());
    lives.pin();
    let is_new = |entry: &Entry| entry.address.starts_with(segments) && !known.contains(&entry.address);
    let is_pinned = |entry: &Entry| is_new(entry) && entry.holders.is_empty();
    let mut pinned = None;
    // The client may be told of its end before the session's process has ended.
    until("one is pinned", || {
        pinned = room.list().into_iter().find(is_pinned);
        pinned.is_some()
    });
    let pinned = pinned.expect("it is there");
    assert_eq!((pinned.verdict.as_str(), pinned.maker.as_deref()), ("unknown", maker), "{pinned:?}");
    assert!(pinned.reason.contains("postgres"), "{pinned:?}");

    dies.kill();
    assert!(room.held_by(&killed).is_empty());
    let all: Vec<String> = stay.iter().chain(&go).chain([&pinned.address]).cloned().collect();
    let patterns = room.patterns(&["posix:PostgreSQL.*", "sysv:*"], &all);
    // From inside of a container it is not seen whether a server runs outside, which may want the files of both.
    let is_proven = |address: &&String| sees_everybody() || address.starts_with("sysv:");
    let provable = sorted(go.iter().filter(is_proven).cloned());
    for address in &go {
        room.until(address, if provable.contains(address) { "stale" } else { "unknown" });
    }
    lives.goes_on();
    room.reaps(&patterns, &provable);
    lives.goes_on();
    lives.pin();
    // The server may have come for it.
    let verdict = room.find(&pinned.address).map(|entry| entry.verdict);
    assert!(verdict.is_some_and(|verdict| ["live", "unknown"].contains(&&*verdict)));

    drop(lives);
    for address in stay.iter().chain([&pinned.address]) {
        room.until(
            address,
            if sees_everybody() || address.starts_with("sysv:") { "stale" } else { "unknown" },
        );
        cenote::Segment::remove(&**address).expect("root may do that");
    }
}

#[test]
fn with_posix_segments() {
    in_a_room(|room| {
        try_it(room, "dynamic_shared_memory_type=posix", "posix:/PostgreSQL.", Some("PostgreSQL"));
    });
}

#[test]
fn with_system_v_segments() {
    in_a_room(|room| try_it(room, "dynamic_shared_memory_type=sysv", "sysv:0x", None));
}
