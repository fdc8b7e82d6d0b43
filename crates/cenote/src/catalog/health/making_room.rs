//! What removes enough of what fills /dev/shm: first what is stale, then what nobody is seen to hold, then what is held.

use std::time::Duration;

use super::things::{Thing, is_native, remedies};
use super::{Item, NAMED, REMOVED_AT_ONCE, Remedy};
use crate::address::{Address, Kind};

/// What removes enough: what is stale, in one command; then what nobody is seen to hold, the largest first; then what is held,
/// and the memory without a name, which go with the processes that hold them.
pub(super) fn making_room(
    files: &[&Thing],
    surplus: u64,
    gain: impl Fn(&Thing) -> u64,
    nameless: Option<&Item>,
) -> Vec<Remedy> {
    let stale: Vec<(&Thing, u64)> = files
        .iter()
        .filter(|thing| thing.is_stale() && gain(thing) > 0)
        .map(|thing| (*thing, gain(thing)))
        .collect();
    let mut found: Vec<Remedy> = reap(&stale, Some(surplus)).into_iter().collect();
    let mut left = surplus.saturating_sub(stale.iter().map(|(_, gain)| gain).sum());
    let mut enough = |held: bool| {
        let mut chosen = Vec::new();
        let fitting = |thing: &&&Thing| thing.is_held() == held && !thing.is_stale() && gain(thing) > 0;
        for &thing in files.iter().filter(fitting) {
            if left == 0 || chosen.len() == REMOVED_AT_ONCE {
                break;
            }
            left = left.saturating_sub(gain(thing));
            chosen.push(thing);
        }
        chosen
    };
    let (free, held) = (enough(false), enough(true));
    found.extend(remedies(&free, "nobody is seen to hold it: make sure that nobody wants it"));
    for thing in held.into_iter().take(NAMED) {
        let note = format!("its memory is free when those have ended who hold it: {}", names(&thing.item));
        found.extend(remedies(&[thing], &note));
    }
    let holders = nameless.map(|item| item.holders.as_slice()).unwrap_or_default();
    for holder in holders.iter().filter(|_| left > 0).take(NAMED) {
        let note = format!("ends {}, which holds memory that has lost its name", holder.command);
        found.push(Remedy::run(format!("kill {}", holder.pid), note));
    }
    found
}

/// The one command that removes what is stale, of which each thing gains so much; if so much is wanted, of no more kinds than
/// it takes, native segments first.
pub(super) fn reap(stale: &[(&Thing, u64)], wanted: Option<u64>) -> Option<Remedy> {
    let kind = |thing: &Thing| thing.address.as_ref().map(Address::kind);
    let sum = |kinds: &[Kind], settled: bool| -> u64 {
        let is_one = |thing: &Thing| kind(thing).is_some_and(|kind| kinds.contains(&kind));
        let is_settled = |thing: &Thing| !settled || is_native(thing) || !thing.is_young;
        stale.iter().filter(|(thing, _)| is_one(thing) && is_settled(thing)).map(|(_, gain)| gain).sum()
    };
    let mut kinds: Vec<Kind> = Vec::new();
    for one in [Kind::Cenote, Kind::Posix, Kind::File, Kind::Sysv, Kind::Qt] {
        let is_enough = !kinds.is_empty() && wanted.is_some_and(|wanted| sum(&kinds, false) >= wanted);
        if !is_enough && stale.iter().any(|(thing, _)| kind(thing) == Some(one)) {
            kinds.push(one);
        }
    }
    let patterns: Vec<String> = kinds.iter().map(|kind| format!("{kind}:")).collect();
    let because = |why: &str| format!("removes what is stale: {why}");
    let (patterns, older, note) = match kinds[..] {
        [] => return None,
        [Kind::Cenote] => (Vec::new(), None, because("all its holders have died")),
        // What is needed at once may be too young to be removed unasked.
        _ if wanted.is_some_and(|wanted| sum(&kinds, true) < wanted.min(sum(&kinds, false))) => {
            let why = "some of it was used within the last minute, so see that nobody is just starting";
            (patterns, Some(Duration::ZERO), because(why))
        }
        _ => (patterns, None, because("nobody has it open")),
    };
    Some(Remedy::Reap { patterns, older, note })
}

fn names(item: &Item) -> String {
    let names: Vec<String> = item
        .holders
        .iter()
        .take(NAMED)
        .map(|holder| format!("{} ({})", holder.pid, holder.command))
        .collect();
    names.join(", ")
}
