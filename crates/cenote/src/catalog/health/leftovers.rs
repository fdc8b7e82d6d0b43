//! What nobody is seen to use: advice only, since it does no harm as long as there is room.

use super::super::Verdict;
use super::things::{Class, Thing, Things, is_native, is_segment, remedies};
use super::{Finding, Found, Remedy, State, making_room};

const NOTE: &str = "if nobody wants it any more";

pub(super) fn look(things: &Things) -> Vec<Finding> {
    let segment_of = |wanted_qt| move |thing: &Thing| matches!(thing.class, Class::Segment { qt, attached: 0 } if qt == wanted_qt);
    let is_file = |thing: &Thing| matches!(thing.class, Class::ShmFile { .. });
    let unheld_file =
        |thing: &Thing| is_segment(thing) && is_file(thing) && !is_native(thing) && !thing.is_held();
    let semaphore = |thing: &Thing| match thing.class {
        Class::ShmFile { semaphore } => semaphore && !thing.is_held(),
        class => class == Class::Set,
    };
    let mut findings = vec![
        finding(
            things,
            |thing| is_native(thing) && thing.is_stale(),
            ("native-stale", "native: stale"),
            "segments whose holders have all died",
        ),
        finding(
            things,
            unheld_file,
            ("posix-unheld", "posix: unheld"),
            "segments that no process is seen to map",
        ),
        finding(
            things,
            segment_of(false),
            ("sysv-unattached", "sysv: unattached"),
            "segments without an attachment, as the kernel counts them",
        ),
        finding(
            things,
            segment_of(true),
            ("qt-unattached", "qt: unattached"),
            "segments without an attachment: a Qt program was killed, or they are kept",
        ),
        finding(
            things,
            |thing| thing.class == Class::KeyFile,
            ("qt-key-files", "qt: key files"),
            "files of Qt's that lead to no segment: a Qt program was killed, or uses a semaphore alone",
        ),
        finding(
            things,
            semaphore,
            ("semaphores-unused", "semaphores unused"),
            "named ones that no process is seen to map, and System V sets whose last users are gone",
        ),
    ];
    findings.extend(odd_names(things));
    findings
}

/// A word only where there are some.
fn odd_names(things: &Things) -> Option<Finding> {
    let count = things.odd.len() as u64;
    let found = Found::Count { used: count, limit: None };
    let meaning = "files in /dev/shm whose names are not UTF-8: `cenote ls` cannot list them";
    let remedy = Remedy::run("ls -lb /dev/shm", "shows their names as `rm` takes them between $' and '");
    let finding = Finding::new("shm-odd-names", "/dev/shm odd names", found, meaning).with_items(&things.odd);
    (count > 0).then(|| finding.in_state(State::Note, meaning).with_remedy(remedy))
}

fn finding(
    things: &Things,
    wanted: impl Fn(&Thing) -> bool,
    (name, title): (&'static str, &'static str),
    meaning: &str,
) -> Finding {
    let found = things.of(wanted);
    let count = Found::Count { used: found.len() as u64, limit: None };
    let mut finding =
        Finding::new(name, title, count, meaning).with_items(found.iter().map(|thing| &thing.item));
    if !found.is_empty() {
        finding.state = State::Note;
        let (semaphores, found): (Vec<&Thing>, Vec<&Thing>) =
            found.into_iter().partition(|thing| is_stale_semaphore(thing));
        if !semaphores.is_empty() {
            let note = "removes what is stale: nobody has it open".to_owned();
            let patterns = vec!["posix:sem.*".to_owned()];
            finding.remedies.push(Remedy::Reap { patterns, older: None, note });
        }
        let (stale, others): (Vec<&Thing>, Vec<&Thing>) =
            found.into_iter().partition(|thing| thing.is_stale());
        let stale: Vec<(&Thing, u64)> = stale.into_iter().map(|thing| (thing, thing.bytes())).collect();
        finding.remedies.extend(making_room::reap(&stale, None));
        finding.remedies.extend(remedies(&others, NOTE));
    }
    finding
}

fn is_stale_semaphore(thing: &Thing) -> bool {
    thing.class == Class::ShmFile { semaphore: true } && thing.item.verdict == Verdict::Stale
}
