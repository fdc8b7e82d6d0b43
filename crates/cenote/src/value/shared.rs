//! Types that say how they lie in memory.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Content, DESCRIPTION_MOST};

/// A type that two programs can share: it says of itself in a text how it lies in memory.
///
/// The text has the type's name, size and alignment, and its fields with their names, offsets and types, all the way
/// down: see `docs/format/value.md`. It is stored beside a [`Value`](super::Value); a program whose own type says
/// something else is told `Incompatible`, and a program that has no such type, as the `cenote` command, can read the
/// value by it ([`Description`](super::Description)).
///
/// It is derived, for structs with `#[repr(C)]` or `#[repr(transparent)]` and for enums without fields that name their
/// integer, as `#[repr(u8)]` does. Numbers have it, `bool`, `char` and arrays; `usize` and `isize` do not, as they are
/// as wide as the program that has them, nor do references and pointers, which mean nothing to others.
///
/// ```
/// use cenote::Shared;
///
/// #[derive(Shared)]
/// #[repr(C)]
/// struct Pose {
///     x: f32,
///     mode: Mode,
///     spare: [u8; 3],
/// }
///
/// #[derive(Shared)]
/// #[repr(u8)]
/// enum Mode {
///     Off,
///     On,
/// }
///
/// assert_eq!(Pose::description(), "Pose(8,4){x@0:f32,mode@4:Mode(u8){Off=0,On=1},spare@5:[u8;3]}");
/// ```
///
/// ```compile_fail
/// #[derive(cenote::Shared)]
/// #[repr(C)]
/// struct Entry {
///     next: usize, // u64 would do
/// }
/// ```
pub trait Shared {
    /// How the type lies in memory.
    fn description() -> String;
}

macro_rules! scalars {
    ($($scalar:ident)*) => {
        $(impl Shared for $scalar {
            fn description() -> String {
                stringify!($scalar).to_owned()
            }
        })*
    };
}

// Not usize and isize, which are as wide as the program that has them.
scalars! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 bool char }

impl<T: Shared, const N: usize> Shared for [T; N] {
    fn description() -> String {
        format!("[{};{N}]", T::description())
    }
}

/// The text of a struct, from its name, its size and alignment, and of each field its name, offset and
/// [description](Shared::description): for those that write [`Shared`] by hand.
#[must_use]
pub fn describe_struct(name: &str, size: usize, align: usize, fields: &[(&str, usize, String)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, offset, of)| format!("{name}@{offset}:{of}")).collect();
    format!("{name}({size},{align}){{{}}}", fields.join(","))
}

/// The text of an enum without fields, from its name, the integer that it is stored as, and of each variant its name
/// and its number: for those that write [`Shared`] by hand.
#[must_use]
pub fn describe_enum(name: &str, integer: &str, variants: &[(&str, i128)]) -> String {
    let variants: Vec<String> = variants.iter().map(|(name, number)| format!("{name}={number}")).collect();
    format!("{name}({integer}){{{}}}", variants.join(","))
}

/// What a segment has in its header that has a value of the type.
pub(crate) fn content_of<T: Shared>() -> Result<Content> {
    let description = T::description();
    if description.len() > DESCRIPTION_MOST {
        let what = format!(
            "the description of the type has {} bytes, and there is room for {DESCRIPTION_MOST}",
            description.len()
        );
        return Err(Error::new(ErrorKind::InvalidSize, what)
            .with_hint("use a type with fewer fields, with arrays where they are alike, or shorter names"));
    }
    let number = |number: usize| {
        u32::try_from(number).map_err(|_| {
            Error::new(ErrorKind::InvalidSize, format!("a type of {number} bytes is beyond what can be said"))
                .with_hint("use a blob for bytes of that number")
        })
    };
    Ok(Content {
        kind: Content::VALUE,
        fingerprint: fingerprint(&description),
        type_size: number(size_of::<T>())?,
        type_align: number(align_of::<T>())?,
        type_name: name(&description).to_owned(),
        description,
    })
}

/// What two types have in common only if they say the same.
fn fingerprint(description: &str) -> u64 {
    let digest = sha1_smol::Sha1::from(description).digest().bytes();
    u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
}

/// The name that the text begins with; arrays have none, and are called what they are.
fn name(description: &str) -> &str {
    description.split('(').next().filter(|name| !name.starts_with('[')).unwrap_or(description)
}
