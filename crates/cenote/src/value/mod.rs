//! Values: what is stored in a native segment as a whole, and loaded as a whole, whoever dies.
//!
//! [`Value`] has one of a type, [`Blob`] bytes of any number up to its capacity. Both are two copies and a
//! version, which says which of the two holds: a store writes the other one and then publishes it in one step. So a
//! load never waits, not for a lock and not for a process that was killed or stopped in the middle of a store; and what
//! it gives was stored in one piece. `docs/format/value.md` says it byte by byte.

mod blob;
mod checked;
mod content;
mod description;
mod pair;
mod peek;
mod shared;
mod typed;
mod versions;

pub use blob::{Blob, BlobWriter};
pub(crate) use checked::Copied;
pub use content::{AnyValue, Content};
pub use description::{Decoded, Description, Field};
pub(crate) use shared::content_of;
pub use shared::{Shared, describe_enum, describe_struct};
pub use typed::{Value, ValueWriter};
