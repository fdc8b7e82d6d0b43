//! Plain aligned tables: the same on a terminal and in a pipe.

use std::fmt::Write;

use super::escaped;

/// On which side a column's words stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of words under a header, with columns as wide as their widest word.
pub(crate) struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let header = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { align: columns.iter().map(|&(_, align)| align).collect(), rows: vec![header] }
    }

    /// Without a header.
    pub(crate) fn headless(align: &[Align]) -> Self {
        Self { align: align.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, of words that may come from anybody.
    pub(crate) fn row(&mut self, words: impl IntoIterator<Item = String>) {
        self.rows.push(words.into_iter().map(|word| escaped(&word).into_owned()).collect());
    }

    /// All of it, each line after `indent`, with no spaces at its end.
    pub(crate) fn to_text(&self, indent: &str) -> String {
        let width = |column| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|word: &String| word.chars().count()).max()
        };
        // Wider than that nothing can be formatted.
        let width = |column| width(column).unwrap_or(0).min(u16::MAX.into());
        let widths: Vec<usize> = (0..self.align.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = indent.to_owned();
            for ((word, width), align) in row.iter().zip(&widths).zip(&self.align) {
                // Writing to a string cannot fail.
                let _ = match align {
                    Align::Left => write!(line, "{word:<width$}  "),
                    Align::Right => write!(line, "{word:>width$}  "),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    #[test]
    fn a_word_may_have_any_length() {
        let mut table = Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right)]);
        let long = "x".repeat(100_000);
        table.row([long.clone(), "1".to_owned()]);
        assert!(table.to_text("").contains(&long));
    }

    #[test]
    fn columns_are_aligned_and_names_escaped() {
        let mut table = Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right), ("", Align::Left)]);
        table.row(["posix:/é\n".to_owned(), "1".to_owned(), "x".to_owned()]);
        table.row(["a".to_owned(), "12345".to_owned(), String::new()]);
        assert_eq!(table.to_text(" "), " NAME         SIZE\n posix:/é\\n      1  x\n a           12345\n");
    }
}
