//! Results for programs.

use serde::Serialize;

use super::line;
use crate::failure::Failure;

/// Prints a value as JSON, for people to read too.
pub(crate) fn print(value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_string_pretty(value).map_err(|error| cannot(&error)).and_then(line)
}

/// Prints a value as JSON on one line, for programs that read line by line.
pub(crate) fn print_line(value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_string(value).map_err(|error| cannot(&error)).and_then(line)
}

fn cannot(error: &serde_json::Error) -> Failure {
    Failure::new(format!("cannot write JSON: {error}"), "use the plain form")
}
