//! `cargo xtask soak`: channels in use for as long as it is told, while some of those who use them are killed.
//!
//! The test of the same name does it, optimised as users build; this says for how long, and looks that nothing is left.

use std::time::Duration;

use crate::leaks;
use crate::repository::{Repository, run as run_command};

/// Where nothing is said; as a step of `cargo xtask test`, a minute.
pub(crate) const A_MINUTE: Duration = Duration::from_secs(60);
const TEST: &str = "soak::all_goes_well_for_as_long_as_it_is_told";

pub(crate) fn run(repository: &Repository, time: Duration) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("channels are for Linux so far".to_owned());
    }
    let before = leaks::snapshot();
    let mut cargo = repository.cargo();
    cargo.args(["test", "--release", "-p", "cenote", "--test", "queue", "--", TEST]);
    cargo.args(["--exact", "--ignored", "--nocapture"]);
    cargo.env("CENOTE_SOAK_SECONDS", time.as_secs().to_string());
    run_command(&mut cargo)?;
    leaks::check(&before).map(|_| ())
}

/// `90s`, `10m`, `1h`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unit = text.chars().last().unwrap_or_default();
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        _ => 0,
    };
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    match number.checked_mul(seconds) {
        Some(time @ 1..) => Ok(Duration::from_secs(time)),
        _ => Err(format!("{text:?} is no time: 90s, 10m or 1h are")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let seconds = |text| parse(text).map(|time| time.as_secs()).ok();
        assert_eq!(["90s", "10m", "1h"].map(seconds), [Some(90), Some(600), Some(3600)]);
        assert_eq!(["", "h", "90", "0s", "-1s", "1d", "1é", "99999999999999999999h"].map(seconds), [None; 8]);
    }
}
