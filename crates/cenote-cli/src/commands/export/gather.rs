//! What is exported: what there is of each kind, maker and verdict, the room in /dev/shm, and what the doctor found.

use std::collections::BTreeMap;
use std::time::Instant;

use cenote::catalog::{self, Finding, Found, State};

use super::metric::{Family, Number};
use super::{queues, topics};
use crate::failure::Failure;
use crate::output::holder_count;

/// Where no name tells the maker.
const NO_MAKER: &str = "unknown";

/// Of segments that have kind, maker and verdict in common.
#[derive(Default)]
struct Sum {
    count: u64,
    size: u64,
    /// Where none of them tells, nothing is told.
    memory: Option<u64>,
    holders: u64,
}

/// All there is to say now.
pub(super) fn families() -> Result<Vec<Family>, Failure> {
    let begin = Instant::now();
    let entries = catalog::list(None)?;
    let mut families = segments(&entries);
    families.extend(queues::families(&entries));
    families.extend(topics::families(&entries));
    // A system that cannot be looked round has its segments even so.
    if let Ok(health) = catalog::health() {
        families.extend(room(&health.findings));
        families.push(to_mend(&health.findings));
    }
    let mut build = Family::new("cenote_build_info", "Which version of cenote tells this.");
    build.add([("version", env!("CARGO_PKG_VERSION"))], Number::Whole(1));
    families.push(build);
    families.push(Family::of_one(
        "cenote_scrape_duration_seconds",
        "How long it took to find all this out.",
        Number::Real(begin.elapsed().as_secs_f64()),
    ));
    Ok(families)
}

fn segments(entries: &[catalog::Entry]) -> Vec<Family> {
    let mut sums: BTreeMap<(String, &str, &str), Sum> = BTreeMap::new();
    for entry in entries {
        let key = (entry.address.kind().to_string(), entry.maker.unwrap_or(NO_MAKER), entry.verdict.as_str());
        let sum = sums.entry(key).or_default();
        // What others say of their segments may be as large as they like.
        sum.count += 1;
        sum.size = sum.size.saturating_add(entry.stat.size);
        if let Some(memory) = entry.memory {
            sum.memory = Some(sum.memory.unwrap_or(0).saturating_add(memory));
        }
        sum.holders = sum.holders.saturating_add(holder_count(entry));
    }
    let mut count = Family::new("cenote_segments", "Segments on this machine.");
    let mut size = Family::new("cenote_segment_size_bytes", "Size of the segments, as it was asked for.");
    let mut memory = Family::new("cenote_segment_memory_bytes", "Memory that the segments take now.");
    let mut held = Family::new(
        "cenote_segment_holders",
        "Attachments of the segments, as far as they are seen or counted.",
    );
    for ((kind, maker, verdict), sum) in &sums {
        let labels = [("kind", kind.as_str()), ("maker", *maker), ("verdict", *verdict)];
        count.add(labels, Number::Whole(sum.count));
        size.add(labels, Number::Whole(sum.size));
        if let Some(bytes) = sum.memory {
            memory.add(labels, Number::Whole(bytes));
        }
        held.add(labels, Number::Whole(sum.holders));
    }
    vec![count, size, memory, held]
}

/// How full it is where segments lie, and where they count.
fn room(findings: &[Finding]) -> Vec<Family> {
    const ROOM: [(&str, [(&str, &str); 2]); 3] = [
        (
            "shm-space",
            [
                ("cenote_shm_used_bytes", "Memory that is used in /dev/shm."),
                ("cenote_shm_size_bytes", "Memory that /dev/shm may use."),
            ],
        ),
        (
            "shm-inodes",
            [
                ("cenote_shm_inodes_used", "Files in /dev/shm."),
                ("cenote_shm_inodes", "Files that /dev/shm may have."),
            ],
        ),
        (
            "cgroup",
            [
                (
                    "cenote_cgroup_memory_used_bytes",
                    "Memory that is used in the tightest memory cgroup of this process.",
                ),
                ("cenote_cgroup_memory_limit_bytes", "The limit of that cgroup."),
            ],
        ),
    ];
    let mut families = Vec::new();
    for (name, [(used_name, used_help), (limit_name, limit_help)]) in ROOM {
        let Some(finding) = findings.iter().find(|finding| finding.name == name) else { continue };
        let (Found::Bytes { used, limit } | Found::Count { used, limit }) = finding.found else { continue };
        families.push(Family::of_one(used_name, used_help, Number::Whole(used)));
        families.extend(limit.map(|limit| Family::of_one(limit_name, limit_help, Number::Whole(limit))));
    }
    families
}

fn to_mend(findings: &[Finding]) -> Family {
    let mut family = Family::new(
        "cenote_needs_mending",
        "Whether `cenote doctor` finds that something is to be mended: 1 if so.",
    );
    for finding in findings {
        family.add([("finding", finding.name)], Number::Whole((finding.state == State::Mend).into()));
    }
    family
}
