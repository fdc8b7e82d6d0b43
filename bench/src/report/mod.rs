//! What a run gave, as rows: one for each contender, test, size and bucket. Tables, charts and the file are made of them.

pub(crate) mod charts;
pub(crate) mod table;

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::harness::run::{Cell, Outcome};
use crate::harness::samples::{Bucket, ENOUGH};
use crate::harness::{Fault, fault};
use crate::tests::Test;

/// The contender that the others are compared with, once it is there.
pub(crate) const OURS: &str = "cenote";

/// A row of the report. Without a median there is a note that says why.
#[derive(Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) contender: &'static str,
    pub(crate) test: &'static str,
    pub(crate) bytes: usize,
    pub(crate) bucket: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscribers: Option<usize>,
    pub(crate) unit: String,
    pub(crate) median: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) samples: usize,
    pub(crate) floor_ns: Option<f64>,
    /// The median of the ratios to the line's round trip; only of times.
    #[serde(skip)]
    pub(crate) to_line: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// What a test's values are compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// The cache line's round trip, measured beside each sample.
    Line,
    /// This contender's median.
    Contender(&'static str),
    Nothing,
}

impl Floor {
    pub(crate) fn of(test: Test) -> Self {
        match test {
            Test::Rtt | Test::LoanRtt => Self::Line,
            Test::SleepRtt | Test::SleepRttOneCore => Self::Contender("futex"),
            Test::Stream | Test::Setup | Test::Fanout => Self::Contender("memcpy"),
            Test::Idle => Self::Nothing,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Contender(name) => name,
            Self::Nothing => "-",
        }
    }
}

/// All rows of a cell.
pub(crate) fn rows(cell: &Cell) -> Vec<Row> {
    let outcomes = cell.results.iter();
    outcomes.flat_map(|outcome| Bucket::ALL.map(|bucket| row(cell, outcome, bucket))).collect()
}

fn row(cell: &Cell, outcome: &Outcome, bucket: Bucket) -> Row {
    let samples = outcome.samples.count(bucket);
    let summary = outcome.samples.summary(bucket);
    let note = match (&outcome.fault, summary) {
        (Some(why), None) => Some(format!("not run: {why}")),
        (Some(why), Some(_)) => Some(format!("not to the end: {why}")),
        (None, None) => Some(format!("not seen: {samples} of {ENOUGH} samples")),
        (None, Some(_)) => None,
    };
    Row {
        contender: outcome.contender,
        test: cell.test.name(),
        bytes: cell.bytes,
        bucket: bucket.name(),
        subscribers: (cell.test == Test::Fanout).then_some(cell.subscribers),
        unit: outcome.unit.clone(),
        median: summary.map(|summary| summary.median),
        min: summary.map(|summary| summary.min),
        max: summary.map(|summary| summary.max),
        samples,
        floor_ns: summary.map(|summary| summary.floor),
        to_line: summary.map(|summary| summary.ratio),
        note,
    }
}

/// How many times the floor a row's value is, among the rows of its cell and bucket. For rates it is below 1.
pub(crate) fn to_floor(row: &Row, floor: Floor, rows: &[Row]) -> Option<f64> {
    match floor {
        Floor::Line => row.to_line,
        Floor::Contender(name) => to_contender(row, name, rows),
        Floor::Nothing => None,
    }
}

/// How many times the contender's value a row's value is.
pub(crate) fn to_contender(row: &Row, name: &str, rows: &[Row]) -> Option<f64> {
    let other = rows.iter().find(|other| other.contender == name && other.bucket == row.bucket)?;
    Some(row.median? / other.median?)
}

/// Writes the rows as an array of objects.
pub(crate) fn write(rows: &[Row], path: &Path) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(rows).map_err(fault("the report"))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fault("the report's folder"))?;
    }
    fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::samples::{Sample, Samples};

    fn cell(samples: usize, fault: Option<&str>) -> Cell {
        let mut all = Samples::default();
        for _ in 0..samples {
            all.add(Sample { value: 250.0, before: 100.0, after: 100.0 });
        }
        let outcome = Outcome {
            contender: "pipe",
            unit: "ns".to_owned(),
            samples: all,
            fault: fault.map(str::to_owned),
        };
        Cell { test: Test::Rtt, bytes: 64, subscribers: 1, results: vec![outcome] }
    }

    #[test]
    fn a_row_has_what_the_samples_say() {
        let rows = rows(&cell(ENOUGH, None));
        let [near, far] = &rows[..] else { panic!("{} rows", rows.len()) };
        assert_eq!((near.bucket, near.median, near.note.as_deref()), ("near", Some(250.0), None));
        assert_eq!(to_floor(near, Floor::Line, &rows), Some(2.5));
        assert_eq!((far.bucket, far.median), ("far", None));
        assert_eq!(far.note.as_deref(), Some("not seen: 0 of 30 samples"));
        assert_eq!(to_floor(far, Floor::Line, &rows), None);
    }

    #[test]
    fn what_could_not_run_says_why() {
        let rows = rows(&cell(3, Some("no rights")));
        assert_eq!(rows[0].note.as_deref(), Some("not run: no rights"));
        assert_eq!(rows[0].samples, 3);
    }

    #[test]
    fn the_file_has_the_fields_that_others_read() {
        let text = serde_json::to_value(rows(&cell(ENOUGH, None))).unwrap();
        let object = text[0].as_object().unwrap();
        for field in
            ["contender", "test", "bytes", "bucket", "unit", "median", "min", "max", "samples", "floor_ns"]
        {
            assert!(object.contains_key(field), "{field}");
        }
        assert!(!object.contains_key("subscribers"));
    }
}
