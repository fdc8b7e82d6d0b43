//! How a type lies in memory, read from its text: for programs that lack the type.

mod decode;
mod parse;

use std::fmt;

pub use decode::Decoded;

use crate::error::{Error, ErrorKind, Result};

/// How a type lies in memory, from the text that a value has beside it: `docs/format/value.md` has its grammar.
///
/// ```
/// use cenote::value::Description;
///
/// let pose = Description::parse("Pose(8,4){x@0:f32,mode@4:Mode(u8){Off=0,On=1},spare@5:[u8;3]}")?;
/// assert_eq!((pose.name().as_str(), pose.size()), ("Pose", 8));
/// let bytes = [1.5_f32.to_ne_bytes(), [1, 0, 0, 0]].concat();
/// assert_eq!(pose.decode(&bytes)?.to_string(), r#"{"x":1.5,"mode":"On","spare":[0,0,0]}"#);
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    root: Type,
}

/// A part of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its name, or its number.
    pub name: String,
    /// Where it is, in bytes from the beginning.
    pub offset: usize,
    /// Its type, as the text has it.
    pub of: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    Scalar(Scalar),
    Array { of: Box<Type>, count: usize, size: usize },
    Struct { name: String, size: usize, align: usize, fields: Vec<Part> },
    Enum { name: String, scalar: Scalar, variants: Vec<(String, i128)> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    offset: usize,
    of: Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Bool,
    Char,
}

impl Scalar {
    const ALL: [(Self, &'static str, usize); 14] = [
        (Self::U8, "u8", 1),
        (Self::U16, "u16", 2),
        (Self::U32, "u32", 4),
        (Self::U64, "u64", 8),
        (Self::U128, "u128", 16),
        (Self::I8, "i8", 1),
        (Self::I16, "i16", 2),
        (Self::I32, "i32", 4),
        (Self::I64, "i64", 8),
        (Self::I128, "i128", 16),
        (Self::F32, "f32", 4),
        (Self::F64, "f64", 8),
        (Self::Bool, "bool", 1),
        (Self::Char, "char", 4),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(scalar, ..)| *scalar)
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn size(self) -> usize {
        Self::ALL[self as usize].2
    }

    /// Whether an enum can be stored as it.
    fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Bool | Self::Char)
    }
}

impl Type {
    fn size(&self) -> usize {
        match self {
            Self::Scalar(scalar) | Self::Enum { scalar, .. } => scalar.size(),
            Self::Array { size, .. } | Self::Struct { size, .. } => *size,
        }
    }
}

impl Description {
    /// Reads the text, which may be anything at all.
    ///
    /// # Errors
    /// `Corrupt`, with the place where it stops being one.
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text).map(|root| Self { root })
    }

    /// The name of the type; an array is called what it is.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.root {
            Type::Struct { name, .. } | Type::Enum { name, .. } => name.clone(),
            other => other.to_string(),
        }
    }

    /// How many bytes a value has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.root.size()
    }

    /// The fields of a struct; nothing else has any.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let Type::Struct { fields, .. } = &self.root else { return Vec::new() };
        let field =
            |part: &Part| Field { name: part.name.clone(), offset: part.offset, of: part.of.to_string() };
        fields.iter().map(field).collect()
    }

    /// Says what the bytes of a value mean, whatever they are.
    ///
    /// # Errors
    /// `InvalidSize` if they are not as many as a value has.
    pub fn decode<'a>(&'a self, bytes: &'a [u8]) -> Result<Decoded<'a>> {
        if bytes.len() == self.size() {
            return Ok(Decoded { of: &self.root, bytes });
        }
        let what = format!("a {} has {} bytes, and these are {}", self.name(), self.size(), bytes.len());
        Err(Error::new(ErrorKind::InvalidSize, what).with_hint("give just the bytes of the value"))
    }
}

/// The text.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => f.write_str(scalar.name()),
            Self::Array { of, count, .. } => write!(f, "[{of};{count}]"),
            Self::Struct { name, size, align, fields } => {
                write!(f, "{name}({size},{align}){{")?;
                for (index, Part { name, offset, of }) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}@{offset}:{of}")?;
                }
                f.write_str("}")
            }
            Self::Enum { name, scalar, variants } => {
                write!(f, "{name}({}){{", scalar.name())?;
                for (index, (name, number)) in variants.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={number}")?;
                }
                f.write_str("}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
