//! What Qt 6.12 says about native keys, recorded in `peers/qt/native-key-vectors.tsv`.
//!
//! `tests/native_keys.rs` compares the record with the Qt at hand, and makes it anew.

use crate::words::{decode, encode};

/// The record itself.
pub const RECORD: &str = include_str!("../peers/qt/native-key-vectors.tsv");

/// Stands for the folder that `XDG_RUNTIME_DIR` names.
pub const RUNTIME_FOLDER: &str = "$XDG_RUNTIME_DIR";
/// Stands for the folder that `TMPDIR` names.
pub const TEMPORARY_FOLDER: &str = "$TMPDIR";
/// Stands for the name of the user who asked.
pub const USER: &str = "$USER";

/// One row of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// What became of a key.
    Made(Made),
    /// What became of a text.
    Parsed(Parsed),
}

/// A key that was made into a native one, by `platformSafeKey` or `legacyNativeKey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// By `legacyNativeKey`, with its hash.
    pub legacy: bool,
    /// The type as the line protocol says it: `systemv`, `systemv-7`, `posix`...
    pub kind: String,
    /// What `XDG_RUNTIME_DIR` was: `set` to a folder with mode 0700, `slash` (the same, and a slash at its
    /// end), `absent` (set to a folder that is not there), `loose` (its mode is 0755), `relative`, `empty`
    /// or `unset`.
    pub runtime: String,
    /// The key.
    pub key: String,
    /// What `QSharedMemory` makes of it, as text. Folders and the user are named by the constants here.
    pub segment: String,
    /// The same for `QSystemSemaphore`.
    pub semaphore: String,
}

/// A text that `QNativeIpcKey::fromString` was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The text.
    pub text: String,
    /// `isValid()`.
    pub valid: bool,
    /// `isEmpty()`.
    pub empty: bool,
    /// `type()` as a number: 81 System V, 256 POSIX, 257 Windows, else a project; 0 for no type.
    pub number: u16,
    /// `nativeKey()`.
    pub native: String,
    /// The legacy key that it remembers.
    pub legacy: String,
    /// `toString()`.
    pub again: String,
}

/// The rows of the record.
///
/// # Panics
/// If the record is not of this form.
#[must_use]
pub fn rows() -> Vec<Row> {
    let lines = RECORD.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| row(line).unwrap_or_else(|| panic!("no row: {line}"))).collect()
}

/// Only the keys that were made into native ones.
#[must_use]
pub fn made() -> Vec<Made> {
    let is_made = |row| if let Row::Made(made) = row { Some(made) } else { None };
    rows().into_iter().filter_map(is_made).collect()
}

/// Only the texts that were taken apart.
#[must_use]
pub fn parsed() -> Vec<Parsed> {
    let is_parsed = |row| if let Row::Parsed(parsed) = row { Some(parsed) } else { None };
    rows().into_iter().filter_map(is_parsed).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<String> = line.split('\t').map(decode).collect();
    // A new question has no answers yet.
    let cell = |at: usize| cells.get(at).cloned().unwrap_or_default();
    let yes = |at| cell(at) == "true";
    match cells[0].as_str() {
        what @ ("platform" | "legacy") if cells.len() >= 4 => Some(Row::Made(Made {
            legacy: what == "legacy",
            kind: cell(1),
            runtime: cell(2),
            key: cell(3),
            segment: cell(4),
            semaphore: cell(5),
        })),
        "parse" if cells.len() >= 2 => Some(Row::Parsed(Parsed {
            text: cell(1),
            valid: yes(2),
            empty: yes(3),
            number: cell(4).parse().unwrap_or_default(),
            native: cell(5),
            legacy: cell(6),
            again: cell(7),
        })),
        _ => None,
    }
}

impl Row {
    /// The row as a line of the record.
    #[must_use]
    pub fn line(&self) -> String {
        let cells: Vec<String> = match self {
            Self::Made(made) => {
                let what = if made.legacy { "legacy" } else { "platform" };
                let cells = [what, &made.kind, &made.runtime, &made.key, &made.segment, &made.semaphore];
                cells.map(encode).into()
            }
            Self::Parsed(parsed) => {
                let flags = [parsed.valid, parsed.empty].map(|flag| flag.to_string());
                let number = parsed.number.to_string();
                let (text, again) = (&parsed.text, &parsed.again);
                ["parse", text, &flags[0], &flags[1], &number, &parsed.native, &parsed.legacy, again]
                    .map(encode)
                    .into()
            }
        };
        cells.join("\t")
    }
}
