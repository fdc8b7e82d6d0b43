//! What a native segment has by name, for people and for programs.

use cenote::LockState;
use cenote::catalog::{Named, NamedKind, Sharer};
use serde::Serialize;

use super::{Align, Table};

/// As `show --json` has it.
#[derive(Serialize)]
pub(crate) struct NamedJson {
    name: String,
    kind: &'static str,
    /// Who has a lock, or writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldJson>,
    /// Who reads, or has permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<Vec<SharerJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permits: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<bool>,
    waiting: Vec<u32>,
}

#[derive(Serialize)]
struct HeldJson {
    state: &'static str,
    pid: Option<u32>,
}

#[derive(Serialize)]
struct SharerJson {
    pid: Option<u32>,
    times: u32,
}

impl From<&Named> for NamedJson {
    fn from(named: &Named) -> Self {
        let (mut held, mut shared, mut permits, mut set) = (None, None, None, None);
        match &named.kind {
            NamedKind::Lock(state) => held = Some(HeldJson::of(*state)),
            NamedKind::RwLock { writer, readers } => {
                (held, shared) = (Some(HeldJson::of(*writer)), Some(sharers(readers)));
            }
            NamedKind::Semaphore { permits: all, taken } => {
                (permits, shared) = (Some(*all), Some(sharers(taken)));
            }
            NamedKind::Event { is_set } => set = Some(*is_set),
            _ => {}
        }
        let waiting = named.waiting.clone();
        Self { name: named.name.clone(), kind: kind(named), held, shared, permits, set, waiting }
    }
}

impl HeldJson {
    fn of(state: LockState) -> Self {
        match state {
            LockState::Held(pid) => Self { state: "held", pid },
            _ => Self { state: "free", pid: None },
        }
    }
}

fn sharers(sharers: &[Sharer]) -> Vec<SharerJson> {
    sharers.iter().map(|sharer| SharerJson { pid: sharer.pid, times: sharer.times }).collect()
}

/// As `show` has it.
pub(crate) fn named_table(all: &[Named]) -> Table {
    use Align::Left;
    let mut table = Table::new(&[("NAME", Left), ("KIND", Left), ("STATE", Left), ("WAITING", Left)]);
    for named in all {
        let waiting: Vec<String> = named.waiting.iter().map(u32::to_string).collect();
        table.row([named.name.clone(), kind(named).to_owned(), state(&named.kind), waiting.join(" ")]);
    }
    table
}

fn kind(named: &Named) -> &'static str {
    match named.kind {
        NamedKind::Lock(_) => "lock",
        NamedKind::RwLock { .. } => "rwlock",
        NamedKind::Semaphore { .. } => "semaphore",
        NamedKind::Event { .. } => "event",
        NamedKind::Condvar => "condvar",
        _ => "unknown",
    }
}

fn state(kind: &NamedKind) -> String {
    match kind {
        NamedKind::Lock(state) => held("held", *state),
        NamedKind::RwLock { writer: LockState::Free, readers } if !readers.is_empty() => {
            format!("read by {}", processes(readers))
        }
        NamedKind::RwLock { writer, .. } => held("written", *writer),
        NamedKind::Semaphore { permits, taken } => {
            let free = permits.saturating_sub(taken.iter().map(|sharer| sharer.times).sum());
            let by = if taken.is_empty() {
                String::new()
            } else {
                format!("; {} has the others", processes(taken))
            };
            format!("{free} of {permits} free{by}")
        }
        NamedKind::Event { is_set } => if *is_set { "set" } else { "not set" }.to_owned(),
        _ => "-".to_owned(),
    }
}

fn held(word: &str, state: LockState) -> String {
    match state {
        LockState::Held(Some(pid)) => format!("{word} by {pid}"),
        LockState::Held(None) => word.to_owned(),
        _ => "free".to_owned(),
    }
}

/// Each with how often it has it, if that is more than once.
fn processes(sharers: &[Sharer]) -> String {
    let one = |sharer: &Sharer| {
        let pid = sharer.pid.map_or_else(|| "somebody".to_owned(), |pid| pid.to_string());
        if sharer.times > 1 { format!("{pid} (x{})", sharer.times) } else { pid }
    };
    sharers.iter().map(one).collect::<Vec<_>>().join(" ")
}
