//! Copying in and out, beside `memcpy` on the same memory.

#![allow(unsafe_code)]

use std::hint::black_box;

use cenote::Segment;

use crate::measure::Table;

/// "At least 0.9 of memcpy's speed", as a ratio of times.
const LIMIT: f64 = 1.0 / 0.9;

pub(crate) fn run(table: &mut Table) {
    let address = format!("posix:/cenote-bench-bytes-{}", std::process::id());
    let segment = Segment::create(address.as_str(), 1 << 20).expect("created");
    Segment::remove(address.as_str()).expect("removed");
    let shared = segment.view(0, segment.len()).expect("the whole").as_ptr();
    for (len, text, limit) in [
        (8, "8 B", None),
        (64, "64 B", None),
        (1024, "1 KiB", None),
        (4096, "4 KiB", Some(LIMIT)),
        (64 << 10, "64 KiB", Some(LIMIT)),
        (1 << 20, "1 MiB", Some(LIMIT)),
    ] {
        let mut private = vec![1_u8; len];
        let target = private.as_mut_ptr();
        table.compare(
            &format!("read_at, {text}"),
            limit,
            // SAFETY: both have `len` bytes, and nobody else uses them here.
            || unsafe { black_box(target).copy_from_nonoverlapping(black_box(shared), black_box(len)) },
            || {
                // SAFETY: the vector's bytes, which nobody uses meanwhile.
                let to = unsafe { std::slice::from_raw_parts_mut(black_box(target), black_box(len)) };
                segment.read_at(black_box(0), to).expect("read");
            },
        );
        let private = vec![2_u8; len];
        table.compare(
            &format!("write_at, {text}"),
            limit,
            // SAFETY: both have `len` bytes, and nobody else uses them here.
            || unsafe {
                black_box(shared).copy_from_nonoverlapping(black_box(private.as_ptr()), black_box(len));
            },
            || segment.write_at(black_box(0), black_box(&private)).expect("written"),
        );
    }
    let mut value = 0_u64;
    table.compare(
        "read_value, u64",
        None,
        // SAFETY: the segment is mapped, aligned, and used by nobody else here.
        || value = value.wrapping_add(unsafe { black_box(shared).cast::<u64>().read_volatile() }),
        || {
            black_box(segment.read_value::<u64>(black_box(0)).expect("read"));
        },
    );
    black_box(value);
}
