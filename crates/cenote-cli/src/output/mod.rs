//! What the commands print, and in which form.

pub(crate) mod bytes;
mod entry;
mod escape;
pub(crate) mod hex;
mod json;
pub(crate) mod json_text;
mod sink;
mod size;
mod table;
pub(crate) mod text;
mod time;

pub(crate) use entry::{EntryJson, access};
pub(crate) use escape::escaped;
pub(crate) use json::print as print_json;
pub(crate) use sink::{Sink, line};
pub(crate) use size::{exact, human};
pub(crate) use table::{Align, Table};
pub(crate) use time::rfc3339;
