//! Faults that are not ours: they end the process, or reach its own handler, as if there were no Cenote.
#![allow(unsafe_code)]

use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use cenote::{ErrorKind, Segment};
use testkit::names::{ShmName, TempDir};

use crate::{child, minute};

/// What a handler of the program's own ends it with.
const HANDLED: i32 = 42;

// --- in the child ---

/// No core files from deaths that are meant to be.
fn leave_no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }, 0);
}

/// Maps a file of its own, shrinks it, and touches it: SIGBUS.
pub(crate) fn fault_elsewhere(folder: &str) {
    leave_no_core();
    let path = Path::new(folder).join("own");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
    file.set_len(8192).unwrap();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice.
    let base =
        unsafe { libc::mmap(std::ptr::null_mut(), 8192, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    assert_ne!(base, libc::MAP_FAILED);
    file.set_len(0).unwrap();
    let byte = base.cast::<u8>().wrapping_add(4096);
    // SAFETY: mapped; the fault is what is wanted.
    let byte = unsafe { byte.read_volatile() };
    println!("the fault did not come: {byte}");
}

fn segment_in(folder: &str) -> Segment {
    let segment = Segment::create(format!("file:{folder}/segment"), 8192).unwrap();
    segment.write_at(0, b"used").unwrap();
    segment
}

/// A fault that is ours.
fn lose(segment: &Segment, folder: &str) {
    OpenOptions::new().write(true).open(format!("{folder}/segment")).unwrap().set_len(0).unwrap();
    assert_eq!(segment.read_value::<u8>(5000).unwrap_err().kind(), ErrorKind::Corrupt);
}

pub(crate) fn fault_elsewhere_with_a_segment(folder: &str) {
    let _segment = segment_in(folder);
    fault_elsewhere(folder);
}

/// A fault that is ours, which is survived; then one that is not.
pub(crate) fn fault_elsewhere_after_a_loss(folder: &str) {
    let segment = segment_in(folder);
    lose(&segment, folder);
    drop(segment);
    println!("survived");
    fault_elsewhere(folder);
}

extern "C" fn with_information(_signal: i32, information: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid struct.
    let information = unsafe { &*information };
    // SAFETY: that of a fault has an address.
    let address = unsafe { information.si_addr() };
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(if address.is_null() { 1 } else { HANDLED }) }
}

extern "C" fn without_information(signal: i32) {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(if signal == libc::SIGBUS { HANDLED } else { 1 }) }
}

/// A handler that was there before the first segment is called for what is not ours, and not for what is.
pub(crate) fn fault_with_a_handler_of_its_own(argument: &str) {
    let (form, folder) = argument.split_once(' ').unwrap();
    // SAFETY: all zeros is an action with an empty mask.
    let mut action = unsafe { std::mem::zeroed::<libc::sigaction>() };
    if form == "with-information" {
        action.sa_sigaction = with_information as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
    } else {
        action.sa_sigaction = without_information as *const () as usize;
    }
    // SAFETY: the handler has the signature that its flags ask for.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) }, 0);
    fault_elsewhere_after_a_loss(folder);
}

/// SIGBUS as a signal that somebody sends, which is no fault at all: `HANDLER [segment] FOLDER`. Says how often it was
/// survived.
pub(crate) fn raise_again_and_again(argument: &str) {
    leave_no_core();
    let words: Vec<&str> = argument.split(' ').collect();
    let action = match words[0] {
        "default" => Some(libc::SIG_DFL),
        "ignored" => Some(libc::SIG_IGN),
        // What Rust's own startup has installed, which reports stack overflows.
        _ => None,
    };
    if let Some(action) = action {
        // SAFETY: no function of ours is installed.
        unsafe { libc::signal(libc::SIGBUS, action) };
    }
    let segment = (words[1] == "segment").then(|| segment_in(words[words.len() - 1]));
    for times in 1..4 {
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(libc::SIGBUS) };
        println!("survived {times}");
    }
    if let Some(segment) = segment {
        lose(&segment, words[words.len() - 1]);
        println!("lost and well");
    }
}

/// Not for ever, as the compiler sees it.
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(depth) == u64::MAX { 0 } else { frame[3] + recurse(depth + 1) }
}

pub(crate) fn overflow_the_stack_with_a_segment(argument: &str) {
    leave_no_core();
    let (where_to, folder) = argument.split_once(' ').unwrap();
    let _segment = segment_in(folder);
    if where_to == "thread" {
        let _ = std::thread::spawn(|| recurse(0)).join();
    }
    println!("{}", recurse(0));
}

// --- the tests ---

/// The signal that ends a child, and all it said.
#[track_caller]
fn death(task: &str, argument: &str) -> (Option<i32>, String) {
    let output = child::output(task, argument);
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{task}: {:?}\n{said}", output.status);
    (output.status.signal(), said)
}

#[test]
fn a_fault_elsewhere_still_kills_with_and_without_a_segment() {
    let _watchdog = minute();
    for task in ["fault", "fault-with-a-segment", "fault-after-a-loss"] {
        let folder = TempDir::new();
        let (signal, said) = death(task, &folder.path().display().to_string());
        assert_eq!(signal, Some(libc::SIGBUS), "{task}: {said}");
        assert_eq!(said.contains("survived"), task == "fault-after-a-loss", "{said}");
    }
}

#[test]
fn a_handler_from_before_the_first_segment_is_called_for_other_addresses() {
    let _watchdog = minute();
    for form in ["with-information", "without-information"] {
        let folder = TempDir::new();
        let output = child::output("own-handler", &format!("{form} {}", folder.path().display()));
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(HANDLED), "{form}: {said} {:?}", output.status);
        assert!(said.contains("survived"), "the first fault was ours: {said}");
    }
}

#[test]
fn a_sigbus_that_somebody_sends_does_what_it_would_do_without_a_segment() {
    let _watchdog = minute();
    for handler in ["default", "ignored", "rust"] {
        let [without, with] = ["none", "segment"].map(|segment| {
            let folder = TempDir::new();
            death("raise", &format!("{handler} {segment} {}", folder.path().display()))
        });
        let survived = |said: &str| said.matches("survived").count();
        assert_eq!(with.0, without.0, "{handler}: {}", with.1);
        assert_eq!(survived(&with.1), survived(&without.1), "{handler}: {}", with.1);
        // Who outlives that also outlives what the handler is there for.
        assert_eq!(with.1.contains("lost and well"), with.0.is_none(), "{}", with.1);
    }
}

#[test]
fn a_stack_overflow_is_still_reported_as_one() {
    let _watchdog = minute();
    for place in ["main", "thread"] {
        let folder = TempDir::new();
        let (signal, said) = death("overflow", &format!("{place} {}", folder.path().display()));
        assert_eq!(signal, Some(libc::SIGABRT), "{place}: {said}");
        assert!(said.contains("stack overflow") || said.contains("overflowed its stack"), "{place}: {said}");
    }
}

#[test]
fn many_mappings_at_once_are_all_known_to_the_handler() {
    let _watchdog = minute();
    // More than one block of the handler's table.
    let names: Vec<ShmName> = (0..200).map(|_| ShmName::unique("table")).collect();
    let segments: Vec<Segment> =
        names.iter().map(|name| Segment::create(format!("posix:{}", name.name()), 8192).unwrap()).collect();
    for (number, name) in names.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        fs::OpenOptions::new().write(true).open(name.path()).unwrap().set_len(100).unwrap();
        assert_eq!(segments[number].write_at(8000, &[1]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    for (number, segment) in segments.iter().enumerate() {
        assert_eq!(segment.write_at(8000, &[1]).is_err(), number % 3 == 0, "{number}");
    }
}
