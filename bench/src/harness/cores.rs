//! Which two cores the processes run on, and how they get there.

use std::fs;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{Fault, fault};

/// Two cores that this process may use: the first, and the first after it which is not the same core's other thread.
/// Without such a one the second that there is.
pub(crate) fn choose() -> Result<[usize; 2], Fault> {
    let allowed = sched_getaffinity(None).map_err(fault("sched_getaffinity"))?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    let [first, rest @ ..] = &cores[..] else { return Err("no core may be used".to_owned()) };
    let siblings = siblings(*first);
    let other = rest.iter().find(|core| !siblings.contains(core)).or_else(|| rest.first());
    other.map(|&other| [*first, other]).ok_or_else(|| "two cores are needed, and there is one".to_owned())
}

/// The hardware threads of the same core, itself among them; empty where the kernel does not say.
pub(crate) fn siblings(core: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    parse_list(fs::read_to_string(path).unwrap_or_default().trim())
}

/// `0-2,8` as the kernel writes it.
fn parse_list(text: &str) -> Vec<usize> {
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cores.extend(first..=last);
        }
    }
    cores
}

/// The calling thread runs on this core from now on.
pub(crate) fn pin(core: usize) -> Result<(), Fault> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).map_err(|error| format!("pinning to core {core}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_list("0"), [0]);
        assert_eq!(parse_list("0-2,8"), [0, 1, 2, 8]);
        assert!(parse_list("").is_empty());
    }
}
