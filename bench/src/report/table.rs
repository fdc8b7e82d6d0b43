//! Tables for people: of each test and size, the contenders with their ratios, best first.

use std::cmp::Ordering;

use super::{Floor, OURS, Row, to_contender, to_floor};
use crate::harness::run::Cell;
use crate::harness::samples::Bucket;
use crate::tests::Test;

pub(crate) fn print(cell: &Cell) {
    let rows = super::rows(cell);
    println!("\n{}", heading(cell));
    for bucket in Bucket::ALL {
        print_bucket(cell, &rows, bucket);
    }
    for outcome in &cell.results {
        let seen = Bucket::ALL.iter().any(|&bucket| outcome.samples.summary(bucket).is_some());
        match &outcome.fault {
            Some(why) => println!("  {:<16} not run: {why}", outcome.contender),
            None if !seen => println!(
                "  {:<16} not seen: {} near, {} far, {} over which the floor moved",
                outcome.contender,
                outcome.samples.count(Bucket::Near),
                outcome.samples.count(Bucket::Far),
                outcome.samples.moved()
            ),
            None => {}
        }
    }
}

pub(crate) fn heading(cell: &Cell) -> String {
    let subscribers = match (cell.test, cell.subscribers) {
        (Test::Fanout, 1) => ", 1 subscriber".to_owned(),
        (Test::Fanout, count) => format!(", {count} subscribers"),
        _ => String::new(),
    };
    format!("{}, {}{subscribers}: {}", cell.test.name(), size(cell.bytes), cell.test.title())
}

fn print_bucket(cell: &Cell, rows: &[Row], bucket: Bucket) {
    let mut seen: Vec<&Row> =
        rows.iter().filter(|row| row.bucket == bucket.name() && row.median.is_some()).collect();
    if seen.is_empty() {
        println!("  {}: not seen", bucket.name());
        return;
    }
    let floor = Floor::of(cell.test);
    seen.sort_by(|one, other| order(one, other, floor));
    println!(
        "  {:<16} {:>10} {:>10} {:>12} {:>12} {:>12} {:>7}  unit",
        bucket.name(),
        format!("/ {}", floor.name()),
        format!("/ {OURS}"),
        "median",
        "min",
        "max",
        "samples"
    );
    for row in seen {
        println!(
            "  {:<16} {:>10} {:>10} {:>12} {:>12} {:>12} {:>7}  {}",
            row.contender,
            ratio(to_floor(row, floor, rows)),
            ratio(to_contender(row, OURS, rows)),
            number(row.median),
            number(row.min),
            number(row.max),
            row.samples,
            row.unit
        );
    }
}

/// Best first: of rates the largest, of all else the least, by the floor beside them where that is what counts.
pub(crate) fn order(one: &Row, other: &Row, floor: Floor) -> Ordering {
    let key = |row: &Row| if floor == Floor::Line { row.to_line } else { row.median }.unwrap_or_default();
    let order = key(one).total_cmp(&key(other));
    if one.unit.ends_with("/s") { order.reverse() } else { order }
}

pub(crate) fn ratio(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) if value >= 0.1 => format!("{value:.2}"),
        Some(value) => format!("{value:.4}"),
    }
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 1000.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}

pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_exact_as_they_are_worth() {
        assert_eq!(ratio(Some(1.234)), "1.23");
        assert_eq!(ratio(Some(412.3)), "412");
        assert_eq!(ratio(Some(0.00123)), "0.0012");
        assert_eq!(size(64), "64 B");
        assert_eq!(size(8192), "8 KiB");
        assert_eq!(size(1 << 20), "1 MiB");
    }
}
