//! The first chunk of a PNG stream, `IHDR`: size and colours.

use std::fmt;

use super::{corrupt, png};
use crate::Result;

/// How the colours of a picture are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Color {
    /// Shades of grey.
    Gray,
    /// Red, green and blue.
    Rgb,
    /// Numbers in a table of colours.
    Indexed,
    /// Shades of grey, with transparency.
    GrayAlpha,
    /// Red, green and blue, with transparency.
    Rgba,
}

impl Color {
    /// The colour type's number in PNG, and the bits per channel that may go with it.
    fn of_png(number: u8, bits: u8) -> Option<Self> {
        match (number, bits) {
            (0, 1 | 2 | 4 | 8 | 16) => Some(Self::Gray),
            (2, 8 | 16) => Some(Self::Rgb),
            (3, 1 | 2 | 4 | 8) => Some(Self::Indexed),
            (4, 8 | 16) => Some(Self::GrayAlpha),
            (6, 8 | 16) => Some(Self::Rgba),
            _ => None,
        }
    }

    fn channels(self) -> u64 {
        match self {
            Self::Gray | Self::Indexed => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gray => "gray",
            Self::Rgb => "RGB",
            Self::Indexed => "indexed",
            Self::GrayAlpha => "gray with alpha",
            Self::Rgba => "RGBA",
        })
    }
}

/// What a picture says of itself before its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Header {
    /// Pixels in a row; never 0.
    pub width: u32,
    /// Rows; never 0.
    pub height: u32,
    /// Bits of each channel of a pixel.
    pub bits: u8,
    /// How the colours are stored.
    pub color: Color,
}

impl Header {
    /// The header of a PNG stream. Its checksum is left to the decoder, so a prefix of the stream will do.
    pub(super) fn read(stream: &[u8]) -> Result<Self> {
        let chunk = stream
            .strip_prefix(&png::SIGNATURE)
            .and_then(|chunks| chunks.strip_prefix(b"\0\0\0\x0dIHDR"))
            .ok_or_else(|| corrupt("no PNG stream follows the marker of a QImage"))?;
        let Some(&[w0, w1, w2, w3, h0, h1, h2, h3, bits, color, compression, filter, interlace]) =
            chunk.first_chunk()
        else {
            return Err(corrupt("the PNG stream is cut off in its header"));
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        if width == 0 || height == 0 {
            return Err(corrupt(format!("the PNG stream says {width} x {height} pixels")));
        }
        match (Color::of_png(color, bits), compression, filter, interlace) {
            (Some(color), 0, 0, 0 | 1) => Ok(Self { width, height, bits, color }),
            _ => Err(corrupt("the header of the PNG stream has values that PNG does not know")),
        }
    }

    /// Bytes of the rows as PNG packs them, before compression; a little more if they are interlaced.
    pub(super) fn packed_size(&self) -> u64 {
        let bits = u64::from(self.width) * self.color.channels() * u64::from(self.bits);
        // The one more says how the row is filtered.
        (bits.div_ceil(8) + 1).saturating_mul(u64::from(self.height))
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, bits, color } = self;
        write!(f, "{width} x {height} pixels, {bits}-bit {color}")
    }
}
