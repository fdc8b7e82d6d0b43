//! What is in a segment, as far as that can be told without attaching.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use cenote::catalog::Entry;
use cenote::channel::{Statistics, TopicStatistics};
use cenote::qt::image_form;
use cenote::value::{AnyValue, Content, Description};
use cenote::{Address, Error, Kind};

use super::queue;
use super::shareable_list::{self, Item};
use super::topic;
use crate::commands::image::{HEADER, describe};
use crate::output::{self, hex};
use crate::platform;

/// How much is looked at to tell what it is; the first of it is shown.
const LOOKED_AT: usize = 64;
/// Up to this size a list is shown.
const LARGEST: usize = 1 << 20;
/// Up to this size a value is; `cenote read` shows any.
const LARGEST_VALUE: usize = 64 << 10;

/// What was recognised.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// What it is, in a line.
    pub(super) words: Option<String>,
    /// The items of a Python list.
    pub(super) items: Vec<Item>,
    /// The first bytes of what nobody can tell.
    pub(super) start: Option<Vec<u8>>,
    /// The current value, by its type: for people, and as JSON.
    pub(super) value: Option<(String, serde_json::Value)>,
    /// How much went through a queue.
    pub(super) queue: Option<Statistics>,
    /// How much went through a topic, and who reads it.
    pub(super) topic: Option<TopicStatistics>,
    /// Why it was not looked at.
    pub(super) unseen: Option<String>,
}

impl Contents {
    pub(super) fn of(entry: &Entry) -> Self {
        match &entry.content {
            Some(content @ Content::Value { description, .. }) => Self {
                words: Some(content.to_string()),
                value: description.as_ref().and_then(|of| value(&entry.address, of)),
                ..Self::default()
            },
            Some(content @ Content::Blob { .. }) => {
                Self { words: Some(content.to_string()), ..Self::default() }
            }
            Some(content @ Content::Queue { .. }) => {
                Self { words: Some(content.to_string()), queue: queue::of(&entry.address), ..Self::default() }
            }
            Some(content @ Content::Topic { .. }) => {
                Self { words: Some(content.to_string()), topic: topic::of(&entry.address), ..Self::default() }
            }
            // Of System V, where attaching leaves traces.
            _ if entry.stat.id.is_some() => match entry.peek(LOOKED_AT) {
                Ok(bytes) => recognised(&bytes),
                Err(error) => Self { unseen: Some(why(&error)), ..Self::default() },
            },
            _ => start(&entry.address, LARGEST).map_or_else(Self::default, |bytes| recognised(&bytes)),
        }
    }

    /// The first bytes, as `cenote read --as hex` has them.
    pub(super) fn dump(&self) -> Option<String> {
        self.start.as_deref().map(hex::text)
    }
}

fn why(error: &Error) -> String {
    format!("{error}; {}", error.hint())
}

/// It may be another type by now than it was when it was looked at: then it is not shown.
fn value(address: &Address, of: &Description) -> Option<(String, serde_json::Value)> {
    let (bytes, _) = AnyValue::look(address, LARGEST_VALUE).ok()??;
    let decoded = of.decode(&bytes).ok()?;
    Some((format!("{decoded:#}"), serde_json::from_str(&decoded.to_string()).ok()?))
}

/// What the segment begins with, for kinds that are files; all of it, if it has no more than `most` bytes.
fn start(address: &Address, most: usize) -> Option<Vec<u8>> {
    let written = address.to_string();
    let (_, name) = written.split_once(':')?;
    let (path, follow) = match address.kind() {
        Kind::Posix => (PathBuf::from("/dev/shm").join(name.trim_start_matches('/')), false),
        Kind::File => (PathBuf::from(name), true),
        Kind::Memfd => (PathBuf::from(format!("/proc/{}", name.replacen('/', "/fd/", 1))), true),
        _ => return None,
    };
    let file = platform::open_to_look(&path, follow).ok()?;
    let metadata = file.metadata().ok()?;
    let most = if metadata.len() <= most as u64 { most } else { LOOKED_AT };
    read(file, most).ok()
}

/// Whatever its size was said to be: it may grow meanwhile.
fn read(file: File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn recognised(bytes: &[u8]) -> Contents {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    // Of 65 items it begins as the text "A" does.
    if let Some(items) = shareable_list::items(bytes) {
        let plural = if items.len() == 1 { "item" } else { "items" };
        let words = Some(format!("Python ShareableList, {} {plural}", items.len()));
        return Contents { words, items, ..Contents::default() };
    }
    if let Some(words) = picture(start).or_else(|| text(start)) {
        return Contents { words: Some(words), ..Contents::default() };
    }
    // Zeros are what every segment begins its life with.
    let start = start.iter().any(|&byte| byte != 0).then(|| start.to_vec());
    Contents { start, ..Contents::default() }
}

fn picture(start: &[u8]) -> Option<String> {
    match image_form::header(start.get(..HEADER)?) {
        Ok(header @ Some(_)) => Some(describe(header)),
        _ => None,
    }
}

fn text(start: &[u8]) -> Option<String> {
    let end = start.iter().position(|&byte| byte == 0).unwrap_or(start.len());
    let text = match std::str::from_utf8(&start[..end]) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let shown = !text.is_empty() && output::text::is_harmless(text);
    shown.then(|| format!("text {text:?}{}", if end == start.len() { "..." } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_told_is() {
        let words = |bytes: &[u8]| recognised(bytes).words;
        assert_eq!(words("Grüße\0".as_bytes()).as_deref(), Some("text \"Grüße\""));
        assert_eq!(words(b"endless").as_deref(), Some("text \"endless\"..."));
        assert_eq!(words(b"cut \xc3").as_deref(), Some("text \"cut \"..."));
        let picture = image::DynamicImage::new_rgb8(320, 200);
        let bytes = cenote::qt::image_form::encode(&picture).unwrap();
        assert_eq!(words(&bytes).as_deref(), Some("QImage 320 x 200 pixels, 8-bit RGB"));
    }

    #[test]
    fn what_cannot_be_told_is_shown_in_hex() {
        for bytes in [&[][..], &[0; 64], &[0; 100]] {
            let seen = recognised(bytes);
            assert!(seen.words.is_none() && seen.dump().is_none(), "{seen:?}");
        }
        for bytes in [&b"\xff\xfe"[..], b"\x1b[2J\0", &[0xff; 100]] {
            let seen = recognised(bytes);
            assert_eq!(seen.words, None);
            assert_eq!(seen.start.as_deref(), Some(&bytes[..bytes.len().min(LOOKED_AT)]));
        }
        assert!(recognised(b"\xff\xfe").dump().unwrap().starts_with("00000000  ff fe "));
    }
}
