//! `cenote ls --watch`: the list again and again, in one place on a terminal, one after the other in a pipe.

use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime};

use terminal_size::{Height, Width, terminal_size};

use super::{Args, Found};
use crate::access::Context;
use crate::failure::Failure;
use crate::output::{self, Sink, rfc3339};
use crate::platform::{Interrupts, TERMINALS_REDRAW};

/// More often nobody can read it, and looking at all processes is not free.
const SOONEST: Duration = Duration::from_millis(100);
/// Of a terminal that does not say how large it is.
const USUAL: (Width, Height) = (Width(80), Height(24));

const CLEAR: &str = "\x1b[2J";
const TOP: &str = "\x1b[H";
/// What was there before goes line by line and at the end, so that nothing flickers.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

pub(super) fn run(args: &Args, every: Duration, context: &Context) -> Result<(), Failure> {
    let interrupts = Interrupts::new(false)?;
    let redraws = TERMINALS_REDRAW && !context.json && io::stdout().is_terminal();
    let mut is_first = true;
    loop {
        let found = Found::look(args)?;
        if context.json {
            output::print_json_line(&found.rows())?;
        } else {
            let text = if found.is_empty() { "no segments\n".to_owned() } else { found.text() };
            let text = if redraws {
                redrawn(&text, terminal_size().unwrap_or(USUAL), is_first)
            } else {
                let between =
                    if is_first { String::new() } else { format!("-- {}\n", rfc3339(SystemTime::now())) };
                between + &text
            };
            let mut sink = Sink::open(None)?;
            sink.write(text.as_bytes())?;
            sink.finish()?;
        }
        is_first = false;
        if interrupts.come_within(every.max(SOONEST))? {
            return Ok(());
        }
    }
}

/// What puts the text in the place of the one before. What does not fit is cut: a terminal that scrolled would have its top
/// elsewhere.
fn redrawn(text: &str, (Width(width), Height(height)): (Width, Height), is_first: bool) -> String {
    let (width, height) = (usize::from(width), usize::from(height).max(3));
    let lines: Vec<&str> = text.lines().collect();
    // The cursor rests on the last line.
    let room = height - 1;
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    let mut all = if is_first { format!("{CLEAR}{TOP}") } else { TOP.to_owned() };
    let mut put = |line: &str| {
        all.extend(line.chars().take(width));
        all.push_str(CLEAR_LINE);
        all.push('\n');
    };
    for line in &lines[..shown] {
        put(line);
    }
    if shown < lines.len() {
        put(&format!("... and {} lines more", lines.len() - shown));
    }
    all.push_str(CLEAR_BELOW);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut() {
        let size = (Width(5), Height(4));
        assert_eq!(redrawn("abcdefg\nb\n", size, false), "\x1b[Habcde\x1b[K\nb\x1b[K\n\x1b[J");
        let cut = redrawn("1\n2\n3\n4\n", (Width(80), Height(4)), true);
        assert_eq!(cut, "\x1b[2J\x1b[H1\x1b[K\n2\x1b[K\n... and 2 lines more\x1b[K\n\x1b[J");
    }
}
