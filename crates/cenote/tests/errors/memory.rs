//! Beyond the memory cgroup: the kernel would kill, so it must not come to that.

use std::io;

use cenote::ErrorKind;
use testkit::cgroup::{Cgroup, in_memory_cgroup};
use testkit::names::ShmName;
use testkit::{Peer, agent, skipped};

use super::{Place, Says, minute};

const MIB: u64 = 1 << 20;

/// An agent in a group of 64 MiB, which must outlive it: what is declared first is dropped last.
fn confined_agent() -> Option<(Cgroup, Peer)> {
    let confine = || -> io::Result<_> {
        let group = in_memory_cgroup(64 * MIB)?;
        let mut command = agent::command();
        group.confine(&mut command)?;
        let agent = Peer::spawn(command);
        Ok((group, agent))
    };
    confine().inspect_err(|error| skipped(&format!("no memory control group: {error}"))).ok()
}

/// A file on a file system that is memory, which the group pays for.
fn file_in_memory() -> (String, ShmName) {
    let name = ShmName::unique("memory");
    (format!("file:{}", name.path().display()), name)
}

#[test]
fn a_segment_beyond_the_memory_cgroup_is_an_error_and_the_process_lives() {
    let _watchdog = minute();
    let (posix, sysv, qt) = (Place::posix(), Place::sysv_key(), Place::qt());
    let (file, _file) = file_in_memory();
    let Some((_group, mut agent)) = confined_agent() else { return };
    let asked = (300 * MIB).to_string();
    for address in [posix.address(), &file, sysv.address(), qt.address()] {
        let says = Says {
            kind: ErrorKind::OutOfResources,
            reason: &[&asked, "memory cgroup", "left"],
            hint: &["memory limit", "less"],
        };
        says.check_in(&mut agent, "create", address, &format!("create {address} {asked}"));
        let operation = "attach or create";
        says.check_in(&mut agent, operation, address, &format!("open-or-create {address} {asked}"));
        agent.ask(&format!("attach {address}")).expect_error("NotFound");
        // What fits is had, and the process is well.
        agent.ask(&format!("create {address} 4096")).expect_ok();
        agent.ask("write 0 2a").expect_ok();
        assert_eq!(agent.ask("read 0 1").expect_ok(), "2a");
        agent.ask(&format!("remove {address}")).expect_ok();
    }
    agent.finish();
}

#[test]
fn anonymous_memory_beyond_the_cgroup_is_an_error_too() {
    let _watchdog = minute();
    let Some((_group, mut agent)) = confined_agent() else { return };
    let asked = (300 * MIB).to_string();
    let says = Says {
        kind: ErrorKind::OutOfResources,
        reason: &[&asked, "memory cgroup", "left"],
        hint: &["memory limit", "less"],
    };
    says.check_in(&mut agent, "create", "memfd:large", &format!("create memfd:large {asked}"));
    agent.ask(&format!("create-sparse memfd:large {asked}")).expect_ok();
    agent.ask(&format!("write {} 2a", 299 * MIB)).expect_ok();
    agent.ask("create memfd:small 4096").expect_ok();
    agent.ask("write 0 2a").expect_ok();
    agent.finish();
}

#[test]
fn a_sparse_segment_beyond_the_memory_cgroup_is_had_for_the_asking() {
    let _watchdog = minute();
    let (posix, sysv, qt) = (Place::posix(), Place::sysv_key(), Place::qt());
    let (file, _file) = file_in_memory();
    let Some((_group, mut agent)) = confined_agent() else { return };
    for address in [posix.address(), &file, sysv.address(), qt.address()] {
        agent.ask(&format!("create-sparse {address} {}", 300 * MIB)).expect_ok();
        agent.ask(&format!("write {} 2a", 299 * MIB)).expect_ok();
        assert_eq!(agent.ask(&format!("read {} 1", 299 * MIB)).expect_ok(), "2a");
        agent.ask(&format!("remove {address}")).expect_ok();
    }
    agent.finish();
}

/// Creates segments of the sizes in turn, until one is refused. Says how much there was by then.
fn fill_up(agent: &mut Peer, sizes: &[u64], address: impl Fn(u64) -> String) -> u64 {
    let mut sum = 0;
    for number in 0..2000 {
        let (address, size) = (address(number), sizes[number as usize % sizes.len()]);
        let reply = agent.ask(&format!("create-kept {address} {size}"));
        if reply.ok().is_none() {
            reply.expect_error("OutOfResources");
            assert!(reply.line().contains("memory cgroup"), "{}", reply.line());
            return sum;
        }
        sum += size;
        assert!(sum < 64 * MIB, "more than the group has: {sum}");
    }
    panic!("the group is not full after {sum} bytes");
}

/// Goes on where [`fill_up`] ended: what does not fit is refused, again and again.
fn insist(agent: &mut Peer, size: u64, address: impl Fn(u64) -> String) {
    for number in 2000..2020 {
        let reply = agent.ask(&format!("create-kept {} {size}", address(number)));
        if reply.ok().is_none() {
            reply.expect_error("OutOfResources");
        }
    }
}

/// Takes away what [`fill_up`] and [`insist`] have made.
struct ManyNames(ShmName);

impl ManyNames {
    fn path(&self, number: u64) -> String {
        format!("{}-{number}", self.0.path().display())
    }
}

impl Drop for ManyNames {
    fn drop(&mut self) {
        for number in 0..2500 {
            let _ = std::fs::remove_file(self.path(number));
        }
    }
}

#[test]
fn many_small_files_that_add_up_beyond_the_cgroup_end_in_an_error_and_not_in_a_kill() {
    let _watchdog = minute();
    for sizes in [&[500_000][..], &[1_000_000], &[40_000, 900_000], &[700_000, 300_000, 10_000]] {
        let names = ManyNames(ShmName::unique("many"));
        let Some((_group, mut agent)) = confined_agent() else { return };
        let sum = fill_up(&mut agent, sizes, |number| format!("file:{}", names.path(number)));
        assert!(sum > 32 * MIB, "refused although there is room: after {sum} bytes of {sizes:?}");
        for (start, size) in [(0, 1_000_000), (100, 500_000), (200, 100_000)] {
            insist(&mut agent, size, |number| format!("file:{}", names.path(start + number)));
        }
        agent.ask("write 0 2a").expect_ok();
        agent.finish();
    }
}

#[test]
fn processes_that_have_made_nothing_yet_see_that_others_have_filled_the_group() {
    let _watchdog = minute();
    let names = ManyNames(ShmName::unique("many"));
    let Some((group, mut first)) = confined_agent() else { return };
    let mut others: Vec<Peer> = (0..4)
        .map(|_| {
            let mut command = agent::command();
            group.confine(&mut command).unwrap();
            Peer::spawn(command)
        })
        .collect();
    fill_up(&mut first, &[500_000], |number| format!("file:{}", names.path(number)));
    for (other, start) in others.iter_mut().zip([0, 100, 200, 300]) {
        insist(other, 400_000, |number| format!("file:{}", names.path(start + number)));
    }
    for agent in others.into_iter().chain([first]) {
        agent.finish();
    }
}

#[test]
fn many_small_system_v_segments_that_add_up_end_in_an_error_too() {
    let _watchdog = minute();
    let folder = testkit::names::TempDir::new();
    let file = folder.join("key");
    std::fs::write(&file, "").unwrap();
    let key = |number: u64| format!("sysv:{}#{}", file.display(), number % 255 + 1);
    let Some((_group, mut agent)) = confined_agent() else { return };
    let removed_at_last = RemoveAll((0..255).map(key).collect());
    let sum = fill_up(&mut agent, &[500_000], key);
    assert!(sum > 32 * MIB, "refused although there is room: after {sum} bytes");
    agent.finish();
    drop(removed_at_last);
}

/// Segments that stay when their maker ends.
struct RemoveAll(Vec<String>);

impl Drop for RemoveAll {
    fn drop(&mut self) {
        for address in &self.0 {
            let _ = cenote::Segment::remove(address);
        }
    }
}
