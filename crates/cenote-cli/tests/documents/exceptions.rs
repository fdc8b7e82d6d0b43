//! The commands in documents that are not run there, all of them, and why that is no loss.

use std::fmt;
use std::fs;
use std::path::Path;

/// A command that is not run from its document.
pub(crate) struct Exception {
    pub(crate) command: &'static str,
    pub(crate) why: &'static str,
    /// Whether what stands behind `why` is still so, in the repository at this place.
    pub(crate) holds: fn(&Path) -> bool,
}

pub(crate) const EXCEPTIONS: [Exception; 15] = [
    Exception {
        command: "cargo xtask test",
        why: "it runs this suite; the build server runs exactly it",
        holds: |root| read(root, ".ci/run").trim_end().ends_with("\nexec cargo xtask test"),
    },
    Exception {
        command: "cargo xtask test --no-install",
        why: "it runs this suite",
        holds: |root| read(root, "xtask/src/main.rs").contains(r#"["test", "--no-install"] =>"#),
    },
    Exception {
        command: "cargo xtask test --native",
        why: "it runs this suite",
        holds: |root| read(root, "xtask/src/main.rs").contains(r#"["test", "--native"] =>"#),
    },
    Exception {
        command: "cargo xtask peers",
        why: "it installs what is missing; it is a step of `cargo xtask test`",
        holds: |root| read(root, "xtask/src/test.rs").contains("peers::build("),
    },
    Exception {
        command: "cargo xtask soak --time 1h",
        why: "it takes an hour; a minute of it is a step of `cargo xtask test`",
        holds: |root| read(root, "xtask/src/test.rs").contains("soak::run(repository, soak::A_MINUTE)"),
    },
    Exception {
        command: "cargo xtask dist",
        why: "it takes minutes, and is a step of `cargo xtask test`",
        holds: |root| read(root, "xtask/src/test.rs").contains("dist::run(repository)"),
    },
    Exception {
        command: "cargo xtask windows build",
        why: "it takes minutes; what it builds is built by the next one",
        holds: |root| read(root, "xtask/src/windows.rs").contains("fn build("),
    },
    Exception {
        command: "cargo xtask windows test",
        why: "it takes minutes, and is a step of `cargo xtask test`",
        holds: |root| read(root, "xtask/src/test.rs").contains("windows::test(repository"),
    },
    Exception {
        command: "cargo xtask cross",
        why: "it takes minutes, and is a step of `cargo xtask test`",
        holds: |root| read(root, "xtask/src/test.rs").contains("cross::test(repository"),
    },
    Exception {
        command: "cargo bench -p cenote",
        why: "it measures, and fails on a machine that is busy with other tests",
        holds: |root| read(root, "crates/cenote/Cargo.toml").contains("[[bench]]"),
    },
    Exception {
        command: "cargo xtask bench",
        why: "it measures, for many minutes",
        holds: |root| read(root, "xtask/src/main.rs").contains(r#"["bench", ref options @ ..] =>"#),
    },
    Exception {
        command: "cargo xtask bench --quick",
        why: "it measures, for minutes, what its own tests run in small",
        holds: |root| read(root, "bench/tests/run.rs").contains(r#""--quick""#),
    },
    Exception {
        command: "CENOTE_KILLS=10000 cargo test -p cenote --test native deaths",
        why: "it takes minutes; with a thousand it is part of `cargo xtask test`",
        holds: |root| read(root, "crates/cenote/tests/native/workers.rs").contains(r#"("CENOTE_KILLS")"#),
    },
    Exception {
        command: "CENOTE_CONTEND_SECONDS=10 cargo test -p cenote --test native takeover -- --nocapture",
        why: "it measures; with two seconds it is part of `cargo xtask test`",
        holds: |root| {
            read(root, "crates/cenote/tests/native/takeover.rs").contains(r#"("CENOTE_CONTEND_SECONDS")"#)
        },
    },
    Exception {
        command: "CENOTE_FUZZ_SECONDS=3600 cargo test --release -p cenote --test hostile_peer -- --nocapture",
        why: "it takes an hour; with 20 seconds it is part of `cargo xtask test`",
        holds: |root| {
            read(root, "crates/cenote/tests/hostile_peer/main.rs").contains(r#""CENOTE_FUZZ_SECONDS""#)
        },
    },
];

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap_or_default()
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.command, self.why)
    }
}
