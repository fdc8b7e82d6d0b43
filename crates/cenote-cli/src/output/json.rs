//! Results for programs.

use serde::Serialize;

use super::line;
use crate::failure::Failure;

/// Prints a value as JSON, for people to read too.
pub(crate) fn print(value: &impl Serialize) -> Result<(), Failure> {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => Err(Failure::new(format!("cannot write JSON: {error}"), "use the plain form")),
    }
}
