//! Pictures from and to files.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, ImageReader};

use super::{decoding_error, encoding_error, limits, write_png};
use crate::{Error, ErrorKind, Result};

const FORMATS: &str = "PNG, JPEG";

/// Reads a picture from a file, whose content says which format it has.
///
/// ```
/// # let directory = testkit::names::TempDir::new();
/// # let path = directory.path().join("picture.png");
/// use cenote::qt::image_form;
///
/// let picture = image::DynamicImage::new_rgba8(4, 4);
/// image_form::save(&picture, &path)?;
/// assert_eq!(image_form::open(&path)?, picture);
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn open(path: impl AsRef<Path>) -> Result<DynamicImage> {
    let path = path.as_ref();
    let failed =
        |call, error| file_error(call, error).because(format_args!("cannot read {}", path.display()));
    let file = File::open(path).map_err(|error| failed("open", error))?;
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(|error| failed("read", error))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(unsupported(&format!("{} holds no picture in a format known here", path.display())));
    }
    reader.limits(limits());
    reader.decode().map_err(|error| {
        decoding_error(error)
            .with_hint("see whether another program can open the file, and save it anew from there")
            .because(format_args!("cannot read the picture {}", path.display()))
    })
}

/// Writes a picture to a file, in the format that the name's extension says.
///
/// JPEG has neither transparency nor more than 8 bits: for it, a picture loses both.
///
/// ```
/// # let directory = testkit::names::TempDir::new();
/// # let path = directory.path().join("picture.jpg");
/// use cenote::qt::image_form;
///
/// image_form::save(&image::DynamicImage::new_rgba8(4, 4), &path)?;
/// assert_eq!(image_form::open(&path)?.color(), image::ColorType::Rgb8);
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn save(picture: &DynamicImage, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    match ImageFormat::from_path(path) {
        Ok(ImageFormat::Png) => write_png(picture, &mut bytes)?,
        Ok(ImageFormat::Jpeg) => write_jpeg(picture, &mut bytes)?,
        _ => {
            return Err(unsupported(&format!("the name {} ends in no format known here", path.display())));
        }
    }
    // Only now, so that a picture which cannot be encoded leaves no half-written file.
    fs::write(path, bytes)
        .map_err(|error| file_error("write", error).because(format_args!("cannot write {}", path.display())))
}

fn write_jpeg(picture: &DynamicImage, bytes: &mut Vec<u8>) -> Result<()> {
    let picture = if picture.color().has_color() {
        DynamicImage::ImageRgb8(picture.to_rgb8())
    } else {
        DynamicImage::ImageLuma8(picture.to_luma8())
    };
    picture.write_with_encoder(JpegEncoder::new(bytes)).map_err(|error| encoding_error(&error))
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what}; there are {FORMATS}"))
        .with_hint(format!("convert the picture to one of {FORMATS} with another program"))
}

/// The hints that errors of the system usually have are about segments.
fn file_error(call: &str, error: io::Error) -> Error {
    Error::os(call, error).with_hint("check the path, its permissions, and for writing the space there")
}
