//! Rule `rooms`: inside the library, imports point downwards only.
//!
//! A room is a folder or file right under `crates/cenote/src`. It may name itself and the rooms below
//! it; test modules are held to the same. `lib.rs`, the front of the house, may name all, and a name
//! that it re-exports counts as the room it comes from.

use std::collections::BTreeMap;

use super::source::{Source, Violation, bracketed, is_word, leading_word};

/// The rooms from the ground up. `qt` is pure code that an address needs: it may be one of Qt's native keys.
const FLOORS: [&str; 11] =
    ["error", "qt", "address", "sys", "layout", "sync", "backend", "segment", "value", "channel", "catalog"];

/// Other files beside `lib.rs` belong to this room.
const ROOM_OF_FILES: &str = "segment";

/// The rooms, and where the names of the crate's root come from.
pub(crate) struct Rooms {
    room_of_name: BTreeMap<String, String>,
}

impl Rooms {
    /// Reads the files beside `lib.rs`, and the re-exports in it.
    pub(crate) fn of(sources: &[Source]) -> Self {
        let mut room_of_name = BTreeMap::new();
        for source in sources {
            match source.in_library() {
                Some("lib.rs") => room_of_name.extend(re_exports(&source.code)),
                Some(path) if !path.contains('/') => {
                    let name = path.trim_end_matches(".rs").to_owned();
                    room_of_name.entry(name).or_insert_with_key(|name| room_named(name).to_owned());
                }
                _ => {}
            }
        }
        Self { room_of_name }
    }

    /// Every name of the crate that `source` uses and must not.
    pub(crate) fn check(&self, source: &Source) -> Vec<Violation> {
        let Some(path) = source.in_library().filter(|path| *path != "lib.rs") else { return Vec::new() };
        let own = room_named(path.split('/').next().unwrap_or(path).trim_end_matches(".rs"));
        let mut violations = Vec::new();
        for (at, name) in names_used(source, path) {
            let other = match self.room_of_name.get(name) {
                Some(room) => room,
                None if floor(name).is_some() => name,
                None => continue,
            };
            if !may_use(own, other) {
                let what =
                    format!("`{own}` must not use `{other}` (here `{name}`): imports point downwards only");
                violations.push(source.violation(source.line_at(at), "rooms", what));
            }
        }
        violations
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|&name| name == room)
}

/// The room that a folder or file right under `src` is, or belongs to.
fn room_named(name: &str) -> &str {
    if floor(name).is_some() { name } else { ROOM_OF_FILES }
}

fn may_use(own: &str, other: &str) -> bool {
    let (own_floor, other_floor) = (floor(own), floor(other));
    own == other || other_floor < own_floor
}

/// The names right under the crate's root that `source` mentions, and where.
fn names_used<'a>(source: &'a Source, path: &str) -> Vec<(usize, &'a str)> {
    let code = source.code.as_str();
    let mut paths: Vec<usize> = source
        .find_word("crate")
        .filter(|&at| !code[..at].ends_with("in ")) // `pub(in crate::sys)` uses nothing
        .filter_map(|at| after_colons(code, at + "crate".len()))
        .collect();
    paths.extend(source.find_word("use").filter_map(|at| climbed_to_root(code, at, depth_of(path))));
    paths.into_iter().flat_map(|at| first_names(code, at)).collect()
}

/// How many modules below the crate's root the file's own module is.
fn depth_of(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// What follows `::` at `at`.
fn after_colons(code: &str, at: usize) -> Option<usize> {
    code[at..].starts_with("::").then_some(at + 2)
}

/// Where a path begins that climbs from the file's module to the root by `super::super::`. Only
/// unindented imports are followed: an indented one is in a module of its own.
fn climbed_to_root(code: &str, at: usize, depth: usize) -> Option<usize> {
    let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
    if code[line..].starts_with(' ') {
        return None;
    }
    let mut path = at + "use ".len();
    for _ in 0..depth {
        path += code.get(path..)?.strip_prefix("super::").map(|_| "super::".len())?;
    }
    Some(path)
}

/// The first name of the path at `at`, or of each path in its braces.
fn first_names(code: &str, at: usize) -> Vec<(usize, &str)> {
    let start = skip_space(code, at);
    if !code[start..].starts_with('{') {
        return vec![(start, leading_word(&code[start..]))];
    }
    let group = bracketed(&code[start..]);
    let mut names = Vec::new();
    let (mut depth, mut expecting) = (0, true);
    for (offset, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => expecting = true,
            letter if expecting && is_word(letter) => {
                expecting = false;
                let begin = start + 1 + offset;
                names.push((begin, leading_word(&code[begin..])));
            }
            _ => {}
        }
    }
    names
}

fn skip_space(code: &str, at: usize) -> usize {
    at + code[at..].len() - code[at..].trim_start().len()
}

/// For every `pub use room::...;` in the crate's root, the names it makes and their room.
fn re_exports(code: &str) -> BTreeMap<String, String> {
    let mut rooms = BTreeMap::new();
    for (at, _) in code.match_indices("use ") {
        let statement = code[at + 4..].split(';').next().unwrap_or_default();
        let path = statement.trim_start_matches("crate::").trim_start_matches("self::");
        let room = leading_word(path);
        if floor(room).is_some() {
            let names = path[room.len()..].split(|letter| !is_word(letter)).filter(|name| !name.is_empty());
            rooms.extend(names.map(|name| (name.to_owned(), room.to_owned())));
        }
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let front = "mod sync;\npub use segment::{Segment, Options as Opts};\npub use value::Value;\n";
        let sources = [
            Source::new("crates/cenote/src/lib.rs", front),
            Source::new("crates/cenote/src/semaphore.rs", String::new()),
            Source::new(path, text),
        ];
        Rooms::of(&sources).check(&sources[2]).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn downwards_is_allowed() {
        let text = "use crate::sys::map;\nuse crate::error::Error;\nuse crate::sync;\n";
        assert!(lines("crates/cenote/src/sync/lock.rs", text).is_empty());
    }

    #[test]
    fn upwards_is_not() {
        assert_eq!(lines("crates/cenote/src/sys/map.rs", "\nuse crate::sync::Lock;\n"), [2]);
        assert_eq!(lines("crates/cenote/src/sys.rs", "fn f() { crate::backend::open(); }"), [1]);
    }

    #[test]
    fn pure_code_knows_no_system() {
        assert_eq!(lines("crates/cenote/src/qt/key.rs", "use crate::sys::ftok;"), [1]);
        assert!(lines("crates/cenote/src/address/parse.rs", "use crate::qt::NativeKey;").is_empty());
    }

    #[test]
    fn groups_are_followed() {
        let text = "use crate::{\n    error::Error,\n    sys::{a, b},\n    value::Value,\n};\n";
        assert_eq!(lines("crates/cenote/src/backend/posix.rs", text), [4]);
    }

    #[test]
    fn re_exports_count_as_their_room() {
        assert_eq!(lines("crates/cenote/src/sync/lock.rs", "use crate::{Opts, Segment};"), [1, 1]);
        assert_eq!(lines("crates/cenote/src/segment/mod.rs", "use crate::Value;"), [1]);
        assert!(lines("crates/cenote/src/catalog/scan.rs", "use crate::Segment;").is_empty());
    }

    #[test]
    fn files_beside_the_front_belong_to_segment() {
        assert_eq!(lines("crates/cenote/src/backend/qt.rs", "use crate::semaphore::Semaphore;"), [1]);
        assert_eq!(lines("crates/cenote/src/extra.rs", "use crate::value::Value;"), [1]);
        assert!(lines("crates/cenote/src/extra.rs", "use crate::semaphore::Semaphore;").is_empty());
    }

    #[test]
    fn climbing_by_super_is_seen() {
        assert_eq!(lines("crates/cenote/src/sys/unix/map.rs", "use super::super::super::sync::Lock;"), [1]);
        assert_eq!(lines("crates/cenote/src/sys/mod.rs", "use super::sync::Lock;"), [1]);
        assert!(lines("crates/cenote/src/backend/mod.rs", "mod tests {\n    use super::qt;\n}").is_empty());
    }

    #[test]
    fn comments_and_visibilities_use_nothing() {
        let text = "// crate::sync::Lock\n/// [`crate::Segment`]\npub(in crate::sync) fn f() {}\n";
        assert!(lines("crates/cenote/src/sys/map.rs", text).is_empty());
    }
}
