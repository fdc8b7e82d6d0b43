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
    /// Whether they keep System V segments too, whose keys do not tell whose they are.
    keep_system_v: bool,
    /// Those of its names that all its programs share, and map only for a moment: not stale while another of its
    /// segments may be in use.
    common: &'static [&'static str],
}

impl Maker {
    const fn new(name: &'static str, patterns: &'static [&'static str]) -> Self {
        Self { name, patterns, keepers: &[], keep_system_v: false, common: &[] }
    }

    /// Whether all its programs share what has this address.
    pub(super) fn shares(&self, address: &Address) -> bool {
        let text: Vec<char> = address.to_string().chars().collect();
        self.common.iter().any(|pattern| fits(&pattern.chars().collect::<Vec<_>>(), &text))
    }
}

const fn maker(name: &'static str, patterns: &'static [&'static str]) -> Maker {
    Maker::new(name, patterns)
}

pub(super) const MAKERS: &[Maker] = &[
    maker("Cenote", &["cenote:*"]),
    maker("Qt", &["qt:*", "posix:/qipc_sharedmemory_*", "posix:/sem.qipc_systemsem_*"]),
    maker("Python", &["posix:/psm_????????"]),
    maker(
        "Chromium",
        &[
            "posix:/.org.chromium.*",
            "posix:/.com.google.Chrome.*",
            "posix:/org.chromium.*",
            "memfd:shared-memory-region",
        ],
    ),
    maker("Firefox", &["posix:/org.mozilla.ipc.*", "posix:/wayland.mozilla.ipc.*", "memfd:mozilla-ipc"]),
    Maker {
        keepers: &["postgres", "postmaster"],
        keep_system_v: true,
        ..Maker::new("PostgreSQL", &["posix:/PostgreSQL.*"])
    },
    Maker { keepers: &["torch_shm_manager"], ..Maker::new("PyTorch", &["posix:/torch_*"]) },
    maker("NCCL", &["posix:/nccl-??????"]),
    Maker { common: &["posix:/iox2_*.global_mgmt"], ..Maker::new("iceoryx2", &["posix:/iox2_*"]) },
    maker(
        "Fast DDS",
        &["posix:/fastrtps_*", "posix:/fastdds_*", "posix:/sem.fastrtps_*", "posix:/sem.fastdds_*"],
    ),
    maker("PulseAudio", &["posix:/pulse-shm-*", "memfd:pulseaudio"]),
    maker("PipeWire", &["memfd:pipewire-memfd*", "posix:/pipewire-tmpfile.*"]),
    maker("Open MPI", &["posix:/vader_segment.*", "posix:/sm_segment.*"]),
    maker("UCX", &["posix:/ucx_shm_posix_*"]),
    maker("LTTng", &["posix:/lttng-ust-*"]),
    maker("Wine", &["posix:/wine-*-fsync", "posix:/wine-*-esync*"]),
];

/// Whose it is, as far as its address tells; of memory without a name what it was called.
pub(super) fn maker_of(address: &Address, label: Option<&str>) -> Option<&'static Maker> {
    match (address.kind(), label) {
        (Kind::Memfd, label) => maker_of_text(&format!("memfd:{}", label?)),
        (_, Some(path)) if path.starts_with('/') => maker_of_text(&path.replacen("/dev/shm/", "posix:/", 1)),
        // Memory without a name that no process has open any more.
        (_, Some(label)) => maker_of_text(&format!("memfd:{label}")),
        _ => maker_of_text(&address.to_string()),
    }
}

/// The programs that keep System V segments for others, while nobody has them attached.
pub(super) fn keepers_of_system_v() -> Vec<&'static str> {
    MAKERS.iter().filter(|maker| maker.keep_system_v).flat_map(|maker| maker.keepers).copied().collect()
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
        let chromium = maker_of(&anonymous, Some("shared-memory-region"));
        assert_eq!(chromium.map(|found| found.name), Some("Chromium"));
        let removed = "file:/proc/1/fd/2".parse().unwrap();
        let chromium = maker_of(&removed, Some("shared-memory-region"));
        assert_eq!(chromium.map(|found| found.name), Some("Chromium"));
        let label = Some("/dev/shm/.org.chromium.Chromium.gUA6SW");
        assert_eq!(maker_of(&removed, label).map(|found| found.name), Some("Chromium"));
    }

    /// The page has a line `| NAME | PATTERNS | KEEPERS | COMMON |` for each.
    #[test]
    fn the_page_has_the_same_table() {
        let page = include_str!("../../../../docs/catalog.md");
        let words =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let rows: Vec<String> = MAKERS
            .iter()
            .map(|maker| {
                let Maker { name, patterns, keepers, common, .. } = maker;
                format!("| {name} | {} | {} | {} |", words(patterns), words(keepers), words(common))
            })
            .collect();
        let table = rows.join("\n");
        assert!(page.contains(&table), "docs/catalog.md should have this table:\n{table}");
    }
}
