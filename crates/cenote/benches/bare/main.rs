//! What Cenote costs beside the bare calls that it stands for: ratios, measured side by side in one run.
//!
//! `cargo bench -p cenote` prints the table; a name as argument (`cargo bench -p cenote -- read`) runs what has it in
//! its own. Both sides of a row take turns, seven rounds each, and the medians are compared: on a shared machine
//! absolute times drift, ratios hardly. Of what makes no system call the quickest tenth of many short turns is taken. A ratio of 1 is the price of the bare calls. `limit` is what the project has
//! promised itself; beyond it, the program says so and exits with 1.

mod bytes;
mod contended;
mod life;
mod locks;
mod measure;
mod native;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo passes `--bench`; anything else is a filter.
    let filter: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut table = measure::Table::new(filter);
    life::run(&mut table);
    bytes::run(&mut table);
    locks::run(&mut table);
    native::run(&mut table);
    values::run(&mut table);
    table.finish()
}
