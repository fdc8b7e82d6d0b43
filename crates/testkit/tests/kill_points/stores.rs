//! Every kind of store is a step: one by one, repeated, wide, atomic, without effect.
#![allow(unsafe_code)]

use std::arch::asm;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::kill_points::{self, Child, Report, Step};
use testkit::names::TempDir;
use testkit::watchdog;

use crate::MINUTE;
use crate::area::Area;

const TEXT: [u8; 64] = *b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-";

pub(crate) fn copy_by_bytes(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| repeat_bytes(&area, 16, &TEXT));
}

/// Copies by `rep movsb`.
pub(crate) fn repeat_bytes(area: &Area, offset: usize, bytes: &[u8]) {
    let (from, to, len) = (bytes.as_ptr(), area.at(offset), bytes.len());
    assert!(offset + len <= area.len());
    // SAFETY: so many bytes are there to be read, and the area has room for them behind the offset.
    unsafe { asm!("rep movsb", inout("rsi") from => _, inout("rdi") to => _, inout("rcx") len => _) };
}

pub(crate) fn copy_across_pages(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| repeat_bytes(&area, 4096 - 24, &TEXT));
}

pub(crate) fn copy_by_vectors(child: &Child) {
    let area = Area::open(child.word(0));
    let (from, to) = (TEXT.as_ptr(), area.at(0));
    child.steps(|| {
        // SAFETY: only where the processor has AVX, as the test makes sure: 64 bytes from one to the other.
        unsafe {
            asm!(
                "vmovdqu ymm0, [{from}]",
                "vmovdqu [{to}], ymm0",
                "vmovdqu ymm0, [{from} + 32]",
                "vmovdqu [{to} + 32], ymm0",
                "vzeroupper",
                from = in(reg) from, to = in(reg) to, out("ymm0") _,
            );
        }
    });
}

/// One that exchanges, and one that only compares: the processor stores what was there.
pub(crate) fn compare_and_exchange(child: &Child) {
    let area = Area::open(child.word(0));
    let word = area.at(128).cast();
    // SAFETY: aligned, inside the mapping, and touched by atomics alone.
    let word = unsafe { AtomicU64::from_ptr(word) };
    child.steps(|| {
        let _ = word.compare_exchange(0, 7, Ordering::AcqRel, Ordering::Acquire);
        let _ = word.compare_exchange(0, 8, Ordering::AcqRel, Ordering::Acquire);
        word.fetch_add(1, Ordering::AcqRel);
    });
}

pub(crate) fn store_the_same(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| {
        area.store(24, 0);
        area.store(24, 0);
    });
}

pub(crate) fn store_in_private_memory(child: &Child) {
    let area = Area::open(child.word(0));
    child.steps(|| {
        let mut sum = [0_u64; 100];
        for (index, slot) in sum.iter_mut().enumerate() {
            *slot = area.load(0) + index as u64;
        }
        std::hint::black_box(sum);
    });
}

/// Kills at every point, and hands the number of steps done and the area to `check`.
fn each(operation: &str, len: usize, mut check: impl FnMut(usize, &Area)) -> Report {
    let folder = TempDir::new();
    let path = folder.join("area");
    let report = kill_points::each(operation, |round| {
        let area = Area::create(&path, len);
        let end = round.child(&[path.to_str().unwrap()]);
        check(end.point().map_or(usize::MAX, |point| point.number), &area);
    });
    println!("{report}");
    report
}

fn offsets(report: &Report) -> Vec<u64> {
    report.steps().iter().map(|step| step.offset().expect("stores alone")).collect()
}

#[test]
fn each_byte_of_a_repeated_store_is_a_step() {
    let _watchdog = watchdog(MINUTE);
    let report = each("copy by bytes", 4096, |done, area| {
        let done = done.min(64);
        let bytes = &area.bytes()[16..80];
        assert_eq!(bytes[..done], TEXT[..done], "what was stored is there");
        assert!(bytes[done..].iter().all(|&byte| byte == 0), "and nothing else: {bytes:?}");
    });
    assert_eq!(offsets(&report), (16..80).collect::<Vec<_>>());
    assert_eq!((report.stores(), report.calls(), report.killed()), (64, 0, 65));
    let goes_on = |step: &Step| matches!(step, Step::Store(store) if store.goes_on);
    assert!(!goes_on(&report.steps()[0]) && report.steps()[1..].iter().all(goes_on));
}

#[test]
fn a_repeated_store_goes_on_over_the_end_of_a_page() {
    let _watchdog = watchdog(MINUTE);
    let report = each("copy across pages", 8192, |done, area| {
        let stored = area.bytes().iter().filter(|&&byte| byte != 0).count();
        assert_eq!(stored, done.min(64));
    });
    assert_eq!(offsets(&report), (4072..4136).collect::<Vec<_>>());
}

#[test]
fn a_wide_store_is_one_step() {
    let _watchdog = watchdog(MINUTE);
    if !std::arch::is_x86_feature_detected!("avx") {
        return testkit::skipped("this processor has no AVX");
    }
    let report = each("copy by vectors", 4096, |done, area| {
        let stored = area.bytes().iter().filter(|&&byte| byte != 0).count();
        assert_eq!(stored, 32 * done.min(2));
    });
    assert_eq!(offsets(&report), [0, 32]);
}

#[test]
fn an_atomic_is_one_step_whether_it_exchanges_or_not() {
    let _watchdog = watchdog(MINUTE);
    let mut words = Vec::new();
    let report = each("compare and exchange", 4096, |_, area| words.push(area.load(128)));
    assert_eq!(offsets(&report), [128, 128, 128]);
    assert_eq!(words, [0, 7, 7, 8, 8]);
}

#[test]
fn a_store_that_changes_nothing_is_a_step() {
    let _watchdog = watchdog(MINUTE);
    assert_eq!(offsets(&each("store the same", 4096, |_, _| {})), [24, 24]);
}

#[test]
fn private_memory_and_loads_are_no_steps() {
    let _watchdog = watchdog(MINUTE);
    let report = each("store in private memory", 4096, |_, _| {});
    assert_eq!((report.steps().len(), report.killed()), (0, 1), "{report}");
}
