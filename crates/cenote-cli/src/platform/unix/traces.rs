//! What the demo may leave on Linux: key files, System V objects, files in /dev/shm.

use std::fs;
use std::io;
use std::path::Path;

use cenote::qt;

use super::{identity, temporary_directory};

const SHM: &str = "/dev/shm";
const SEGMENTS: &str = "/proc/sysvipc/shm";
const SEMAPHORES: &str = "/proc/sysvipc/sem";
/// The project that Qt gives to ftok(3).
const QT_PROJECT: u32 = b'Q' as u32;

/// What the kernel calls the things of a run.
pub(crate) struct Traces {
    segment: u32,
    semaphores: u32,
}

impl Traces {
    /// Looks while everything is there.
    pub(crate) fn of(key: &str) -> Result<Self, String> {
        let id = |list, name: String| {
            let file = temporary_directory().join(name);
            find(list, &file).map_err(|error| unseen(list, &error))
        };
        Ok(Self {
            segment: id(SEGMENTS, qt::legacy_segment_name(key))?,
            semaphores: id(SEMAPHORES, qt::legacy_semaphore_name(key))?,
        })
    }

    /// What is left that no address leads to.
    pub(crate) fn left(&self, key: &str, name: &str) -> Result<Vec<String>, String> {
        let mut left = Vec::new();
        for (list, id, what) in
            [(SEGMENTS, self.segment, "System V segment"), (SEMAPHORES, self.semaphores, "semaphore set")]
        {
            let rows = rows(list).map_err(|error| unseen(list, &error))?;
            left.extend(rows.iter().filter(|row| row.id == id).map(|_| format!("the {what} {id}")));
        }
        let ours = |file: &str| {
            file.strip_prefix("cenote.").is_some_and(|rest| rest.ends_with(&format!(".{name}")))
                || file.strip_prefix("sem.") == Some(name)
                || file.starts_with(&format!(".{name}."))
                || file == qt::legacy_segment_name(key)
                || file == qt::legacy_semaphore_name(key)
        };
        for directory in [Path::new(SHM), &temporary_directory()] {
            let names = names(directory).map_err(|error| unseen(&directory.display().to_string(), &error))?;
            let files = names.iter().filter(|name| ours(name));
            left.extend(files.map(|name| format!("the file {}", directory.join(name).display())));
        }
        Ok(left)
    }
}

fn unseen(place: &str, error: &io::Error) -> String {
    format!("cannot see in {place} whether something is left: {error}")
}

/// A row of the kernel's lists: they begin with the key and the id.
struct Row {
    key: i32,
    id: u32,
}

fn rows(list: &str) -> io::Result<Vec<Row>> {
    let text = fs::read_to_string(list)?;
    Ok(text.lines().filter_map(row).collect())
}

/// A line as a row; the first one has the names of the columns.
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_whitespace();
    Some(Row { key: fields.next()?.parse().ok()?, id: fields.next()?.parse().ok()? })
}

/// The id of what a key file leads to.
fn find(list: &str, key_file: &Path) -> io::Result<u32> {
    let (device, inode) = identity(&fs::metadata(key_file)?);
    let key = ftok(device, inode);
    let rows = rows(list)?;
    let row = rows.iter().find(|row| row.key == key);
    row.map(|row| row.id).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// ftok(3), as Linux has it.
fn ftok(device: u64, inode: u64) -> i32 {
    let low = |number: u64, mask: u32| number as u32 & mask;
    (QT_PROJECT << 24 | low(device, 0xff) << 16 | low(inode, 0xffff)).cast_signed()
}

/// The names of all files in a directory.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_project_device_and_inode() {
        assert_eq!(ftok(0x1234, 0x5678_9abc), 0x5134_9abc);
    }

    #[test]
    fn the_kernels_lists_begin_with_key_and_id() {
        let listed = row("1359003651     196617 600          2     0").unwrap();
        assert_eq!((listed.key, listed.id), (1_359_003_651, 196_617));
        assert!(row("       key      semid perms").is_none());
    }
}
