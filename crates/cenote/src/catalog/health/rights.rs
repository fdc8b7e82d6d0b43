//! Who may do what: the mode of /dev/shm, segments that everybody may write, segments of other users.

use super::things::{Thing, Things, is_segment};
use super::{Finding, Found, Remedy, State};
use crate::sys;

/// What /dev/shm must have: everybody may make files, and only their owners remove them.
const STICKY_FOR_ALL: u32 = 0o1777;
const OTHERS_WRITE: u32 = 0o002;

pub(super) fn look(things: &Things) -> Vec<Finding> {
    let open = things.of(|thing| is_segment(thing) && thing.item.mode & OTHERS_WRITE != 0);
    let mut world = Finding::new(
        "world-writable",
        "world-writable",
        count(&open),
        "segments that every user may change, shrink (posix:) and lock",
    );
    if !open.is_empty() {
        world.state = State::Note;
        let note = "who uses it: let them make it with a narrower mode";
        let first = open.iter().find_map(|thing| thing.address.clone());
        world.remedies.extend(first.map(|address| Remedy::Look { address, note: note.to_owned() }));
    }
    let own = sys::own_user();
    let foreign = things.of(|thing| is_segment(thing) && own.is_some_and(|uid| uid != thing.uid));
    let others = Finding::new(
        "other-users",
        "of other users",
        count(&foreign),
        "segments of other users than this one; their mode says who may attach",
    );
    vec![
        world.with_items(open.iter().map(|thing| &thing.item)),
        others.with_items(foreign.iter().map(|thing| &thing.item)),
    ]
}

pub(super) fn directory(mode: u32) -> Finding {
    let finding = Finding::new(
        "shm-mode",
        "/dev/shm mode",
        Found::Words(format!("{mode:04o}")),
        "everybody may make segments, and remove only their own",
    );
    if mode == STICKY_FOR_ALL {
        return finding;
    }
    let meaning = match (mode & 0o022, mode & 0o1000) {
        (0, _) => "it should be 1777: other users than its owner cannot make posix: segments",
        (_, 0) => "it should be 1777: users can remove and replace each other's segments",
        _ => "it should be 1777: some users cannot make posix: segments",
    };
    finding.in_state(State::Mend, meaning).with_remedy(Remedy::run("chmod 1777 /dev/shm", "as root"))
}

fn count(things: &[&Thing]) -> Found {
    Found::Count { used: things.len() as u64, limit: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sticky_bit_and_all_rights_are_well() {
        assert_eq!(directory(0o1777).state, State::Ok);
        for (mode, words) in [(0o755, "cannot make"), (0o777, "each other's"), (0o1770, "some users")] {
            let finding = directory(mode);
            assert_eq!(finding.state, State::Mend, "{mode:o}");
            assert!(finding.meaning.contains(words), "{mode:o}: {}", finding.meaning);
        }
    }
}
