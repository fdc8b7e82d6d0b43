//! The command as a person uses it: real processes, their output and their exit codes.

mod anonymous;
mod breaking;
mod bytes;
mod channels;
mod choosing;
mod doctoring;
mod errors;
mod exporting;
mod holding;
mod listing;
mod locking;
mod manuals;
mod native;
mod peers;
mod pictures;
mod python_lists;
mod reaping;
mod shown;
mod support;
mod values;
mod watching;
