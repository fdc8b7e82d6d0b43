//! Looks for what a test run leaves behind on the machine: files in shared memory, System V objects,
//! Qt's key files, temporary files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::steps::{Done, Outcome};

/// Everything of that sort on the machine, each named as a person would look for it.
pub(crate) fn snapshot() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    add_files(Path::new("/dev/shm"), &mut found);
    for (table, what) in
        [("shm", "System V segment"), ("sem", "System V semaphore set"), ("msg", "System V message queue")]
    {
        let text = fs::read_to_string(format!("/proc/sysvipc/{table}")).unwrap_or_default();
        found.extend(objects(&text).map(|(key, id)| format!("{what} id={id} key={key:#010x}")));
    }
    for folder in [Path::new("/tmp"), &std::env::temp_dir()] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("qipc_") || name.contains("cenote") {
                found.insert(entry.path().display().to_string());
            }
        }
    }
    found
}

/// Fails with the names of all that is there now and was not `before`. What processes that are just
/// ending still hold gets a moment to go.
pub(crate) fn check(before: &BTreeSet<String>) -> Outcome {
    let patience = Instant::now() + Duration::from_secs(3);
    loop {
        let left: Vec<String> = snapshot().difference(before).cloned().collect();
        if left.is_empty() {
            return Ok(Done::Passed);
        }
        if Instant::now() > patience {
            return Err(format!("the tests left behind:\n  {}", left.join("\n  ")));
        }
        sleep(Duration::from_millis(100));
    }
}

fn add_files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.insert(entry.path().display().to_string());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_files(&entry.path(), found);
        }
    }
}

/// Key and id of each row of a table in /proc/sysvipc: its first two columns, the key signed.
fn objects(table: &str) -> impl Iterator<Item = (i32, u32)> {
    table.lines().skip(1).filter_map(|row| {
        let mut columns = row.split_whitespace();
        Some((columns.next()?.parse().ok()?, columns.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_give_key_and_id() {
        let table = "       key      semid perms\n1359003664          2   600\n        -1 7 600\n";
        assert_eq!(objects(table).collect::<Vec<_>>(), [(0x5100_c010, 2), (-1, 7)]);
    }
}
