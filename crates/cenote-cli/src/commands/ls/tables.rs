//! The tables of `cenote ls`.

use cenote::catalog::{Entry, Other};
use cenote::value::Content;

use crate::output::{Align, Table, age, holder_count, human, octal};

pub(super) fn segments(entries: &[Entry]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("ADDRESS", Left),
        ("SIZE", Right),
        ("MEMORY", Right),
        ("OWNER", Left),
        ("MODE", Left),
        ("HOLDERS", Right),
        ("VERDICT", Left),
        ("AGE", Right),
        ("MAKER", Left),
        ("CONTENTS", Left),
    ]);
    for entry in entries {
        let stat = &entry.stat;
        let owner = entry.owner.clone().or_else(|| stat.uid.map(|uid| uid.to_string()));
        let unknown = || "-".to_owned();
        table.row([
            entry.address.to_string(),
            human(stat.size),
            entry.memory.map_or_else(unknown, human),
            owner.unwrap_or_else(unknown),
            stat.mode.map_or_else(unknown, octal),
            holder_count(entry).to_string(),
            entry.verdict.to_string(),
            stat.last_trace().map_or_else(unknown, age),
            entry.maker.or(entry.label.as_deref()).unwrap_or("-").to_owned(),
            entry.content.as_ref().map_or_else(unknown, in_short),
        ]);
    }
    table
}

pub(super) fn others(others: &[Other]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("KIND", Left),
        ("NAME", Left),
        ("ID", Right),
        ("OWNER", Left),
        ("MODE", Left),
        ("USERS", Right),
        ("VERDICT", Left),
        ("MAKER", Left),
    ]);
    for other in others {
        table.row([
            other.kind.to_string(),
            other.name.clone(),
            other.id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            other.owner.clone().unwrap_or_else(|| other.uid.to_string()),
            octal(other.mode),
            other.users.len().to_string(),
            other.verdict.to_string(),
            other.maker.unwrap_or("-").to_owned(),
        ]);
    }
    table
}

/// What is in it, and of what type.
fn in_short(content: &Content) -> String {
    match content {
        Content::Value { type_name, .. } => format!("value {type_name}"),
        content => content.as_str().to_owned(),
    }
}
