//! Kill points on a system that they are not for: nobody gets this far.

use std::process::Command;
use std::time::Duration;

use super::step::{Point, Step};

pub(super) const AVAILABLE: bool = false;

const NOT_HERE: &str = "kill points need Linux on x86-64";

pub(super) fn walk(
    _command: Command,
    _limit: Duration,
    _wanted: &dyn Fn(&Point) -> bool,
) -> Result<(Option<Point>, Vec<Step>), String> {
    Err(NOT_HERE.to_owned())
}

pub(super) fn race(_command: Command, _limit: Duration) -> Result<Option<Duration>, String> {
    Err(NOT_HERE.to_owned())
}

#[derive(Clone, Copy, Debug)]
pub(in crate::kill_points) struct Marks;

pub(super) fn begin(_delay: Option<Duration>) -> Marks {
    panic!("{NOT_HERE}");
}

impl Marks {
    pub(super) fn end(self) {}
}
