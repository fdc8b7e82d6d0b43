//! That pixels survive the form, that Qt's own bytes are understood, and that no bytes at all do harm.

use std::fs;

use image::{ColorType, DynamicImage};

use super::*;

/// The first bytes of a segment that a Qt program made, as far as they were noted; up to the colour type.
const QT_SEGMENT: [u8; 30] = *b"\0\0\0\x01\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x40\0\0\0\xc8\x08\x02";
/// Where things are in what `encode` makes: marker, signature, and the chunk of the header.
const WIDTH: usize = 20;
const INTERLACE: usize = 32;
const AFTER_HEADER: usize = 37;

const COLORS: [ColorType; 8] = [
    ColorType::L8,
    ColorType::La8,
    ColorType::Rgb8,
    ColorType::Rgba8,
    ColorType::L16,
    ColorType::La16,
    ColorType::Rgb16,
    ColorType::Rgba16,
];

/// A picture whose pixels all differ somewhere, also in their transparency.
fn picture(color: ColorType, width: u32, height: u32) -> DynamicImage {
    let mut picture = DynamicImage::new(width, height, color);
    let pixels = image::Rgba32FImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        image::Rgba([x, y, (x + y) / 2.0, 1.0 - x * y])
    });
    let pixels = DynamicImage::ImageRgba32F(pixels);
    match &mut picture {
        DynamicImage::ImageLuma8(p) => *p = pixels.to_luma8(),
        DynamicImage::ImageLumaA8(p) => *p = pixels.to_luma_alpha8(),
        DynamicImage::ImageRgb8(p) => *p = pixels.to_rgb8(),
        DynamicImage::ImageRgba8(p) => *p = pixels.to_rgba8(),
        DynamicImage::ImageLuma16(p) => *p = pixels.to_luma16(),
        DynamicImage::ImageLumaA16(p) => *p = pixels.to_luma_alpha16(),
        DynamicImage::ImageRgb16(p) => *p = pixels.to_rgb16(),
        DynamicImage::ImageRgba16(p) => *p = pixels.to_rgba16(),
        DynamicImage::ImageRgb32F(p) => *p = pixels.to_rgb32f(),
        _ => picture = pixels,
    }
    picture
}

fn encoded() -> Vec<u8> {
    encode(&picture(ColorType::Rgb8, 17, 9)).unwrap()
}

/// A PNG checksum.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    });
    (!crc).to_be_bytes()
}

/// Makes the checksums right again, as far as there are chunks.
fn mend_checksums(bytes: &mut [u8]) {
    let mut at = 12;
    while let Some(&length) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let end = at + 8 + u32::from_be_bytes(length) as usize;
        let Some(chunk) = bytes.get(at + 4..end) else { return };
        let sum = crc(chunk);
        let Some(place) = bytes.get_mut(end..end + 4) else { return };
        place.copy_from_slice(&sum);
        at = end + 4;
    }
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let content = [kind, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &content, &crc(&content)].concat()
}

fn kind_of(bytes: &[u8]) -> ErrorKind {
    decode(bytes).expect_err("no picture can come of this").kind()
}

#[test]
fn every_color_survives_encoding_and_decoding() {
    for color in COLORS {
        let picture = picture(color, 17, 9);
        let bytes = encode(&picture).unwrap();
        assert_eq!(decode(&bytes).unwrap().unwrap(), picture, "{color:?}");
        let header = header(&bytes).unwrap().unwrap();
        assert_eq!((header.width, header.height), (17, 9));
        assert_eq!(header.packed_size(), 9 * (17 * u64::from(color.bytes_per_pixel()) + 1), "{color:?}");
    }
}

#[test]
fn floating_point_colors_become_16_bits() {
    for (from, to) in [(ColorType::Rgb32F, ColorType::Rgb16), (ColorType::Rgba32F, ColorType::Rgba16)] {
        let decoded = decode(&encode(&picture(from, 8, 8)).unwrap()).unwrap().unwrap();
        assert_eq!(decoded, picture(to, 8, 8));
    }
}

#[test]
fn the_bytes_of_a_real_qt_program_are_understood() {
    let mut bytes = QT_SEGMENT.to_vec();
    assert_eq!(
        header(&bytes).unwrap_err().kind(),
        ErrorKind::Corrupt,
        "three bytes of the header are not there"
    );
    bytes.extend([0; 3]);
    let header = header(&bytes).unwrap().unwrap();
    assert_eq!((header.width, header.height, header.bits, header.color), (320, 200, 8, Color::Rgb));
    assert_eq!(encode(&DynamicImage::new_rgb8(320, 200)).unwrap()[..30], QT_SEGMENT, "and are what we write");
}

#[test]
fn a_null_image_is_no_picture_and_no_error() {
    for null in [vec![0; 4], vec![0; 100_000], [&[0; 4], &encoded()[..]].concat()] {
        assert_eq!(decode(&null).unwrap(), None);
        assert_eq!(header(&null).unwrap(), None);
    }
}

#[test]
fn what_is_no_qimage_is_corrupt() {
    for bytes in
        [&b""[..], b"\0\0\0", b"\0\0\0\x01", b"Hello, Client!\0", b"\0\0\0\x02\x89PNG", b"\x01\0\0\0\x89PNG"]
    {
        assert_eq!(kind_of(bytes), ErrorKind::Corrupt, "{bytes:?}");
        assert_eq!(header(bytes).unwrap_err().kind(), ErrorKind::Corrupt, "{bytes:?}");
    }
}

#[test]
fn bytes_after_the_end_are_ignored() {
    let mut bytes = encoded();
    for rest in [&b"\0"[..], b"\0\0\0\0IEND", b"\xff\xff\xff\xffIDAT", &encoded()] {
        bytes.extend(rest);
        assert_eq!(decode(&bytes).unwrap(), decode(&encoded()).unwrap());
    }
}

#[test]
fn every_truncation_is_corrupt() {
    let bytes = encoded();
    for length in 0..bytes.len() {
        assert_eq!(kind_of(&bytes[..length]), ErrorKind::Corrupt, "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn a_wrong_checksum_of_the_pixels_is_corrupt() {
    let mut bytes = encoded();
    let last = bytes.len() - 13;
    bytes[last] ^= 1;
    assert_eq!(kind_of(&bytes), ErrorKind::Corrupt);
}

#[test]
fn chunks_that_make_no_pixels_are_left_out() {
    let bomb = [&b"icc\0\0"[..], &[0x78, 0x9c], &[0xff; 1000]].concat();
    let mut bytes = encoded();
    let extra =
        [chunk(b"iCCP", &bomb), chunk(b"tEXt", b"no keyword"), chunk(b"acTL", b""), chunk(b"pHYs", b"1")];
    bytes.splice(AFTER_HEADER..AFTER_HEADER, extra.concat());
    assert_eq!(decode(&bytes).unwrap(), decode(&encoded()).unwrap());
    assert_eq!(png::essence(&bytes[4..]).unwrap(), encoded()[4..], "the decoder does not see them");
}

#[test]
fn indexed_colors_with_transparency_are_understood() {
    // One row of two pixels, colour 0 and colour 1, in an uncompressed block.
    let pixels = b"\x78\x01\x01\x03\0\xfc\xff\0\0\x01\0\x04\0\x02";
    let bytes = [
        b"\0\0\0\x01\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", b"\0\0\0\x02\0\0\0\x01\x08\x03\0\0\0"),
        chunk(b"PLTE", &[1, 2, 3, 4, 5, 6]),
        chunk(b"tRNS", &[0x80]),
        chunk(b"IDAT", pixels),
        chunk(b"IEND", b""),
    ]
    .concat();
    assert_eq!(header(&bytes).unwrap().unwrap().to_string(), "2 x 1 pixels, 8-bit indexed");
    let picture = decode(&bytes).unwrap().unwrap();
    assert_eq!(picture.into_rgba8().into_raw(), [1, 2, 3, 0x80, 4, 5, 6, 0xff]);
}

#[test]
fn declared_sizes_reserve_nothing_that_could_not_be_there() {
    let declare = |width: u32, height: u32, fill: usize| {
        let mut bytes = encoded();
        bytes[WIDTH..WIDTH + 4].copy_from_slice(&width.to_be_bytes());
        bytes[WIDTH + 4..WIDTH + 8].copy_from_slice(&height.to_be_bytes());
        bytes.splice(AFTER_HEADER..AFTER_HEADER, chunk(b"IDAT", &vec![0; fill]));
        mend_checksums(&mut bytes[..AFTER_HEADER]);
        bytes
    };
    for (width, height) in [(65_535, 65_535), (32_769, 1), (1, 32_769), (u32::MAX, u32::MAX)] {
        assert_eq!(kind_of(&declare(width, height, 0)), ErrorKind::InvalidSize, "{width} x {height}");
    }
    assert_eq!(kind_of(&declare(0, 9, 0)), ErrorKind::Corrupt);
    let error = decode(&declare(10_000, 10_000, 0)).unwrap_err();
    assert!(
        error.to_string().contains("cut off"),
        "within the limits, but these few bytes cannot hold it: {error}"
    );
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    // Enough bytes to hold it, but more memory than is allowed.
    assert_eq!(kind_of(&declare(32_768, 32_768, 3_200_000)), ErrorKind::InvalidSize);
}

#[test]
fn much_zeroes_in_few_bytes_are_decoded_within_the_limits() {
    let black = DynamicImage::new_luma8(SIDE_MAX, 64);
    let bytes = encode(&black).unwrap();
    assert!(bytes.len() < 1 << 16, "so the ratio is tried: {} bytes", bytes.len());
    assert_eq!(decode(&bytes).unwrap(), Some(black));
}

/// Numbers that are the same in every run, so that what fails can be found again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    /// Changes a few bytes, and sometimes cuts the end off.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            bytes[at] = match self.below(3) {
                0 => bytes[at] ^ 1 << self.below(8),
                1 => [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                _ => self.below(256) as u8,
            };
        }
        if self.below(4) == 0 {
            bytes.truncate(self.below(bytes.len()) + 1);
        }
    }
}

/// With the checksums mended in most runs, or hardly any damage would get past them.
#[test]
fn damaged_bytes_never_panic() {
    let seeds: Vec<_> = COLORS
        .into_iter()
        .flat_map(|color| [0, 1].map(|interlace| (color, interlace)))
        .map(|(color, interlace)| {
            let mut bytes = encode(&picture(color, 9, 5)).unwrap();
            bytes[INTERLACE] = interlace;
            // A table of colours and of transparency: what `encode` never writes.
            let tables = [chunk(b"PLTE", &[7; 12]), chunk(b"tRNS", &[0; 2])].concat();
            bytes.splice(AFTER_HEADER..AFTER_HEADER, tables);
            bytes
        })
        .collect();
    let (mut dice, mut pictures, mut errors) = (Dice(0x00ce_407e), 0, 0);
    for _ in 0..30_000 {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        if dice.below(2) == 0 {
            // Other colours and depths than the pixels were made for.
            bytes[28] = [1, 2, 4, 8, 16][dice.below(5)];
            bytes[29] = [0, 2, 3, 4, 6][dice.below(5)];
        }
        dice.spoil(&mut bytes);
        if dice.below(5) > 0 {
            mend_checksums(&mut bytes);
        }
        let _ = header(&bytes);
        match decode(&bytes) {
            Ok(_) => pictures += 1,
            Err(_) => errors += 1,
        }
    }
    assert!(pictures > 1000 && errors > 1000, "both ways were tried: {pictures} pictures, {errors} errors");
}

#[test]
fn a_picture_without_pixels_or_too_large_is_not_encoded() {
    for (width, height) in [(0, 0), (0, 5), (5, 0), (SIDE_MAX + 1, 1)] {
        let error = encode(&DynamicImage::new_luma8(width, height)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{width} x {height}");
    }
}

#[test]
fn files_are_read_by_content_and_written_by_extension() {
    let directory = testkit::names::TempDir::new();
    let path = |name: &str| directory.path().join(name);
    let colors = [&COLORS[..], &[ColorType::Rgb32F, ColorType::Rgba32F]].concat();
    for color in colors {
        for name in ["a.png", "a.jpg", "a.JPEG"] {
            save(&picture(color, 16, 8), path(name))
                .unwrap_or_else(|error| panic!("{color:?} {name}: {error}"));
            let read = open(path(name)).unwrap();
            assert_eq!((read.width(), read.height()), (16, 8));
            assert_eq!(read.color().has_color(), color.has_color(), "{color:?} {name}");
        }
    }
    save(&picture(ColorType::Rgba8, 16, 8), path("b.png")).unwrap();
    assert_eq!(open(path("b.png")).unwrap(), picture(ColorType::Rgba8, 16, 8));
    fs::rename(path("b.png"), path("b.xpm")).unwrap();
    assert_eq!(open(path("b.xpm")).unwrap(), picture(ColorType::Rgba8, 16, 8), "the content counts");
}

#[test]
fn a_format_that_is_not_there_is_unsupported_and_the_others_are_named() {
    let directory = testkit::names::TempDir::new();
    let path = |name: &str| directory.path().join(name);
    let content = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).unwrap();
        open(path(name)).unwrap_err()
    };
    for error in [
        content("a.xpm", b"/* XPM */\nstatic char *a[] = {};"),
        content("xpm.png", b"/* XPM */\nstatic char *a[] = {};"),
        content("a.gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
        content("empty.png", b""),
        save(&picture(ColorType::L8, 1, 1), path("b.xpm")).unwrap_err(),
        save(&picture(ColorType::L8, 1, 1), path("b.gif")).unwrap_err(),
        save(&picture(ColorType::L8, 1, 1), path("b")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("PNG, JPEG"), "{error}");
    }
    assert!(!path("b.gif").exists());
}

#[test]
fn a_file_that_cannot_be_read_or_written_says_which_and_why() {
    let directory = testkit::names::TempDir::new();
    let missing = directory.path().join("missing/a.png");
    for error in [open(&missing).unwrap_err(), save(&picture(ColorType::L8, 1, 1), &missing).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("missing/a.png"), "{error}");
    }
    let cut = directory.path().join("cut.png");
    fs::write(&cut, &encoded()[4..60]).unwrap();
    assert_eq!(open(&cut).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn damaged_jpeg_files_never_panic() {
    let directory = testkit::names::TempDir::new();
    let path = directory.path().join("a.jpg");
    save(&picture(ColorType::Rgb8, 16, 16), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut dice = Dice(0x00ce_407e);
    for _ in 0..500 {
        let mut bytes = whole.clone();
        dice.spoil(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let _ = open(&path);
    }
}
