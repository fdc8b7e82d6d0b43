//! Values: what is stored in a native segment as a whole, and loaded as a whole, whoever dies.

mod description;
mod shared;

pub use description::{Decoded, Description, Field};
pub use shared::{Shared, describe_enum, describe_struct};
