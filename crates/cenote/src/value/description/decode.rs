//! Bytes, in words: as JSON, and as lines for people. Nothing is kept of what is written: a value may be large.

use std::fmt::{self, Write};

use super::{Part, Scalar, Type};

/// The bytes of a value with what they mean, to be printed: as JSON in one line, or with `{:#}` a line for each field.
///
/// What cannot be, a bool that is 7 or an enum that has no such variant, is its number. In JSON, what is no number is
/// `null`.
#[derive(Clone, Copy, Debug)]
pub struct Decoded<'a> {
    pub(super) of: &'a Type,
    /// As many as the type has.
    pub(super) bytes: &'a [u8],
}

impl fmt::Display for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { self.lines(f, &mut String::new()) } else { self.text(f, Style::Json) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Json,
    /// For people: strings without quotes, and no nulls.
    Plain,
}

impl<'a> Decoded<'a> {
    /// In one line.
    fn text(self, f: &mut fmt::Formatter<'_>, style: Style) -> fmt::Result {
        match self.of {
            Type::Scalar(scalar) => self.scalar(f, *scalar, style),
            Type::Enum { scalar, variants, .. } => {
                let number = integer(*scalar, self.bytes);
                match variants.iter().find(|(_, of)| Some(*of) == number) {
                    Some((name, _)) if style == Style::Json => write!(f, "\"{name}\""),
                    Some((name, _)) => f.write_str(name),
                    None => self.scalar(f, *scalar, style),
                }
            }
            Type::Array { .. } => {
                f.write_char('[')?;
                for (index, element) in self.elements().enumerate() {
                    match (index, style) {
                        (0, _) => {}
                        (_, Style::Json) => f.write_char(',')?,
                        (_, Style::Plain) => f.write_str(", ")?,
                    }
                    element.text(f, style)?;
                }
                f.write_char(']')
            }
            Type::Struct { fields, .. } => {
                f.write_char('{')?;
                for (index, part) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}\"{}\":", part.name)?;
                    self.part(part).text(f, style)?;
                }
                f.write_char('}')
            }
        }
    }

    /// A line for each that has no parts of its own, with the way to it.
    fn lines(self, f: &mut fmt::Formatter<'_>, way: &mut String) -> fmt::Result {
        let here = way.len();
        match self.of {
            Type::Struct { fields, .. } => {
                for part in fields {
                    if here > 0 {
                        way.push('.');
                    }
                    way.push_str(&part.name);
                    self.part(part).lines(f, way)?;
                    way.truncate(here);
                }
                Ok(())
            }
            Type::Array { of, .. } if has_fields(of) => {
                for (index, element) in self.elements().enumerate() {
                    write!(way, "[{index}]")?;
                    element.lines(f, way)?;
                    way.truncate(here);
                }
                Ok(())
            }
            _ => {
                if !way.is_empty() {
                    write!(f, "{way}: ")?;
                }
                self.text(f, Style::Plain)?;
                f.write_char('\n')
            }
        }
    }

    fn part(self, part: &'a Part) -> Self {
        Self { of: &part.of, bytes: &self.bytes[part.offset..][..part.of.size()] }
    }

    /// Of an array. What has no bytes has no elements: somebody may have written that there are billions.
    fn elements(self) -> impl Iterator<Item = Self> {
        let of = match self.of {
            Type::Array { of, .. } => of,
            other => other,
        };
        self.bytes.chunks_exact(of.size().max(1)).map(move |bytes| Self { of, bytes })
    }

    fn scalar(self, f: &mut fmt::Formatter<'_>, scalar: Scalar, style: Style) -> fmt::Result {
        let bytes = self.bytes;
        let float = |f: &mut fmt::Formatter<'_>, is_number: bool, value: &dyn fmt::Debug| {
            if is_number || style == Style::Plain { value.fmt(f) } else { f.write_str("null") }
        };
        match scalar {
            Scalar::F32 => {
                let value = f32::from_ne_bytes(exactly(bytes));
                float(f, value.is_finite(), &value)
            }
            Scalar::F64 => {
                let value = f64::from_ne_bytes(exactly(bytes));
                float(f, value.is_finite(), &value)
            }
            Scalar::Bool => match bytes {
                [0] => f.write_str("false"),
                [1] => f.write_str("true"),
                _ => write!(f, "{}", u8::from_ne_bytes(exactly(bytes))),
            },
            Scalar::Char => match char::from_u32(u32::from_ne_bytes(exactly(bytes))) {
                Some(letter) if style == Style::Json => json_letter(f, letter),
                Some(letter) => write!(f, "{letter:?}"),
                None => write!(f, "{}", u32::from_ne_bytes(exactly(bytes))),
            },
            Scalar::U128 => write!(f, "{}", u128::from_ne_bytes(exactly(bytes))),
            _ => write!(f, "{}", integer(scalar, bytes).unwrap_or_default()),
        }
    }
}

fn has_fields(of: &Type) -> bool {
    match of {
        Type::Struct { .. } => true,
        Type::Array { of, .. } => has_fields(of),
        Type::Scalar(_) | Type::Enum { .. } => false,
    }
}

/// In quotes, and nothing in it that ends them or is no text.
fn json_letter(f: &mut fmt::Formatter<'_>, letter: char) -> fmt::Result {
    match letter {
        '"' | '\\' => write!(f, "\"\\{letter}\""),
        letter if letter.is_control() => write!(f, "\"\\u{:04x}\"", u32::from(letter)),
        letter => write!(f, "\"{letter}\""),
    }
}

/// The number in the bytes, if it is one that fits.
fn integer(scalar: Scalar, bytes: &[u8]) -> Option<i128> {
    Some(match scalar {
        Scalar::U8 => u8::from_ne_bytes(exactly(bytes)).into(),
        Scalar::U16 => u16::from_ne_bytes(exactly(bytes)).into(),
        Scalar::U32 => u32::from_ne_bytes(exactly(bytes)).into(),
        Scalar::U64 => u64::from_ne_bytes(exactly(bytes)).into(),
        Scalar::I8 => i8::from_ne_bytes(exactly(bytes)).into(),
        Scalar::I16 => i16::from_ne_bytes(exactly(bytes)).into(),
        Scalar::I32 => i32::from_ne_bytes(exactly(bytes)).into(),
        Scalar::I64 => i64::from_ne_bytes(exactly(bytes)).into(),
        Scalar::I128 => i128::from_ne_bytes(exactly(bytes)),
        Scalar::U128 => u128::from_ne_bytes(exactly(bytes)).try_into().ok()?,
        Scalar::F32 | Scalar::F64 | Scalar::Bool | Scalar::Char => return None,
    })
}

/// A scalar's bytes, which are as many as it has.
fn exactly<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default())
}
