//! Pictures that nothing else on a screen looks like.

use std::path::Path;

use image::{DynamicImage, Rgb, RgbImage};
use testkit::Rng;

/// Opaque pixels in disorder, each 0xRRGGBB, row by row.
#[derive(PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) pixels: Vec<u32>,
}

impl Picture {
    /// Smaller than the place that the example has for one, and of a width that no word of a machine divides.
    pub(crate) fn new(seed: u64) -> Self {
        Self::random(173, 97, seed)
    }

    /// One that fits wherever a [`new`](Self::new) one is.
    pub(crate) fn small(seed: u64) -> Self {
        Self::random(61, 83, seed)
    }

    fn random(width: usize, height: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let pixels = (0..width * height).map(|_| (rng.next_u64() >> 40) as u32).collect();
        Self { width, pixels }
    }

    pub(crate) fn load(file: &Path) -> Self {
        let picture = image::open(file).unwrap();
        let DynamicImage::ImageRgb8(picture) = picture else { panic!("not RGB: {:?}", picture.color()) };
        let pixels = picture.pixels().map(|&Rgb([r, g, b])| u32::from_be_bytes([0, r, g, b])).collect();
        Self { width: picture.width() as usize, pixels }
    }

    pub(crate) fn save(&self, file: &Path) {
        let bytes = self.pixels.iter().flat_map(|pixel| pixel.to_be_bytes()[1..].to_vec()).collect();
        let height = (self.pixels.len() / self.width) as u32;
        RgbImage::from_raw(self.width as u32, height, bytes).unwrap().save(file).unwrap();
    }

    /// Where `other` lies in this one: the left upper corner of each place where all pixels are the same.
    pub(crate) fn places_of(&self, other: &Self) -> Vec<(usize, usize)> {
        let rows: Vec<_> = self.pixels.chunks_exact(self.width).collect();
        let other: Vec<_> = other.pixels.chunks_exact(other.width).collect();
        let is_at = |top: usize, left: usize| {
            other.iter().zip(&rows[top..]).all(|(row, here)| here[left..].starts_with(row))
        };
        let mut places = Vec::new();
        for (top, row) in rows.iter().enumerate().take((rows.len() + 1).saturating_sub(other.len())) {
            for (left, pixels) in row.windows(other[0].len()).enumerate() {
                if pixels == other[0] && is_at(top, left) {
                    places.push((left, top));
                }
            }
        }
        places
    }

    /// A part of it.
    pub(crate) fn cut(&self, (left, top): (usize, usize), (width, height): (usize, usize)) -> Self {
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        Self { width, pixels: rows.flat_map(|row| &row[left..left + width]).copied().collect() }
    }
}

/// Not its pixels.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a picture {} x {}", self.width, self.pixels.len() / self.width)
    }
}

#[test]
fn one_wrong_pixel_is_another_picture() {
    let picture = Picture::new(0);
    let part = picture.cut((7, 9), (20, 10));
    assert_eq!(picture.places_of(&part), [(7, 9)]);
    assert_eq!(part.places_of(&picture), []);
    for place in [0, 19, 100, 199] {
        let mut wrong = picture.cut((7, 9), (20, 10));
        wrong.pixels[place] ^= 1;
        assert_eq!(picture.places_of(&wrong), []);
    }
    let mut plain = picture;
    plain.pixels.fill(0xff_ff_ff);
    assert_eq!(plain.places_of(&plain.cut((0, 0), (173, 96))), [(0, 0), (0, 1)], "it is found twice");
}
