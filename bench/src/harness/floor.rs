//! The floor: what it takes to move one cache line to the other core and one back, at this very moment.

use super::Fault;
use super::clock::now;
use super::control::{Control, What};
use super::samples::median;

const BATCHES: u64 = 21;
const TRIPS: u64 = 50;

/// Nanoseconds of a round trip: the median of batches, so that one interruption does not show.
pub(crate) fn measure(control: &mut Control) -> Result<f64, Fault> {
    let first = control.board().pong.get();
    control.order_begun(What::Floor, first)?;
    let mut batches = Vec::new();
    let mut trip = first;
    for _ in 0..BATCHES {
        let board = control.board();
        let start = now();
        for _ in 0..TRIPS {
            trip += 1;
            board.ping.put(trip);
            board.pong.wait_for(trip);
        }
        batches.push((now() - start) as f64 / TRIPS as f64);
    }
    control.wait()?;
    Ok(median(batches.into_iter()))
}

/// The other side of it.
pub(super) fn answer(control: &Control, first: u64) {
    let board = control.board();
    for trip in first + 1..=first + BATCHES * TRIPS {
        board.ping.wait_for(trip);
        board.pong.put(trip);
    }
}
