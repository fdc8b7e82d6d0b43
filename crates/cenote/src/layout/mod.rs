//! What lies in native segments, byte by byte, and nothing else: copied out, checked, then used.

mod place;
mod segment;
mod value;

pub(crate) use place::*;
pub(crate) use segment::*;
pub(crate) use value::*;
