//! Bars as SVG, one file for each test and size: how many times the floor each contender takes, on a logarithmic scale.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::table::{heading, order, ratio};
use super::{Floor, OURS, Row, to_floor};
use crate::harness::run::Cell;
use crate::harness::samples::Bucket;
use crate::harness::{Fault, fault};
use crate::tests::Test;

const WIDTH: f64 = 720.0;
const NAMES: f64 = 130.0;
const BAR: f64 = 18.0;
const LINE: f64 = 24.0;
const TOP: f64 = 56.0;
/// Room for the number after the longest bar.
const NUMBERS: f64 = 70.0;

/// Writes the chart of a cell, if it has any ratios; its name tells test, size and subscribers.
pub(crate) fn write(cell: &Cell, folder: &Path) -> Result<(), Fault> {
    let Some(chart) = chart(cell) else { return Ok(()) };
    let subscribers =
        if cell.test == Test::Fanout { format!("-{}", cell.subscribers) } else { String::new() };
    let path = folder.join(format!("{}-{}{subscribers}.svg", cell.test.name(), cell.bytes));
    fs::create_dir_all(folder).map_err(fault("the folder for charts"))?;
    fs::write(&path, chart).map_err(|error| format!("{}: {error}", path.display()))
}

/// A bar: what is said of it, its ratio, and its colour.
struct Bar<'a> {
    row: &'a Row,
    ratio: f64,
}

fn chart(cell: &Cell) -> Option<String> {
    let floor = Floor::of(cell.test);
    let rows = super::rows(cell);
    let mut parts = Vec::new();
    for bucket in Bucket::ALL {
        let mut of_bucket: Vec<&Row> = rows.iter().filter(|row| row.bucket == bucket.name()).collect();
        of_bucket.sort_by(|one, other| order(one, other, floor));
        let bar = |row| to_floor(row, floor, &rows).map(|ratio| Bar { row, ratio });
        let bars: Vec<Bar<'_>> = of_bucket.into_iter().filter_map(bar).collect();
        if !bars.is_empty() {
            parts.push((bucket, bars));
        }
    }
    let ratios = || parts.iter().flat_map(|(_, bars)| bars.iter().map(|bar| bar.ratio));
    let least = ratios().fold(1.0, f64::min).log10().floor();
    let most = ratios().fold(1.0, f64::max).log10().ceil().max(least + 1.0);
    let lines = parts.iter().map(|(_, bars)| bars.len() + 1).sum::<usize>();
    if lines == 0 {
        return None;
    }
    let height = TOP + lines as f64 * LINE + 24.0;
    let scale = Scale { least, most };
    let mut svg = String::new();
    open(&mut svg, height, &heading(cell), floor);
    scale.draw(&mut svg, height);
    let mut top = TOP;
    for (bucket, bars) in &parts {
        text(&mut svg, 8.0, top + BAR - 4.0, "", &format!("{} cores", bucket.name()));
        top += LINE;
        for bar in bars {
            scale.draw_bar(&mut svg, top, bar);
            top += LINE;
        }
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// Powers of ten across the width.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn place(&self, ratio: f64) -> f64 {
        let part = (ratio.log10() - self.least) / (self.most - self.least);
        NAMES + part * (WIDTH - NAMES - NUMBERS)
    }

    fn draw(&self, svg: &mut String, height: f64) {
        for power in self.least as i32..=self.most as i32 {
            let x = self.place(10_f64.powi(power));
            let bottom = height - 20.0;
            put(svg, format_args!("<path class=\"grid\" d=\"M{x:.1} {TOP:.1}V{bottom:.1}\"/>"));
            let label = if power < 0 {
                format!("1/{}", 10_i64.pow(-power as u32))
            } else {
                10_i64.pow(power as u32).to_string()
            };
            text(svg, x, height - 6.0, " text-anchor=\"middle\"", &label);
        }
    }

    fn draw_bar(&self, svg: &mut String, top: f64, bar: &Bar<'_>) {
        let (one, end) = (self.place(1.0), self.place(bar.ratio));
        // From the floor, to the side where it is.
        let (left, width) = (one.min(end), (end - one).abs().max(1.5));
        let class = if bar.row.contender == OURS { "ours" } else { "bar" };
        text(svg, NAMES - 8.0, top + BAR - 4.0, " text-anchor=\"end\"", bar.row.contender);
        put(
            svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
            ),
        );
        text(svg, one.max(end) + 6.0, top + BAR - 4.0, "", &ratio(Some(bar.ratio)));
    }
}

fn open(svg: &mut String, height: f64, title: &str, floor: Floor) {
    put(
        svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">"
        ),
    );
    put(svg, format_args!("<title>{}</title>", escaped(title)));
    // Readable on light and on dark pages alike.
    svg.push_str(
        "<style>text{font:13px sans-serif;fill:#1f2328}.note{fill:#59636e}.grid{stroke:#d1d9e0}\
         .bar{fill:#8c959f}.ours{fill:#0969da}\
         @media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.grid{stroke:#3d444d}\
         .bar{fill:#656c76}.ours{fill:#4493f8}}</style>\n",
    );
    text(svg, 8.0, 20.0, "", title);
    let what = match floor {
        Floor::Line => "times the round trip of a cache line, measured beside each sample".to_owned(),
        other => format!("times what {} gives", other.name()),
    };
    text(svg, 8.0, 40.0, " class=\"note\"", &what);
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, words: &str) {
    put(svg, format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\"{attributes}>{}</text>", escaped(words)));
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes everything");
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::run::Outcome;
    use crate::harness::samples::{ENOUGH, Sample, Samples};

    fn cell(values: &[f64]) -> Cell {
        let outcome = |&value: &f64| {
            let mut samples = Samples::default();
            for _ in 0..ENOUGH {
                samples.add(Sample { value, before: 100.0, after: 100.0 });
            }
            Outcome { contender: "pipe", unit: "ns".to_owned(), samples, fault: None }
        };
        Cell { test: Test::Rtt, bytes: 64, subscribers: 1, results: values.iter().map(outcome).collect() }
    }

    #[test]
    fn a_bar_is_as_long_as_its_ratio_says() {
        let svg = chart(&cell(&[1000.0])).unwrap();
        // From 1 to 10, which is all of the scale.
        let width = format!("width=\"{:.1}\" height=\"{BAR}\"", WIDTH - NAMES - NUMBERS);
        assert!(svg.contains(&width), "{svg}");
        assert!(svg.contains(">10.0</text>"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn without_ratios_there_is_no_chart() {
        assert!(chart(&cell(&[])).is_none());
    }

    #[test]
    fn words_are_escaped() {
        assert_eq!(escaped("a<b>&"), "a&lt;b&gt;&amp;");
    }
}
