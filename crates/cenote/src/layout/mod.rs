//! What lies in native segments, byte by byte, and nothing else: copied out, checked, then used.

mod channel;
mod place;
mod segment;
mod value;

pub use channel::WhenFull;
pub(crate) use channel::*;
pub(crate) use place::*;
pub(crate) use segment::*;
pub(crate) use value::*;
