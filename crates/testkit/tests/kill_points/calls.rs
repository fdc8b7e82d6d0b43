//! System calls are steps with a state before and a state after; what the child has goes with it; signals do
//! no harm.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use cenote::{ErrorKind, Segment};
use testkit::kill_points::{self, Child, End, Report, Step};
use testkit::names::{ShmName, TempDir};
use testkit::sysv::SysvKey;
use testkit::watchdog;

use crate::MINUTE;
use crate::area::Area;

/// A file, its size, its mapping, a store, a write, its close: bare calls, so that their number is known.
pub(crate) fn calls(child: &Child) {
    let path = CString::new(child.word(0)).unwrap();
    child.steps(|| {
        // SAFETY: a C string that lives through the call.
        let file = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600) };
        // SAFETY: the call takes plain numbers.
        unsafe { libc::ftruncate(file, 4096) };
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping where the kernel likes it disturbs nobody.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, libc::MAP_SHARED, file, 0) }.cast::<u8>();
        // SAFETY: inside the mapping, which has just been made.
        unsafe { base.write_volatile(b'S') };
        // SAFETY: one byte is there to be read.
        unsafe { libc::write(file, b"WW".as_ptr().cast(), 2) };
        // SAFETY: a descriptor of ours.
        unsafe { libc::close(file) };
    });
}

/// What a survivor finds of the file: whether it is there, its length and its first two bytes.
fn state(path: &Path) -> String {
    match fs::read(path) {
        Ok(bytes) => format!("{} {:?}", bytes.len(), bytes.get(..2).map(String::from_utf8_lossy)),
        Err(_) => "none".to_owned(),
    }
}

#[test]
fn each_system_call_has_a_before_and_an_after() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("file");
    let mut states = Vec::new();
    let report = kill_points::each("calls", |round| {
        let _ = fs::remove_file(&path);
        round.child(&[path.to_str().unwrap()]);
        states.push(state(&path));
    });
    println!("{report}");
    let steps: Vec<_> = report.steps().iter().map(|step| step.call().unwrap_or("store")).collect();
    assert_eq!(steps, ["openat", "ftruncate", "mmap", "store", "write", "close"]);
    let [empty, sized] = ["0 None", r#"4096 Some("\0\0")"#];
    let [stored, written] = [r#"4096 Some("S\0")"#, r#"4096 Some("WW")"#];
    assert_eq!(states, ["none", empty, sized, sized, stored, written, written, written]);
}

/// Memory that is mapped, moved and unmapped in the middle of the steps.
pub(crate) fn store_in_a_new_mapping(child: &Child) {
    let file = File::options().read(true).write(true).open(child.word(0)).unwrap();
    child.steps(|| {
        let (one, two) = (Area::map(&file, 4096), Area::map(&file, 4096));
        one.store(0, 1);
        two.store(8, 2);
        drop(one);
        two.store(16, 3);
    });
}

#[test]
fn memory_that_is_mapped_on_the_way_is_followed() {
    let _watchdog = watchdog(MINUTE);
    let report = with_file("store in a new mapping", |_, _| {});
    let offsets: Vec<_> = report.steps().iter().filter_map(Step::offset).collect();
    assert_eq!(offsets, [0, 8, 16]);
}

pub(crate) fn store_in_system_v_memory(child: &Child) {
    let segment = Segment::attach(child.word(0)).unwrap();
    child.steps(|| segment.write_value(40, &9_u64).unwrap());
}

#[test]
fn system_v_memory_is_followed() {
    let _watchdog = watchdog(MINUTE);
    let key = SysvKey::unique();
    let address = format!("sysv:{:#x}", key.key());
    let mut values = Vec::new();
    let report = kill_points::each("store in System V memory", |round| {
        let segment = Segment::create(&address, 64).unwrap();
        round.child(&[&address]);
        values.push(segment.read_value::<u64>(40).unwrap());
        Segment::remove(&address).unwrap();
    });
    println!("{report}");
    assert_eq!(report.stores(), 1, "{report}");
    assert_eq!(values.iter().filter(|&&value| value == 9).count(), 2, "{values:?}");
}

pub(crate) fn read_into_shared_memory(child: &Child) {
    let area = Area::open(child.word(0));
    let file = CString::new("/proc/self/comm").unwrap();
    child.steps(|| {
        // SAFETY: a C string that lives through the call.
        let file = unsafe { libc::open(file.as_ptr(), libc::O_RDONLY) };
        // SAFETY: the area has room for four bytes.
        let read = unsafe { libc::read(file, area.at(0).cast(), 4) };
        assert_eq!(read, 4);
    });
}

#[test]
fn the_kernel_can_store_and_that_is_part_of_its_call() {
    let _watchdog = watchdog(MINUTE);
    let mut filled = Vec::new();
    let report = with_file("read into shared memory", |_, area| filled.push(area.load(0) != 0));
    assert_eq!((report.stores(), report.calls()), (0, 2), "{report}");
    assert_eq!(filled, [false, false, true, true]);
}

/// Cenote's own lock over the whole file, and two bytes under it.
pub(crate) fn lock(child: &Child) {
    let segment = Segment::attach(child.word(0)).unwrap();
    child.steps(|| {
        let guard = segment.lock().unwrap();
        guard.write_at(0, &[1]).unwrap();
        guard.write_at(1, &[2]).unwrap();
        guard.unlock().unwrap();
    });
}

#[test]
fn what_the_dead_had_locked_is_free_at_once() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let address = format!("file:{}", path.display());
    let mut died_with_lock = 0;
    let report = kill_points::each("lock", |round| {
        Area::create(&path, 4096);
        let segment = Segment::attach(&address).unwrap();
        let end = round.child(&[&address]);
        assert!(segment.try_lock().unwrap().is_some(), "the kernel has not yet taken the lock back");
        let bytes = segment.read_to_vec(0..2).unwrap();
        died_with_lock += usize::from(bytes == [1, 0]);
        assert_ne!(bytes, [0, 2]);
        assert!(!end.is_completed() || bytes == [1, 2]);
    });
    println!("{report}");
    assert_eq!(died_with_lock, 1, "it held the lock between the two stores");
    assert_eq!(report.stores(), 2);
}

/// All that Cenote does to make a segment.
pub(crate) fn create(child: &Child) {
    child.steps(|| drop(Segment::create(child.word(0), 4096).unwrap()));
}

#[test]
fn a_segment_is_there_whole_or_not_at_all() {
    let _watchdog = watchdog(MINUTE);
    let name = ShmName::unique("created");
    let address = format!("posix:{}", name.name());
    let mut found = Vec::new();
    let report = kill_points::each("create", |round| {
        let _ = fs::remove_file(name.path());
        let end = round.child(&[&address]);
        let size = fs::metadata(name.path()).map_or(0, |file| file.len());
        assert!(size == 0 && !name.path().exists() || size == 4096, "{size} bytes, {end}");
        found.push(size != 0);
    });
    println!("{report}");
    assert!(!found[0] && found.is_sorted() && found[found.len() - 1], "{found:?}");
}

/// Takes the file away under itself: the store raises SIGBUS, which Cenote catches.
pub(crate) fn write_behind_the_end(child: &Child) {
    let path = child.word(0);
    let segment = Segment::attach(format!("file:{path}").as_str()).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    child.steps(|| {
        file.set_len(0).unwrap();
        let error = segment.write_at(8, &[1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    });
}

#[test]
fn a_signal_that_a_store_causes_reaches_its_handler() {
    let _watchdog = watchdog(MINUTE);
    let folder = TempDir::new();
    let path = folder.join("area");
    let report = kill_points::each("write behind the end", |round| {
        drop(Area::create(&path, 4096));
        round.child(&[path.to_str().unwrap()]);
    });
    println!("{report}");
    assert!(report.steps().iter().any(|step| step.call() == Some("rt_sigreturn")), "{report}");
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handle(_signal: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn install(signal: i32) {
    let handler = handle as extern "C" fn(libc::c_int);
    // SAFETY: the handler adds to a number and does nothing else.
    unsafe { libc::signal(signal, handler as libc::sighandler_t) };
}

/// Signals in the middle: one that it sends itself, and one that stops nobody.
pub(crate) fn raise(child: &Child) {
    let area = Area::open(child.word(0));
    for signal in [libc::SIGUSR1, libc::SIGTRAP, libc::SIGSEGV] {
        install(signal);
    }
    child.steps(|| {
        for (number, signal) in [libc::SIGUSR1, libc::SIGTRAP, libc::SIGSEGV].into_iter().enumerate() {
            area.store(number * 8, 1);
            // SAFETY: the call takes a plain number; the handlers are installed.
            unsafe { libc::raise(signal) };
        }
        area.store(24, HANDLED.load(Ordering::Relaxed).into());
    });
}

#[test]
fn signals_are_delivered_on_the_way() {
    let _watchdog = watchdog(MINUTE);
    let report = with_file("raise", |end, area| {
        if end.is_completed() {
            assert_eq!(area.load(24), 3);
        }
    });
    assert_eq!(report.stores(), 4);
}

/// A wait that only a signal ends.
pub(crate) fn be_interrupted(child: &Child) {
    let area = Area::open(child.word(0));
    install(libc::SIGALRM);
    // SAFETY: of plain numbers, all of which may be 0.
    let mut to_me: libc::sigevent = unsafe { std::mem::zeroed() };
    to_me.sigev_notify = libc::SIGEV_THREAD_ID;
    to_me.sigev_signo = libc::SIGALRM;
    // SAFETY: the call has no arguments and cannot fail.
    to_me.sigev_notify_thread_id = unsafe { libc::gettid() };
    let mut timer = std::ptr::null_mut();
    // SAFETY: both are there through the call.
    let result = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut to_me, &raw mut timer) };
    assert_eq!(result, 0);
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let soon =
        libc::itimerspec { it_interval: zero, it_value: libc::timespec { tv_nsec: 50_000_000, ..zero } };
    child.steps(|| {
        // SAFETY: a timer of ours; the call reads the time, and writes nowhere.
        unsafe { libc::timer_settime(timer, 0, &raw const soon, std::ptr::null_mut()) };
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
        area.store(0, 1);
    });
}

#[test]
fn a_signal_ends_a_wait_in_a_system_call() {
    let _watchdog = watchdog(MINUTE);
    let report = with_file("be interrupted", |_, _| {});
    assert_eq!(report.stores(), 1);
}

/// Kills at every point, with a file of one page that the survivor has mapped.
fn with_file(operation: &str, mut check: impl FnMut(&End, &Area)) -> Report {
    let folder = TempDir::new();
    let path = folder.join("area");
    let report = kill_points::each(operation, |round| {
        let area = Area::create(&path, 4096);
        let end = round.child(&[path.to_str().unwrap()]);
        check(&end, &area);
    });
    println!("{report}");
    report
}
