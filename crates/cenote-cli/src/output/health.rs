//! The health of the machine, as a table with what helps under each line, and as JSON.

use std::fmt::Write;

use cenote::Kind;
use cenote::catalog::{Finding, Found, Health, Holder, Item, Remedy};
use serde::Serialize;

use super::entry::HolderJson;
use super::{Align, Table, escaped, human, quoted};
use crate::platform;

/// Of a segment, so many holders are named.
const NAMED: usize = 3;

/// A line for each finding; indented under it what it is about, and what to type.
pub(crate) fn text(health: &Health) -> String {
    use Align::Left;
    let mut table = Table::new(&[("STATE", Left), ("WHAT", Left), ("FOUND", Left), ("MEANING", Left)]);
    for finding in &health.findings {
        table.row([
            finding.state.as_str().to_owned(),
            finding.title.to_owned(),
            found(&finding.found),
            finding.meaning.clone(),
        ]);
    }
    let table = table.to_text("");
    let mut lines = table.lines();
    let mut text = format!("{}\n", lines.next().unwrap_or_default());
    for (line, finding) in lines.zip(&health.findings) {
        text.push_str(line);
        text.push('\n');
        text.push_str(&items(finding).to_text("        "));
        if finding.more > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "        and {} more", finding.more);
        }
        for remedy in &finding.remedies {
            let (command, note) = command(remedy);
            let _ = writeln!(text, "      try: {}  # {}", escaped(&command), escaped(note));
        }
    }
    text
}

fn items(finding: &Finding) -> Table {
    use Align::{Left, Right};
    let mut table = Table::headless(&[Left, Right, Left, Left, Left, Left]);
    for item in &finding.items {
        table.row([
            item.what.clone(),
            item.bytes.map(human).unwrap_or_default(),
            item.owner.clone(),
            if item.owner.is_empty() { String::new() } else { format!("{:04o}", item.mode) },
            item.verdict.to_string(),
            reason(item),
        ]);
    }
    table
}

fn reason(item: &Item) -> String {
    if item.holders.is_empty() {
        return item.reason.clone();
    }
    let name = |holder: &Holder| format!("{} {} ({})", holder.pid, holder.command, holder.user);
    let mut names: Vec<String> = item.holders.iter().take(NAMED).map(name).collect();
    if item.holders.len() > NAMED {
        names.push(format!("{} more", item.holders.len() - NAMED));
    }
    format!("{}: {}", item.reason, names.join(", "))
}

fn found(found: &Found) -> String {
    match found {
        Found::Bytes { used, limit: None } => format!("{}, no limit", human(*used)),
        Found::Bytes { used, limit } => of(*used, *limit, human),
        Found::Count { used, limit } => of(*used, *limit, |number| number.to_string()),
        Found::Words(words) => words.clone(),
        _ => String::new(),
    }
}

/// `1MiB of 4MiB (25%)`.
fn of(used: u64, limit: Option<u64>, form: impl Fn(u64) -> String) -> String {
    match limit {
        None => form(used),
        Some(limit) => {
            let percent = u128::from(used) * 100 / u128::from(limit.max(1));
            format!("{} of {} ({percent}%)", form(used), form(limit))
        }
    }
}

/// What to type, and what to consider.
fn command(remedy: &Remedy) -> (String, &str) {
    match remedy {
        Remedy::Remove { addresses, note } => {
            let words: Vec<String> =
                addresses.iter().map(|address| quoted(address.to_string().as_bytes())).collect();
            // Qt's lock may be held by somebody who never gives it back.
            let limit = if addresses.iter().any(|one| one.kind() == Kind::Qt) { "--timeout 5s " } else { "" };
            (format!("cenote rm {limit}{}", words.join(" ")), note)
        }
        Remedy::Reap { patterns, older, note } => {
            let mut command = "cenote reap".to_owned();
            for pattern in patterns {
                command = format!("{command} {}", quoted(pattern.as_bytes()));
            }
            if let Some(older) = older {
                command = format!("{command} --older {}s", older.as_secs());
            }
            (command, note)
        }
        Remedy::Look { address, note } => {
            (format!("cenote show {}", quoted(address.to_string().as_bytes())), note)
        }
        Remedy::Delete { path, note } => {
            (format!("rm {}", quoted(&platform::bytes_of(path.as_os_str()))), note)
        }
        Remedy::Run { command, note } => (command.clone(), note),
        _ => (String::new(), ""),
    }
}

/// The object of `cenote doctor --json`.
#[derive(Serialize)]
pub(crate) struct HealthJson {
    /// Whether nothing is to be mended.
    healthy: bool,
    findings: Vec<FindingJson>,
}

#[derive(Serialize)]
struct FindingJson {
    name: &'static str,
    title: &'static str,
    state: &'static str,
    /// In words, as the table has it.
    found: String,
    /// In bytes where `unit` is `bytes`.
    used: Option<u64>,
    limit: Option<u64>,
    unit: Option<&'static str>,
    meaning: String,
    items: Vec<ItemJson>,
    /// How many more items there are.
    more: usize,
    r#try: Vec<TryJson>,
}

#[derive(Serialize)]
struct ItemJson {
    what: String,
    bytes: Option<u64>,
    owner: String,
    mode: String,
    verdict: &'static str,
    reason: String,
    holders: Vec<HolderJson>,
}

#[derive(Serialize)]
struct TryJson {
    command: String,
    note: String,
}

impl From<&Health> for HealthJson {
    fn from(health: &Health) -> Self {
        Self { healthy: health.is_well(), findings: health.findings.iter().map(FindingJson::from).collect() }
    }
}

impl From<&Finding> for FindingJson {
    fn from(finding: &Finding) -> Self {
        let (used, limit, unit) = match finding.found {
            Found::Bytes { used, limit } => (Some(used), limit, Some("bytes")),
            Found::Count { used, limit } => (Some(used), limit, Some("count")),
            _ => (None, None, None),
        };
        let tries = finding.remedies.iter().map(|remedy| {
            let (command, note) = command(remedy);
            TryJson { command, note: note.to_owned() }
        });
        Self {
            name: finding.name,
            title: finding.title,
            state: finding.state.as_str(),
            found: found(&finding.found),
            used,
            limit,
            unit,
            meaning: finding.meaning.clone(),
            items: finding.items.iter().map(ItemJson::from).collect(),
            more: finding.more,
            r#try: tries.collect(),
        }
    }
}

impl From<&Item> for ItemJson {
    fn from(item: &Item) -> Self {
        Self {
            what: item.what.clone(),
            bytes: item.bytes,
            owner: item.owner.clone(),
            mode: format!("{:04o}", item.mode),
            verdict: item.verdict.as_str(),
            reason: item.reason.clone(),
            holders: item.holders.iter().map(HolderJson::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_in_percent() {
        assert_eq!(of(1 << 20, Some(1 << 20), human), "1MiB of 1MiB (100%)");
        assert_eq!(of(0, Some(0), human), "0B of 0B (0%)");
        assert_eq!(of(7, None, |number| number.to_string()), "7");
    }

    #[test]
    fn commands_can_be_typed() {
        let addresses = vec!["posix:/a b".parse().unwrap(), "sysv:id=7".parse().unwrap()];
        let remedy = Remedy::Remove { addresses, note: "why".to_owned() };
        assert_eq!(command(&remedy), ("cenote rm 'posix:/a b' sysv:id=7".to_owned(), "why"));
        let older = Some(std::time::Duration::ZERO);
        let remedy = Remedy::Reap { patterns: vec!["posix:".to_owned()], older, note: String::new() };
        assert_eq!(command(&remedy).0, "cenote reap posix: --older 0s");
        let remedy = Remedy::Remove { addresses: vec!["qt:Key".parse().unwrap()], note: String::new() };
        assert_eq!(command(&remedy).0, "cenote rm --timeout 5s qt:Key");
    }
}
