//! A segment as JSON, the same in `ls` and `show`.

use cenote::LockState;
use cenote::catalog::{Entry, Holder, Other};
use cenote::value::Content;
use serde::Serialize;

use super::rfc3339;

/// One object of `cenote ls --json`.
#[derive(Serialize)]
pub(crate) struct EntryJson {
    address: String,
    kind: String,
    /// In bytes, as asked for.
    size: u64,
    /// In bytes, whole pages.
    mapped: u64,
    /// In bytes, what it takes now.
    memory: Option<u64>,
    maker: Option<&'static str>,
    /// What memory without a name was called by its maker.
    label: Option<String>,
    owner: Option<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    /// In octal, as `chmod` takes it.
    mode: Option<String>,
    verdict: &'static str,
    reason: String,
    holders: Vec<HolderJson>,
    lock: LockJson,
    /// Attachments, where the kernel counts them.
    attached: Option<u64>,
    removed: bool,
    /// The process that made it, where the kernel remembers.
    creator: Option<u32>,
    changed: Option<String>,
    last_used: Option<String>,
    last_left: Option<String>,
    /// The latest of these three: what `AGE` counts from.
    last_trace: Option<String>,
    /// `bytes`, `value`, `blob` or `other`, where it says what is in it.
    content: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct HolderJson {
    pid: u32,
    command: String,
    user: String,
    /// `read-write`, `read-only`, or `open` if it has not mapped it.
    access: &'static str,
    /// Where it runs, if that is not here.
    container: Option<String>,
}

/// What lies beside the segments, in `cenote ls --all --json`.
#[derive(Serialize)]
pub(crate) struct OtherJson {
    /// `semaphore`, `semaphore-set` or `message-queue`.
    kind: &'static str,
    name: String,
    id: Option<i32>,
    key: Option<i32>,
    owner: Option<String>,
    uid: u32,
    mode: String,
    maker: Option<&'static str>,
    verdict: &'static str,
    reason: String,
    users: Vec<HolderJson>,
}

#[derive(Serialize)]
struct LockJson {
    /// `free`, `held`, `none` or `unknown`.
    state: &'static str,
    /// The process that holds it, where the kernel tells.
    pid: Option<u32>,
    /// The processes that wait for it, where that can be seen.
    waiting: Vec<u32>,
    /// The processes that have it open, where the kernel does not tell who holds it.
    users: Vec<HolderJson>,
}

/// Permission bits as `chmod` takes them.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// What a holder may do, in words.
pub(crate) fn access(holder: &Holder) -> &'static str {
    match holder {
        Holder { mapped: false, .. } => "open",
        Holder { writable: true, .. } => "read-write",
        _ => "read-only",
    }
}

/// How many have it. The kernel may count more than can be seen from here.
pub(crate) fn holder_count(entry: &Entry) -> u64 {
    entry.stat.attached.unwrap_or(0).max(entry.holders.len() as u64)
}

impl From<&Entry> for EntryJson {
    fn from(entry: &Entry) -> Self {
        let stat = &entry.stat;
        Self {
            address: entry.address.to_string(),
            kind: entry.address.kind().to_string(),
            size: stat.size,
            mapped: stat.mapped,
            memory: entry.memory,
            maker: entry.maker,
            label: entry.label.clone(),
            owner: entry.owner.clone(),
            uid: stat.uid,
            gid: stat.gid,
            mode: stat.mode.map(octal),
            verdict: entry.verdict.as_str(),
            reason: entry.reason.clone(),
            holders: entry.holders.iter().map(HolderJson::from).collect(),
            lock: LockJson::of(entry),
            attached: stat.attached,
            removed: stat.removed,
            creator: stat.creator,
            changed: stat.changed.map(rfc3339),
            last_used: stat.last_used.map(rfc3339),
            last_left: stat.last_left.map(rfc3339),
            last_trace: stat.last_trace().map(rfc3339),
            content: entry.content.as_ref().map(Content::as_str),
        }
    }
}

impl From<&Other> for OtherJson {
    fn from(other: &Other) -> Self {
        Self {
            kind: other.kind.as_str(),
            name: other.name.clone(),
            id: other.id,
            key: other.key,
            owner: other.owner.clone(),
            uid: other.uid,
            mode: octal(other.mode),
            maker: other.maker,
            verdict: other.verdict.as_str(),
            reason: other.reason.clone(),
            users: other.users.iter().map(HolderJson::from).collect(),
        }
    }
}

impl From<&Holder> for HolderJson {
    fn from(holder: &Holder) -> Self {
        Self {
            pid: holder.pid,
            command: holder.command.clone(),
            user: holder.user.clone(),
            access: access(holder),
            container: holder.container.clone(),
        }
    }
}

impl LockJson {
    fn of(entry: &Entry) -> Self {
        let (state, pid) = match entry.lock {
            LockState::Free => ("free", None),
            LockState::Held(pid) => ("held", pid),
            LockState::None => ("none", None),
            _ => ("unknown", None),
        };
        let waiting = entry.lock_waiters.clone();
        Self { state, pid, waiting, users: entry.lock_users.iter().map(HolderJson::from).collect() }
    }
}
