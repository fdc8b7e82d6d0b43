//! Pictures as Qt puts them in shared memory: a `QImage` written to a `QDataStream`.
//!
//! The form is a big-endian `int32`, 0 for a null image and 1 for any other, and after a 1 a whole PNG
//! stream. It says nothing of its length, and the segment is often longer: what follows the PNG's end is
//! ignored. Versions of Qt pack the same pixels differently, so compare pixels and not bytes.
//!
//! What lies in a segment is not trusted: it is decoded with limits on the sides (32768 pixels) and the
//! memory (512 MiB), and nothing of it that could not become pixels is looked at.

mod file;
mod header;
mod png;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Cursor};

use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};

use crate::{Error, ErrorKind, Result};
pub use file::{open, save};
pub use header::{Color, Header};

/// The most pixels in a row and in a column.
const SIDE_MAX: u32 = 32_768;
/// The most bytes that decoding may take.
const MEMORY_MAX: u64 = 512 << 20;
const NULL: u32 = 0;
const IMAGE: u32 = 1;

/// The picture that `bytes` begin with, or `None` of a null image, such as zeroed memory.
///
/// What is cut off or damaged is [`Corrupt`](ErrorKind::Corrupt), what is too large to be read safely is
/// [`InvalidSize`](ErrorKind::InvalidSize).
///
/// ```
/// use cenote::qt::image_form;
///
/// let picture = image::DynamicImage::new_rgb8(320, 200);
/// let mut segment = image_form::encode(&picture)?;
/// segment.resize(65_536, 0);
/// assert_eq!(image_form::decode(&segment)?, Some(picture));
/// assert_eq!(image_form::decode(&[0; 4096])?, None);
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Option<DynamicImage>> {
    let Some(stream) = after_marker(bytes)? else {
        return Ok(None);
    };
    let header = Header::read(stream)?;
    check_sides(header.width, header.height)?;
    let stream = png::essence(stream)?;
    // So that a few bytes do not make us reserve what only many could fill.
    if header.packed_size() > png::unpacked_max(stream.len()) {
        return Err(corrupt(format!("the picture is cut off: what is there cannot hold {header}")));
    }
    let mut reader = ImageReader::with_format(Cursor::new(stream), ImageFormat::Png);
    reader.limits(limits());
    reader.decode().map(Some).map_err(|error| decoding_error(error).because("the picture cannot be decoded"))
}

/// The bytes that Qt would write for `picture`, or others that it reads as the same pixels.
///
/// PNG has no floating-point colours: such a picture is converted to 16 bits.
///
/// ```
/// let bytes = cenote::qt::image_form::encode(&image::DynamicImage::new_luma8(8, 8))?;
/// assert_eq!(bytes[..8], *b"\0\0\0\x01\x89PNG");
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn encode(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = IMAGE.to_be_bytes().to_vec();
    write_png(picture, &mut bytes)?;
    Ok(bytes)
}

/// What `bytes` say of the picture that they begin with, or `None` of a null image.
///
/// The first 33 bytes are enough, and whether the rest can be decoded is left open.
///
/// ```
/// use cenote::qt::image_form::{self, Color};
///
/// let bytes = image_form::encode(&image::DynamicImage::new_rgb8(320, 200))?;
/// let header = image_form::header(&bytes[..33])?.expect("an image");
/// assert_eq!((header.width, header.height, header.color), (320, 200, Color::Rgb));
/// assert_eq!(header.to_string(), "320 x 200 pixels, 8-bit RGB");
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn header(bytes: &[u8]) -> Result<Option<Header>> {
    after_marker(bytes)?.map(Header::read).transpose()
}

/// What follows the marker of an image; nothing does of a null image.
fn after_marker(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let (marker, rest) = bytes.split_first_chunk().ok_or_else(|| corrupt("there is no room for a QImage"))?;
    match u32::from_be_bytes(*marker) {
        NULL => Ok(None),
        IMAGE => Ok(Some(rest)),
        other => Err(corrupt(format!("a QImage begins with 0 or 1, and here is {other:#010x}"))
            .with_hint("this is something else: `cenote read ADDRESS --as hex` shows it")),
    }
}

fn write_png(picture: &DynamicImage, bytes: &mut Vec<u8>) -> Result<()> {
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Error::new(ErrorKind::InvalidSize, "the picture has no pixels")
            .with_hint("choose a picture that has some"));
    }
    check_sides(picture.width(), picture.height())?;
    let picture = match picture {
        DynamicImage::ImageRgb32F(_) => Cow::Owned(DynamicImage::ImageRgb16(picture.to_rgb16())),
        DynamicImage::ImageRgba32F(_) => Cow::Owned(DynamicImage::ImageRgba16(picture.to_rgba16())),
        _ => Cow::Borrowed(picture),
    };
    picture.write_with_encoder(PngEncoder::new(bytes)).map_err(|error| encoding_error(&error))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    limits
}

fn check_sides(width: u32, height: u32) -> Result<()> {
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(too_large(format!("a picture of {width} x {height} pixels is too large")));
    }
    Ok(())
}

fn too_large(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSize, what).with_hint(format!(
        "{SIDE_MAX} x {SIDE_MAX} pixels and {} MiB of memory are the most there can be",
        MEMORY_MAX >> 20
    ))
}

fn corrupt(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, what)
        .with_hint("if its writer was not done, read again under the lock; otherwise write it anew")
}

fn decoding_error(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => too_large(error.to_string()),
        ImageError::Unsupported(_) => Error::new(ErrorKind::Unsupported, error.to_string()),
        ImageError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Error::os("read", error)
        }
        _ => corrupt(error.to_string()),
    }
}

fn encoding_error(error: &ImageError) -> Error {
    let kind = match error {
        ImageError::Parameter(_) | ImageError::Limits(_) => ErrorKind::InvalidSize,
        ImageError::Unsupported(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Unknown,
    };
    Error::new(kind, format!("the picture cannot be encoded ({error})"))
}
