//! Whether a segment is of use to anyone, and the proof of it. All who ask get the same answer.

use std::thread;
use std::time::Duration;

use super::Verdict;
use super::holders::{Holder, Holders};
use super::list::address_in_shm;
use super::makers::{Maker, keepers_of_system_v, maker_of};
use crate::address::{Address, Kind};
use crate::backend::{self, Backend, Examined, Life, Open};
use crate::sys;

/// How long who only looks has a file open, at most.
const A_LOOK: Duration = Duration::from_millis(1);

/// What a segment is judged by.
pub(super) struct Case<'a> {
    pub(super) address: &'a Address,
    pub(super) backend: &'a dyn Backend,
    pub(super) seen: &'a Examined,
    pub(super) found: &'a [Holder],
    pub(super) maker: Option<&'static Maker>,
}

pub(super) fn judge(case: &Case<'_>, holders: &Holders) -> (Verdict, String) {
    let Case { address, seen, found, .. } = case;
    if let Some(life) = seen.life {
        return proven(life, found);
    }
    if let Some(count) = seen.stat.attached {
        // What is known to be another's is none of theirs.
        let keepers = if case.maker.is_none() { keepers_of_system_v() } else { Vec::new() };
        // Its maker's number is 0 for who cannot see it; where /proc hides processes it is told of those too.
        let may_be_hidden = seen.stat.creator.is_none() || sys::hides_processes();
        let is_strangers = !keepers.is_empty() && may_be_hidden && !sys::sees_all_processes();
        return counted_by_the_kernel(count, is_strangers, || holders.runs(&keepers, seen.stat.uid));
    }
    if !found.is_empty() {
        return (Verdict::Live, who(found));
    }
    if !sys::TELLS_WHO_MAPS_FILES {
        let reason = "this system does not tell who maps a file; its maker may still want it";
        return (Verdict::Unknown, reason.to_owned());
    }
    match address.kind() {
        Kind::Cenote => {
            let reason = "its header may not be read by this user: look as its owner or as root";
            (Verdict::Unknown, reason.to_owned())
        }
        Kind::Memfd => (Verdict::Unknown, holders.nobody()),
        Kind::File if !lies_in_shm(address) => {
            let reason = format!("a file stays until somebody deletes it; {}", holders.nobody());
            (Verdict::Kept, reason)
        }
        _ => {
            let shared = case.maker.filter(|maker| maker.shares(address));
            if let Some(reason) =
                shared.and_then(|maker| used_by_its_makers_programs(maker, address, holders))
            {
                return (Verdict::Unknown, reason);
            }
            of_shm_file(case.backend, seen.stat.uid, case.maker, holders)
        }
    }
}

/// A file in /dev/shm that no process is seen to use.
pub(super) fn of_shm_file(
    backend: &dyn Backend,
    uid: Option<u32>,
    maker: Option<&'static Maker>,
    holders: &Holders,
) -> (Verdict, String) {
    if let Some(reason) = maker.and_then(|maker| wanted_by_its_maker(maker, uid, holders)) {
        return (Verdict::Unknown, reason);
    }
    if let Some(reason) = backend.needed_for() {
        return (Verdict::Unknown, reason);
    }
    let mut open = backend.is_open();
    while open == Open::Somewhere && holders.may_look_again() {
        thread::sleep(A_LOOK);
        open = backend.is_open();
    }
    match open {
        Open::Nowhere if holders.saw_all() => (Verdict::Stale, holders.nobody()),
        Open::Nowhere => {
            let reason =
                "the kernel grants a lease on it: nobody has it open or mapped, in whatever container";
            (Verdict::Stale, reason.to_owned())
        }
        Open::Somewhere => {
            let reason = format!(
                "the kernel says that somebody has it open, in another container or on its way between processes; {}",
                holders.nobody()
            );
            (Verdict::Unknown, reason)
        }
        // No process has it while it is on its way through a socket.
        Open::Untold => {
            let reason = format!(
                "the kernel does not tell this user, or not of this file system, whether somebody has it open; {}",
                holders.nobody()
            );
            (Verdict::Unknown, reason)
        }
    }
}

/// Some makers have a segment that all their programs share and map only as they start. What such a program has all the
/// time tells that it runs, whoever may see it.
fn used_by_its_makers_programs(
    maker: &'static Maker,
    address: &Address,
    holders: &Holders,
) -> Option<String> {
    let in_use = |file: &sys::ShmFile| {
        let other = address_in_shm(&file.path).filter(|other| other != address && !maker.shares(other))?;
        maker_of(&other, None).filter(|its| its.name == maker.name)?;
        let is_held = || !holders.of(file.what).is_empty();
        let is_free = || backend::of(&other).is_ok_and(|one| matches!(one.is_open(), Open::Nowhere));
        // Where nobody may ask the kernel, all processes were looked at, or it cannot be told.
        (is_held() || !(holders.saw_all() || is_free())).then_some(other)
    };
    let other = sys::shm_files().iter().find_map(in_use)?;
    Some(format!(
        "nobody maps it or has it open, but all programs of {} share it, and {other} is in use, or may be: it is stale when \
         none of theirs is",
        maker.name
    ))
}

/// Some makers have a process that keeps segments for others, which map them later.
fn wanted_by_its_maker(maker: &Maker, uid: Option<u32>, holders: &Holders) -> Option<String> {
    if maker.keepers.is_empty() {
        return None;
    }
    if let Some(program) = holders.runs(maker.keepers, uid) {
        return Some(format!("nobody maps it or has it open, {}", may_keep_it(program)));
    }
    (!sys::sees_all_processes()).then(|| {
        let keepers = maker.keepers.join("` or `");
        format!("`{keepers}` may keep it for later, and processes in other containers are not seen from here: look from outside")
    })
}

/// What the kernel vouches for, wherever the holders are.
fn proven(life: Life, found: &[Holder]) -> (Verdict, String) {
    match life {
        Life::Held if found.is_empty() => (Verdict::Live, "somebody that cannot be seen holds it".to_owned()),
        Life::Held => (Verdict::Live, counted(found.len() as u64, "process holds it", "processes hold it")),
        Life::Kept => (Verdict::Kept, "nobody holds it, and its maker asked for it to stay".to_owned()),
        Life::Stale => (Verdict::Stale, "all its holders have died, and nobody can attach it".to_owned()),
    }
}

fn may_keep_it(program: &str) -> String {
    format!("but `{program}` runs, which may keep it for later: it is stale when that has ended")
}

fn counted_by_the_kernel(
    count: u64,
    is_strangers: bool,
    keeper: impl Fn() -> Option<&'static str>,
) -> (Verdict, String) {
    match count {
        0 if is_strangers => {
            let reason = "the kernel counts no attachment, but whoever made it is not seen from here, and may keep it for later: \
                          look as root, from outside of the container";
            (Verdict::Unknown, reason.to_owned())
        }
        0 if sys::lacks(Kind::Sysv).is_none() => match keeper() {
            Some(keeper) => {
                (Verdict::Unknown, format!("the kernel counts no attachment, {}", may_keep_it(keeper)))
            }
            None => {
                let reason = "the kernel counts no attachment, and it counts those of all containers";
                (Verdict::Stale, reason.to_owned())
            }
        },
        0 => (Verdict::Unknown, "the kernel counts no attachment; its maker may still want it".to_owned()),
        _ => (Verdict::Live, format!("the kernel counts {}", counted(count, "attachment", "attachments"))),
    }
}

/// Those who are seen to have it.
pub(super) fn who(found: &[Holder]) -> String {
    let mapped = found.iter().filter(|holder| holder.mapped).count() as u64;
    let open = found.len() as u64 - mapped;
    let mapping = || counted(mapped, "process maps it", "processes map it");
    match (mapped, open) {
        (_, 0) => mapping(),
        (0, _) => counted(open, "process has it open", "processes have it open"),
        _ => format!("{}, {}", mapping(), counted(open, "more has it open", "more have it open")),
    }
}

pub(super) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// Whether a file lies where no file is meant to stay.
fn lies_in_shm(address: &Address) -> bool {
    let shm = format!("file:{}/", sys::SHM_DIRECTORY);
    address.to_string().starts_with(&shm)
}
