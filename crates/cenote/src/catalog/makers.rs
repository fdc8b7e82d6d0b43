//! Who makes segments of which names: a table, one line a maker. `docs/catalog.md` has the same one for people.

use super::pattern::fits;
use crate::address::{Address, Kind};

/// A program or library that makes segments.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) name: &'static str,
    /// Addresses that only it makes, with `*` and `?`; anonymous memory by its label, as `memfd:LABEL`.
    pub(super) patterns: &'static [&'static str],
    /// Programs of it that keep segments for others, while nobody maps them: what they may still want is not stale.
    pub(super) keepers: &'static [&'static str],
}

const fn maker(name: &'static str, patterns: &'static [&'static str]) -> Maker {
    Maker { name, patterns, keepers: &[] }
}

pub(super) const MAKERS: &[Maker] = &[
    maker("Cenote", &["cenote:*"]),
    maker("Qt", &["qt:*", "posix:/qipc_sharedmemory_*", "posix:/sem.qipc_systemsem_*"]),
    maker("Python", &["posix:/psm_????????"]),
    maker("Chromium", &["posix:/.org.chromium.*", "posix:/.com.google.Chrome.*", "posix:/org.chromium.*"]),
    maker("Firefox", &["posix:/org.mozilla.ipc.*", "posix:/wayland.mozilla.ipc.*", "memfd:mozilla-ipc"]),
    Maker { name: "PostgreSQL", patterns: &["posix:/PostgreSQL.*"], keepers: &["postgres", "postmaster"] },
    Maker { name: "PyTorch", patterns: &["posix:/torch_*"], keepers: &["torch_shm_manager"] },
    maker("NCCL", &["posix:/nccl-??????"]),
    maker("iceoryx2", &["posix:/iox2_*"]),
    maker(
        "Fast DDS",
        &["posix:/fastrtps_*", "posix:/fastdds_*", "posix:/sem.fastrtps_*", "posix:/sem.fastdds_*"],
    ),
    maker("PulseAudio", &["posix:/pulse-shm-*", "memfd:pulseaudio"]),
    maker("PipeWire", &["memfd:pipewire-memfd*", "posix:/pipewire-tmpfile.*"]),
    maker("Boost", &["file:/dev/shm/boost_interprocess/*"]),
    maker("Open MPI", &["posix:/vader_segment.*", "posix:/sm_segment.*"]),
    maker("UCX", &["posix:/ucx_shm_posix_*"]),
    maker("LTTng", &["posix:/lttng-ust-*"]),
    maker("Wine", &["posix:/wine-*-fsync", "posix:/wine-*-esync*"]),
];

/// Whose it is, as far as its address tells; of memory without a name what it was called.
pub(super) fn maker_of(address: &Address, label: Option<&str>) -> Option<&'static Maker> {
    match (address.kind(), label) {
        (Kind::Memfd, label) => maker_of_text(&format!("memfd:{}", label?)),
        (_, Some(label)) => maker_of_text(&label.replacen("/dev/shm/", "posix:/", 1)),
        _ => maker_of_text(&address.to_string()),
    }
}

/// Whose a POSIX semaphore is, which `name` begins with its slash.
pub(super) fn maker_of_semaphore(name: &str) -> Option<&'static Maker> {
    maker_of_text(&format!("posix:/sem.{}", name.trim_start_matches('/')))
}

fn maker_of_text(text: &str) -> Option<&'static Maker> {
    let text: Vec<char> = text.chars().collect();
    let is_its = |pattern: &&str| fits(&pattern.chars().collect::<Vec<_>>(), &text);
    MAKERS.iter().find(|maker| maker.patterns.iter().any(is_its))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_told_by_the_names_that_they_give() {
        for (text, maker) in [
            ("cenote:robot/pose", Some("Cenote")),
            ("qt:MyKey", Some("Qt")),
            ("posix:/psm_0a1b2c3d", Some("Python")),
            ("posix:/.org.chromium.Chromium.gUA6SW", Some("Chromium")),
            ("posix:/PostgreSQL.1804289383", Some("PostgreSQL")),
            ("posix:/torch_4711_1804289383_0", Some("PyTorch")),
            ("posix:/nccl-vzIpS6", Some("NCCL")),
            ("posix:/fastrtps_port7410", Some("Fast DDS")),
            ("posix:/frames", None),
            ("posix:/psm_0", None),
            ("sysv:0x5100c01f", None),
        ] {
            let found = maker_of(&text.parse().unwrap(), None);
            assert_eq!(found.map(|found| found.name), maker, "{text}");
        }
        let anonymous = "memfd:1/2".parse().unwrap();
        let label = Some("pipewire-memfd:flags=0x0000000f,type=2,size=2312");
        assert_eq!(maker_of(&anonymous, label).map(|found| found.name), Some("PipeWire"));
        assert!(maker_of(&anonymous, None).is_none());
        let removed = "file:/proc/1/fd/2".parse().unwrap();
        let label = Some("/dev/shm/.org.chromium.Chromium.gUA6SW");
        assert_eq!(maker_of(&removed, label).map(|found| found.name), Some("Chromium"));
    }

    /// The page has a line `| NAME | PATTERNS | KEEPERS |` for each.
    #[test]
    fn the_page_has_the_same_table() {
        let page = include_str!("../../../../docs/catalog.md");
        let words =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let rows: Vec<String> = MAKERS
            .iter()
            .map(|maker| format!("| {} | {} | {} |", maker.name, words(maker.patterns), words(maker.keepers)))
            .collect();
        let table = rows.join("\n");
        assert!(page.contains(&table), "docs/catalog.md should have this table:\n{table}");
    }
}
