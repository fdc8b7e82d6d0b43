//! What the commands print, and in which form.

pub(crate) mod bytes;
mod entry;
mod escape;
mod health;
pub(crate) mod hex;
mod json;
pub(crate) mod json_text;
mod named;
mod shell;
mod sink;
mod size;
mod table;
pub(crate) mod text;
mod time;

pub(crate) use entry::{EntryJson, OtherJson, access, holder_count, octal};
pub(crate) use escape::escaped;
pub(crate) use health::{HealthJson, text as health_text};
pub(crate) use json::{print as print_json, print_line as print_json_line};
pub(crate) use named::{NamedJson, named_table};
pub(crate) use shell::quoted;
pub(crate) use sink::{Sink, line};
pub(crate) use size::{exact, human};
pub(crate) use table::{Align, Table};
pub(crate) use time::{age, rfc3339};
