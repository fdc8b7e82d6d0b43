//! Every length and misalignment arrives whole, and nothing beside it is touched: by the copies in use here, and by the
//! portable ones.

use super::portable;
use super::{across, fill, read, read_words, write, write_words};

const AROUND: u8 = 0xa5;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

fn lengths() -> impl Iterator<Item = usize> {
    let most = if cfg!(miri) { 70 } else { 700 };
    (0..most).chain([4096, 16 * 1024 - 1, 16 * 1024, 70_001].into_iter().filter(|_| !cfg!(miri)))
}

#[test]
fn every_length_and_alignment_arrives_and_nothing_else_changes() {
    for len in lengths() {
        for (skew_from, skew_to) in [(0, 0), (1, 0), (0, 3), (5, 7), (8, 16)] {
            let mut source = pattern(len + skew_from);
            for copy in [read, write, across, portable::read, portable::write, portable::across] {
                let mut target = vec![AROUND; len + skew_to + 40];
                // Shared memory is no borrowed slice: Miri takes offence at words in one.
                let from = source[skew_from..].as_mut_ptr().cast_const();
                let to = target[skew_to..].as_mut_ptr();
                // SAFETY: both have `len` bytes from there on, and both are ours.
                unsafe { copy(from, to, len) };
                assert_eq!(target[skew_to..skew_to + len], source[skew_from..], "len {len}");
                assert!(
                    target[..skew_to].iter().chain(&target[skew_to + len..]).all(|&b| b == AROUND),
                    "len {len}"
                );
            }
        }
    }
}

#[test]
fn fill_sets_just_its_bytes() {
    for len in lengths() {
        for set in [fill, portable::fill] {
            let mut target = vec![AROUND; len + 20];
            // SAFETY: 7 + len bytes are there.
            unsafe { set(target[7..].as_mut_ptr(), 9, len) };
            assert!(target[7..7 + len].iter().all(|&b| b == 9));
            assert!(target[..7].iter().chain(&target[7 + len..]).all(|&b| b == AROUND));
        }
    }
}

/// A caller that keeps vectors in registers across copies, into which these are inlined.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod callers_registers {
    use std::arch::is_x86_feature_detected;
    use std::hint::black_box;

    use super::read;

    const TERMS: [[f64; 4]; 8] = [[1.0, 2.0, 3.0, 4.0]; 8];
    const SUM: [f64; 4] = [1000.0, 2000.0, 3000.0, 4000.0];

    macro_rules! summing {
        ($name:ident, $feature:literal) => {
            #[target_feature(enable = $feature)]
            fn $name<const LEN: usize>(terms: &[[f64; 4]; 8]) -> [f64; 4] {
                let (source, mut target) = ([1_u8; LEN], [0_u8; LEN]);
                let mut sum = [0.0; 4];
                for _ in 0..1000 {
                    // SAFETY: both have LEN bytes.
                    unsafe { read(black_box(source.as_ptr()), target.as_mut_ptr(), LEN) };
                    let term = &terms[usize::from(target[5]) % 8];
                    for i in 0..4 {
                        sum[i] += term[i];
                    }
                }
                sum
            }
        };
    }
    summing!(with_avx2, "avx2");
    summing!(with_avx512, "avx512f");

    /// Optimised builds keep the sums in a vector register, which is what this is about.
    #[test]
    fn a_copy_leaves_its_callers_vectors_alone() {
        let terms = black_box(TERMS);
        macro_rules! check {
            ($sum:ident, $($len:literal),*) => {
                $(
                    // SAFETY: asked for below.
                    let sum = unsafe { $sum::<$len>(&terms) };
                    assert_eq!(sum, SUM, "after copies of {} bytes", $len);
                )*
            };
        }
        if is_x86_feature_detected!("avx2") {
            check!(with_avx2, 7, 24, 40, 64, 128, 200);
        }
        if is_x86_feature_detected!("avx512f") {
            check!(with_avx512, 7, 64, 200);
        }
    }
}

/// What is few is copied by words, and nothing beside it.
#[test]
fn words_are_copied_and_nothing_beside_them() {
    let mut shared = [[7_u64; 8], [8; 8], [9; 8]];
    let base = shared.as_mut_ptr();
    // SAFETY: the second of three.
    let second = unsafe { base.add(1) };
    let mut private = [0_u64; 8];
    // SAFETY: both are whole, aligned and used by nobody else.
    unsafe { read_words(second.cast(), &raw mut private) };
    assert_eq!(private, [8; 8]);
    // SAFETY: likewise.
    unsafe { write_words(&[1_u64, 2, 3, 4, 5, 6, 7, 8], second.cast()) };
    assert_eq!(shared, [[7; 8], [1, 2, 3, 4, 5, 6, 7, 8], [9; 8]]);
}
