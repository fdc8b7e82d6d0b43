//! What lies in native segments, byte by byte, and nothing else: copied out, checked, then used.

mod segment;

pub(crate) use segment::*;
