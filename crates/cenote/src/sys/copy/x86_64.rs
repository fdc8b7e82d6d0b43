//! Copying by instructions of our own, as fast as `memcpy`.
//!
//! Inline assembly is opaque to the compiler, so bytes that change meanwhile are no undefined behaviour, only bytes.

use std::arch::asm;
use std::arch::is_x86_feature_detected;

/// From here on the processor's own string copy is faster than a loop, if it says that it has a fast one.
const STRING_COPY_FROM: usize = 16 * 1024;

/// Copies `len` bytes out of shared memory.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs; nobody else uses those at `to`.
#[inline]
pub(crate) unsafe fn read(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { across(from, to, len) }
}

/// Copies `len` bytes into shared memory.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs; nobody changes those at `from`.
#[inline]
pub(crate) unsafe fn write(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { across(from, to, len) }
}

/// Copies `len` bytes from shared memory to shared memory. Where the two overlap, what arrives is unspecified.
///
/// # Safety
/// `from` is valid for reads and `to` for writes of `len` bytes while this runs.
#[inline]
pub(crate) unsafe fn across(from: *const u8, to: *mut u8, len: usize) {
    match len {
        0 => {}
        // SAFETY: 1 to 16 bytes, which the caller vouches for.
        1..=16 => unsafe { short(from, to, len) },
        // SAFETY: 17 to 32 bytes, which the caller vouches for.
        17..=32 => unsafe { two_halves(from, to, len) },
        // SAFETY: the caller's promise.
        _ if len >= STRING_COPY_FROM && is_x86_feature_detected!("ermsb") => unsafe { string(from, to, len) },
        // SAFETY: the caller's promise, with more than 128 bytes and AVX-512.
        _ if len > 128 && is_x86_feature_detected!("avx512f") => unsafe { widest(from, to, len) },
        // SAFETY: the caller's promise, with more than 32 bytes and AVX.
        _ if is_x86_feature_detected!("avx") => unsafe { wide(from, to, len) },
        // SAFETY: the caller's promise.
        _ => unsafe { string(from, to, len) },
    }
}

/// Sets `len` bytes of shared memory to `byte`.
///
/// # Safety
/// `to` is valid for writes of `len` bytes while this runs.
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, len: usize) {
    // SAFETY: writes `len` bytes from `to` on; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte,
            options(nostack, preserves_flags));
    }
}

/// Has the line at an address fetched, which need not be there.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: it changes nothing that can be seen, and is nothing at all where nothing is mapped.
    unsafe {
        asm!("prefetcht0 [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
}

/// One move of `$bytes` bytes at the beginning and one that ends at the end; they overlap, or are the same.
macro_rules! ends {
    ($from:expr, $to:expr, $len:expr, $bytes:literal, $first:literal, $last:literal) => {
        asm!(
            concat!("mov {a", $first, "}, [{from}]"),
            concat!("mov {b", $last, "}, [{from} + {len} - ", $bytes, "]"),
            concat!("mov [{to}], {a", $first, "}"),
            concat!("mov [{to} + {len} - ", $bytes, "], {b", $last, "}"),
            from = in(reg) $from, to = in(reg) $to, len = in(reg) $len, a = out(reg) _, b = out(reg) _,
            options(nostack, preserves_flags)
        )
    };
}

/// 1 to 16 bytes. Powers of two up to 8 are one access.
///
/// # Safety
/// As `across`, with `len` from 1 to 16.
#[inline]
unsafe fn short(from: *const u8, to: *mut u8, len: usize) {
    /// A single move through a register.
    macro_rules! one {
        ($width:literal) => {
            asm!(
                concat!("mov {a", $width, "}, [{from}]"),
                concat!("mov [{to}], {a", $width, "}"),
                from = in(reg) from, to = in(reg) to, a = out(reg) _,
                options(nostack, preserves_flags)
            )
        };
    }
    match len {
        // SAFETY: just the `len` bytes that the caller vouches for.
        8 => unsafe { one!(":r") },
        // SAFETY: just the `len` bytes that the caller vouches for.
        4 => unsafe { one!(":e") },
        // SAFETY: just the `len` bytes that the caller vouches for.
        2 => unsafe { one!(":x") },
        // SAFETY: just the `len` bytes that the caller vouches for.
        1 => unsafe {
            asm!("mov {a}, [{from}]", "mov [{to}], {a}", from = in(reg) from, to = in(reg) to, a = out(reg_byte) _,
                options(nostack, preserves_flags));
        },
        // SAFETY: both moves lie within the `len` bytes that the caller vouches for.
        3 => unsafe { ends!(from, to, len, "2", ":x", ":x") },
        // SAFETY: both moves lie within the `len` bytes that the caller vouches for.
        5..=7 => unsafe { ends!(from, to, len, "4", ":e", ":e") },
        // SAFETY: both moves lie within the `len` bytes that the caller vouches for.
        _ => unsafe { ends!(from, to, len, "8", ":r", ":r") },
    }
}

/// 17 to 32 bytes, by two moves of 16.
///
/// # Safety
/// As `across`, with `len` from 17 to 32.
#[inline]
unsafe fn two_halves(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: reads and writes within the `len` bytes that the caller vouches for.
    unsafe {
        asm!(
            "movdqu {a}, [{from}]",
            "movdqu {b}, [{from} + {len} - 16]",
            "movdqu [{to}], {a}",
            "movdqu [{to} + {len} - 16], {b}",
            from = in(reg) from, to = in(reg) to, len = in(reg) len, a = out(xmm_reg) _, b = out(xmm_reg) _,
            options(nostack, preserves_flags)
        );
    }
}

/// The processor's own copy.
///
/// # Safety
/// As `across`.
#[inline]
unsafe fn string(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: moves `len` bytes; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags));
    }
}

/// More than 32 bytes, by moves of 32; the last of them ends at the end and overlaps the one before.
///
/// # Safety
/// As `across`, with `len` above 32, on a processor with AVX.
#[inline]
#[target_feature(enable = "avx")]
unsafe fn wide(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the loops stop before the last 32 bytes and the last move starts 32 bytes before the end: all within
    // the `len` bytes that the caller vouches for.
    unsafe {
        asm!(
            "lea {end}, [{to} + {left} - 32]",
            "vmovdqu ymm4, [{from} + {left} - 32]",
            "cmp {left}, 128",
            "jbe 3f",
            "2:",
            "vmovdqu ymm0, [{from}]",
            "vmovdqu ymm1, [{from} + 32]",
            "vmovdqu ymm2, [{from} + 64]",
            "vmovdqu ymm3, [{from} + 96]",
            "vmovdqu [{to}], ymm0",
            "vmovdqu [{to} + 32], ymm1",
            "vmovdqu [{to} + 64], ymm2",
            "vmovdqu [{to} + 96], ymm3",
            "sub {from}, -128",
            "sub {to}, -128",
            "add {left}, -128",
            "cmp {left}, 128",
            "ja 2b",
            "3:",
            "cmp {left}, 32",
            "jbe 5f",
            "4:",
            "vmovdqu ymm0, [{from}]",
            "vmovdqu [{to}], ymm0",
            "add {from}, 32",
            "add {to}, 32",
            "sub {left}, 32",
            "cmp {left}, 32",
            "ja 4b",
            "5:",
            "vmovdqu [{end}], ymm4",
            "vzeroupper",
            from = inout(reg) from => _, to = inout(reg) to => _, left = inout(reg) len => _, end = out(reg) _,
            // `vzeroupper` clears the upper halves of all sixteen, and so of what the caller may keep there.
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _, out("ymm4") _, out("ymm5") _,
            out("ymm6") _, out("ymm7") _, out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack)
        );
    }
}

/// More than 64 bytes, by moves of 64, in registers that need no `vzeroupper`.
///
/// # Safety
/// As `across`, with `len` above 64, on a processor with AVX-512.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn widest(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: as in `wide`, with 64 for 32.
    unsafe {
        asm!(
            "lea {end}, [{to} + {left} - 64]",
            "vmovdqu64 zmm20, [{from} + {left} - 64]",
            "cmp {left}, 256",
            "jbe 3f",
            "2:",
            "vmovdqu64 zmm16, [{from}]",
            "vmovdqu64 zmm17, [{from} + 64]",
            "vmovdqu64 zmm18, [{from} + 128]",
            "vmovdqu64 zmm19, [{from} + 192]",
            "vmovdqu64 [{to}], zmm16",
            "vmovdqu64 [{to} + 64], zmm17",
            "vmovdqu64 [{to} + 128], zmm18",
            "vmovdqu64 [{to} + 192], zmm19",
            "add {from}, 256",
            "add {to}, 256",
            "sub {left}, 256",
            "cmp {left}, 256",
            "ja 2b",
            "3:",
            "cmp {left}, 64",
            "jbe 5f",
            "4:",
            "vmovdqu64 zmm16, [{from}]",
            "vmovdqu64 [{to}], zmm16",
            "add {from}, 64",
            "add {to}, 64",
            "sub {left}, 64",
            "cmp {left}, 64",
            "ja 4b",
            "5:",
            "vmovdqu64 [{end}], zmm20",
            from = inout(reg) from => _, to = inout(reg) to => _, left = inout(reg) len => _, end = out(reg) _,
            out("zmm16") _, out("zmm17") _, out("zmm18") _, out("zmm19") _, out("zmm20") _,
            options(nostack)
        );
    }
}
