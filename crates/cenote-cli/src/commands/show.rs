//! `cenote show`: all there is to know of one segment, without attaching to it.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::SystemTime;

use cenote::catalog::{self, Entry};
use cenote::qt::image_form;
use cenote::value::{Content, Description, Field};
use cenote::{Address, Kind, LockState};
use serde::Serialize;

use super::image::{HEADER, describe};
use crate::access::Context;
use crate::failure::Failure;
use crate::output::{self, Align, EntryJson, NamedJson, Sink, Table, access, escaped, human, octal, rfc3339};
use crate::{help, platform};

/// Show one segment in full: holders, lock, times, contents
#[derive(clap::Args)]
#[command(long_about = help::SHOW, after_long_help = help::SHOW_EXAMPLES)]
pub(crate) struct Args {
    /// Which; `cenote help` lists the forms
    address: Address,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    entry: EntryJson,
    named: Vec<NamedJson>,
    contents: Option<String>,
    /// Of a value or a blob: how often it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Of a value: its type, as it is written beside it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let entry = catalog::look(&args.address)?;
    let contents = match &entry.content {
        Some(content @ (Content::Value { .. } | Content::Blob { .. })) => Some(content.to_string()),
        _ => contents(&args.address),
    };
    if context.json {
        let named = entry.named.iter().map(NamedJson::from).collect();
        let version = match entry.content {
            Some(Content::Value { version, .. } | Content::Blob { version, .. }) => Some(version),
            _ => None,
        };
        let of = description(&entry).map(Description::to_string);
        return output::print_json(&Shown { entry: EntryJson::from(&entry), named, contents, version, of });
    }
    let mut sink = Sink::open(None)?;
    sink.write(text(&entry, contents.as_deref()).as_bytes())?;
    sink.finish()
}

fn text(entry: &Entry, contents: Option<&str>) -> String {
    let stat = &entry.stat;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<10}  {}", escaped(value));
    };
    line("address", &entry.address.to_string());
    line("size", &format!("{} ({} bytes, {} mapped)", human(stat.size), stat.size, stat.mapped));
    if let Some(memory) = entry.memory {
        line("memory", &human(memory));
    }
    if let Some(maker) = entry.maker {
        line("maker", maker);
    }
    if let Some(label) = &entry.label {
        line("label", label);
    }
    match (&entry.owner, stat.uid.zip(stat.gid)) {
        (owner, Some((uid, gid))) => {
            let owner = owner.as_deref().unwrap_or("no login name");
            line("owner", &format!("{owner} (uid {uid}, gid {gid})"));
        }
        (Some(owner), None) => line("owner", owner),
        (None, None) => {}
    }
    if let Some(mode) = stat.mode {
        line("mode", &octal(mode));
    }
    line("verdict", &format!("{}: {}", entry.verdict, entry.reason));
    if stat.removed {
        line("removed", "its name is gone: nobody else can attach it");
    }
    line("lock", &lock(entry));
    if !entry.lock_waiters.is_empty() {
        let waiters = entry.lock_waiters.iter().map(|&pid| process(pid, entry));
        line("waiting", &waiters.collect::<Vec<_>>().join(", "));
    }
    if let Some(count) = stat.attached {
        line("attached", &count.to_string());
    }
    if let Some(pid) = stat.creator {
        line("creator", &process(pid, entry));
    }
    let mut time = |name, time: Option<SystemTime>| {
        if let Some(time) = time {
            line(name, &rfc3339(time));
        }
    };
    time("changed", stat.changed);
    time("last used", stat.last_used);
    time("last left", stat.last_left);
    if let Some(contents) = contents {
        line("contents", contents);
    }
    if !entry.named.is_empty() {
        text.push_str("named\n");
        text.push_str(&output::named_table(&entry.named).to_text("  "));
    }
    if let Some(fields) = description(entry).map(Description::fields).filter(|fields| !fields.is_empty()) {
        text.push_str("fields\n");
        text.push_str(&table_of(&fields).to_text("  "));
    }
    if entry.holders.is_empty() {
        let _ = writeln!(text, "{:<10}  none to be seen", "holders");
    } else {
        text.push_str("holders\n");
        text.push_str(&holders(entry).to_text("  "));
    }
    text
}

/// How the type of a value lies in memory, if it says so.
fn description(entry: &Entry) -> Option<&Description> {
    match &entry.content {
        Some(Content::Value { description, .. }) => description.as_ref(),
        _ => None,
    }
}

fn table_of(fields: &[Field]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[("OFFSET", Right), ("NAME", Left), ("TYPE", Left)]);
    for field in fields {
        table.row([field.offset.to_string(), field.name.clone(), field.of.clone()]);
    }
    table
}

fn holders(entry: &Entry) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[("PID", Right), ("USER", Left), ("ACCESS", Left), ("COMMAND", Left)]);
    for holder in &entry.holders {
        let command = match &holder.container {
            Some(container) => format!("{} (in {container})", holder.command),
            None => holder.command.clone(),
        };
        table.row([holder.pid.to_string(), holder.user.clone(), access(holder).to_owned(), command]);
    }
    table
}

fn lock(entry: &Entry) -> String {
    match entry.lock {
        LockState::Free => "free".to_owned(),
        LockState::Held(Some(pid)) => format!("held by {}", process(pid, entry)),
        LockState::Held(None) if !entry.lock_users.is_empty() => {
            let users = entry.lock_users.iter().map(|user| process(user.pid, entry));
            format!("held, by one of these or by one that died: {}", users.collect::<Vec<_>>().join(", "))
        }
        LockState::Held(None) if entry.address.kind() == Kind::Qt => {
            "held, by nobody that can be seen: if its holder died, `cenote lock --break` frees it".to_owned()
        }
        LockState::Held(None) => "held".to_owned(),
        LockState::None => "none: nobody has locked it yet".to_owned(),
        _ => "cannot be seen".to_owned(),
    }
}

/// A process and its command, as far as it still runs.
fn process(pid: u32, entry: &Entry) -> String {
    let known = entry.holders.iter().find(|holder| holder.pid == pid).map(|holder| holder.command.clone());
    let command = known.or_else(|| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " ").trim_end().to_owned())
    });
    match command {
        Some(command) if !command.is_empty() => format!("process {pid} ({command})"),
        Some(_) => format!("process {pid}"),
        None => format!("process {pid} (gone)"),
    }
}

/// What the segment begins with, if that can be told without attaching: for kinds that are files.
fn contents(address: &Address) -> Option<String> {
    let written = address.to_string();
    let (_, name) = written.split_once(':')?;
    let (path, follow) = match address.kind() {
        Kind::Posix => (PathBuf::from("/dev/shm").join(name.trim_start_matches('/')), false),
        Kind::File => (PathBuf::from(name), true),
        Kind::Memfd => (PathBuf::from(format!("/proc/{}", name.replacen('/', "/fd/", 1))), true),
        _ => return None,
    };
    let file = platform::open_to_look(&path, follow).ok()?;
    let mut start = Vec::new();
    file.take(64).read_to_end(&mut start).ok()?;
    recognised(&start)
}

fn recognised(start: &[u8]) -> Option<String> {
    if start.len() >= HEADER
        && let Ok(header @ Some(_)) = image_form::header(&start[..HEADER])
    {
        return Some(describe(header));
    }
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
    use super::recognised;

    #[test]
    fn contents_are_told_by_their_beginning() {
        assert_eq!(recognised(b"Hello\0\xff").as_deref(), Some("text \"Hello\""));
        assert_eq!(recognised("Grüße\0".as_bytes()).as_deref(), Some("text \"Grüße\""));
        assert_eq!(recognised(b"endless").as_deref(), Some("text \"endless\"..."));
        assert_eq!(recognised(b"cut \xc3").as_deref(), Some("text \"cut \"..."));
        assert_eq!(recognised(&[0; 64]), None);
        assert_eq!(recognised(b"\xff\xfe"), None);
        assert_eq!(recognised(b"\x1b[2J\0"), None);
        let picture = image::DynamicImage::new_rgb8(320, 200);
        let bytes = cenote::qt::image_form::encode(&picture).unwrap();
        assert_eq!(recognised(&bytes[..64]).as_deref(), Some("QImage 320 x 200 pixels, 8-bit RGB"));
    }
}
