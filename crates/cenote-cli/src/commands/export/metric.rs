//! Numbers with names, and Prometheus' text format of them.
//!
//! The format is version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

/// What a program that asks for it is told that the text is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Numbers of one name.
#[derive(Serialize)]
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    r#type: &'static str,
    samples: Vec<Sample>,
}

/// One number, and what it is of.
#[derive(Serialize)]
struct Sample {
    labels: BTreeMap<&'static str, String>,
    value: Number,
}

/// Whole numbers stay what they are, however large.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl Family {
    /// Of what may go up and down.
    pub(super) fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, r#type: "gauge", samples: Vec::new() }
    }

    /// Of what only goes up.
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { r#type: "counter", ..Self::new(name, help) }
    }

    pub(super) fn add<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: Number) {
        let labels = labels.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        self.samples.push(Sample { labels, value });
    }

    /// Of a number that there is one of.
    pub(super) fn of_one(name: &'static str, help: &'static str, value: Number) -> Self {
        let mut family = Self::new(name, help);
        family.add([], value);
        family
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP {} {}", self.name, self.help.replace('\\', r"\\").replace('\n', r"\n"))?;
        writeln!(text, "# TYPE {} {}", self.name, self.r#type)?;
        for Sample { labels, value } in &self.samples {
            text.push_str(self.name);
            let mut before = '{';
            for (name, value) in labels {
                write!(text, "{before}{name}=\"{}\"", escaped(value))?;
                before = ',';
            }
            text.push_str(if labels.is_empty() { " " } else { "} " });
            match value {
                Number::Whole(number) => writeln!(text, "{number}")?,
                Number::Real(number) => writeln!(text, "{number}")?,
            }
        }
        Ok(())
    }
}

/// All of them, each under what it means. One without numbers is left out.
pub(super) fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        // Writing to a string cannot fail.
        let _ = family.write(&mut text);
    }
    text
}

/// Between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_documented_one() {
        let mut family = Family::new("a_bytes", "What \\ is\nmeant.");
        family.add([], Number::Whole(u64::MAX));
        family.add([("b", "q\"\\\n"), ("a", "é")], Number::Real(0.25));
        let expected = concat!(
            "# HELP a_bytes What \\\\ is\\nmeant.\n",
            "# TYPE a_bytes gauge\n",
            "a_bytes 18446744073709551615\n",
            "a_bytes{a=\"é\",b=\"q\\\"\\\\\\n\"} 0.25\n",
        );
        assert_eq!(text(&[Family::new("none", "Nothing."), family]), expected);
    }
}
