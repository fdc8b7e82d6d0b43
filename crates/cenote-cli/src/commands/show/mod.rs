//! `cenote show`: all there is to know of one segment, without attaching to it.

mod contents;
mod queue;
mod shareable_list;
mod topic;

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::time::SystemTime;

use cenote::catalog::{self, Entry};
use cenote::value::{Content, Description, Field};
use cenote::{Address, Kind, LockState};
use serde::Serialize;

use crate::access::Context;
use crate::failure::Failure;
use crate::help;
use crate::output::{
    self, Align, EntryJson, NamedJson, Sink, Table, access, escaped, hex, human, octal, rfc3339,
};
use contents::Contents;
use queue::QueueJson;
use shareable_list::Item;
use topic::TopicJson;

/// So many items of a list are shown, and lines of a value; --json has all.
const SHOWN: usize = 100;
/// So long is what is shown of one.
const WIDEST: usize = 200;
/// In bytes, as for holders.
const LONGEST_COMMAND: u64 = 4096;

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
    /// In words.
    contents: Option<String>,
    /// Why they were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<String>,
    /// Of a Python list: what is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<serde_json::Value>>,
    /// Of what cannot be told: its first bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    /// Of a value: what it is now, by its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    /// Of a value or a blob: how often it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// How much went through a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueJson>,
    /// How much went through a topic, and who reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<TopicJson>,
    /// Of a value, or of a queue's or a topic's messages: its type, as it is written beside it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let entry = catalog::look(&args.address)?;
    let contents = Contents::of(&entry);
    if context.json {
        let named = entry.named.iter().map(NamedJson::from).collect();
        let version = match entry.content {
            Some(Content::Value { version, .. } | Content::Blob { version, .. }) => Some(version),
            _ => None,
        };
        let of = description(&entry).map(Description::to_string);
        return output::print_json(&Shown {
            entry: EntryJson::from(&entry),
            named,
            items: (!contents.items.is_empty()).then(|| contents.items.iter().map(Item::json).collect()),
            hex: contents.start.as_deref().map(hex::digits),
            value: contents.value.map(|(_, json)| json),
            contents: contents.words,
            unseen: contents.unseen,
            version,
            queue: contents.queue.as_ref().map(queue::json),
            topic: contents.topic.as_ref().map(topic::json),
            of,
        });
    }
    let mut sink = Sink::open(None)?;
    sink.write(text(&entry, &contents).as_bytes())?;
    sink.finish()
}

fn text(entry: &Entry, contents: &Contents) -> String {
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
    if let Some(words) = &contents.words {
        line("contents", words);
    }
    if let Some(statistics) = &contents.queue {
        line("messages", &queue::line(statistics));
    }
    if let Some(statistics) = &contents.topic {
        line("messages", &topic::line(statistics));
    }
    if let Some(why) = &contents.unseen {
        line("contents", &format!("not looked at: {why}"));
    }
    if let Some(dump) = contents.dump() {
        put(&mut text, "begins", dump.lines());
    }
    if !contents.items.is_empty() {
        text.push_str("items\n");
        text.push_str(&items(&contents.items).to_text("  "));
        if contents.items.len() > SHOWN {
            let _ = writeln!(text, "  and {} more", contents.items.len() - SHOWN);
        }
    }
    if !entry.named.is_empty() {
        text.push_str("named\n");
        text.push_str(&output::named_table(&entry.named).to_text("  "));
    }
    if let Some(fields) = description(entry).map(Description::fields).filter(|fields| !fields.is_empty()) {
        text.push_str("fields\n");
        text.push_str(&table_of(&fields).to_text("  "));
    }
    if let Some((value, _)) = &contents.value {
        put(&mut text, "value", value.lines());
    }
    if let Some(statistics) = contents.topic.as_ref().filter(|topic| !topic.subscribers.is_empty()) {
        text.push_str("subscribers\n");
        text.push_str(&topic::subscribers(statistics).to_text("  "));
    }
    if entry.holders.is_empty() {
        let _ = writeln!(text, "{:<10}  none to be seen", "holders");
    } else {
        text.push_str("holders\n");
        text.push_str(&holders(entry).to_text("  "));
    }
    text
}

/// Lines under a name, and how many more there are.
fn put<'a>(text: &mut String, name: &str, lines: impl Iterator<Item = &'a str>) {
    text.push_str(name);
    text.push('\n');
    let mut lines = lines.fuse();
    for line in lines.by_ref().take(SHOWN) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", escaped(&cut(line.to_owned())));
    }
    let more = lines.count();
    if more > 0 {
        let _ = writeln!(text, "  and {more} lines more");
    }
}

/// Not longer than can be read.
fn cut(mut line: String) -> String {
    if let Some((at, _)) = line.char_indices().nth(WIDEST) {
        line.truncate(at);
        line.push_str("...");
    }
    line
}

fn items(items: &[Item]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[("ITEM", Right), ("TYPE", Left), ("VALUE", Left)]);
    for (number, item) in items.iter().enumerate().take(SHOWN) {
        table.row([number.to_string(), item.of().to_owned(), cut(item.to_string())]);
    }
    table
}

/// How the type of a value lies in memory, if it says so.
fn description(entry: &Entry) -> Option<&Description> {
    match &entry.content {
        Some(
            Content::Value { description, .. }
            | Content::Queue { description, .. }
            | Content::Topic { description, .. },
        ) => description.as_ref(),
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
        // It may have megabytes.
        let mut line = Vec::new();
        File::open(format!("/proc/{pid}/cmdline")).ok()?.take(LONGEST_COMMAND).read_to_end(&mut line).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " ").trim_end().to_owned())
    });
    match command {
        Some(command) if !command.is_empty() => format!("process {pid} ({command})"),
        Some(_) => format!("process {pid}"),
        None => format!("process {pid} (gone)"),
    }
}
