//! What a program must know to meet Qt in shared memory: key mapping and the QImage form, as pure code.

#[cfg(feature = "image")]
pub mod image_form;
mod key;
mod native_key;
mod percent;

pub(crate) use key::{PROJECT, key_guess, segment_name_beside, semaphore_name_beside};
pub use key::{legacy_segment_name, legacy_semaphore_name};
pub use native_key::{KeyType, NativeKey};
