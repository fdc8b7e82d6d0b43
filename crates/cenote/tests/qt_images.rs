//! Pictures between ours and Qt in the QImage form: the same pixels on both sides, whatever their size and format.
#![cfg(feature = "image")]

use std::path::Path;
use std::time::Duration;

use cenote::{Segment, qt::image_form};
use image::{DynamicImage, ImageBuffer, Pixel};
use testkit::names::TempDir;
use testkit::qt::QtKey;
use testkit::{Peer, Rng, peers, watchdog};

/// Large enough for any of the pictures here.
const SIZE: u64 = 1 << 20;
const PICTURES: u64 = 40;

/// Random pixels of one of the formats that PNG has.
fn random_picture(rng: &mut Rng) -> DynamicImage {
    fn fill<P: Pixel<Subpixel = T> + 'static, T: Copy>(
        rng: &mut Rng,
        width: u32,
        height: u32,
        value: fn(u64) -> T,
    ) -> ImageBuffer<P, Vec<T>> {
        let count = width as usize * height as usize * usize::from(P::CHANNEL_COUNT);
        let samples = (0..count).map(|_| value(rng.next_u64())).collect();
        ImageBuffer::from_raw(width, height, samples).expect("as many samples as it needs")
    }
    let (width, height) = (1 + rng.below(97) as u32, 1 + rng.below(61) as u32);
    match rng.below(6) {
        0 => fill::<image::Luma<u8>, _>(rng, width, height, |bits| bits as u8).into(),
        1 => fill::<image::Rgb<u8>, _>(rng, width, height, |bits| bits as u8).into(),
        2 => fill::<image::Rgba<u8>, _>(rng, width, height, |bits| bits as u8).into(),
        3 => fill::<image::Luma<u16>, _>(rng, width, height, |bits| bits as u16).into(),
        4 => fill::<image::Rgb<u16>, _>(rng, width, height, |bits| bits as u16).into(),
        _ => fill::<image::Rgba<u16>, _>(rng, width, height, |bits| bits as u16).into(),
    }
}

#[track_caller]
fn assert_same_pixels(one: &DynamicImage, other: &DynamicImage, what: &str) {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()), "{what}");
    assert!(
        one.to_rgba16() == other.to_rgba16(),
        "{what}: other pixels ({:?}, {:?})",
        one.color(),
        other.color()
    );
}

/// What Qt sees in the segment, by way of a file.
fn as_qt_sees_it(qt: &mut Peer, file: &Path) -> DynamicImage {
    qt.ask(&format!("image-get {}", file.display())).expect_ok();
    image_form::open(file).unwrap()
}

fn with_each_qt(test: impl Fn(Peer, &Segment, &Path)) {
    let _watchdog = watchdog(Duration::from_secs(120));
    for mut qt in peers::each_qt() {
        let (key, folder) = (QtKey::unique(), TempDir::new());
        let segment = Segment::create(format!("qt:{}", key.key()), SIZE).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        test(qt, &segment, &folder.join("picture.png"));
    }
}

#[test]
fn qt_decodes_the_pixels_that_we_wrote() {
    with_each_qt(|mut qt, segment, file| {
        let mut rng = Rng::new(1);
        for number in 0..PICTURES {
            let picture = random_picture(&mut rng);
            let bytes = image_form::encode(&picture).unwrap();
            segment.lock().unwrap().write_at(0, &bytes).unwrap();
            assert_same_pixels(&as_qt_sees_it(&mut qt, file), &picture, &format!("picture {number}"));
        }
        qt.finish();
    });
}

#[test]
fn we_decode_the_pixels_that_qt_streamed() {
    const FORMATS: [&str; 8] =
        ["Mono", "Indexed8", "RGB32", "ARGB32", "Grayscale8", "Grayscale16", "RGBA64", "RGB888"];
    with_each_qt(|mut qt, segment, file| {
        let mut rng = Rng::new(2);
        for number in 0..PICTURES {
            let format = FORMATS[(number % 8) as usize];
            let (width, height) = (1 + rng.below(97), 1 + rng.below(61));
            qt.ask(&format!("image-random {number} {width} {height} {format}")).expect_ok();
            let bytes = segment.lock().unwrap().read_to_vec(..).unwrap();
            let picture = image_form::decode(&bytes).unwrap().expect("not a null image");
            assert_eq!((u64::from(picture.width()), u64::from(picture.height())), (width, height));
            assert_same_pixels(
                &picture,
                &as_qt_sees_it(&mut qt, file),
                &format!("picture {number}, {format}"),
            );
        }
        qt.finish();
    });
}

#[test]
fn a_picture_makes_the_round_trip_through_qt() {
    with_each_qt(|mut qt, segment, file| {
        let mut rng = Rng::new(3);
        for number in 0..10 {
            let picture = random_picture(&mut rng);
            image_form::save(&picture, file).unwrap();
            qt.ask(&format!("image-put {}", file.display())).expect_ok();
            let bytes = segment.lock().unwrap().read_to_vec(..).unwrap();
            let back = image_form::decode(&bytes).unwrap().expect("not a null image");
            assert_same_pixels(&back, &picture, &format!("picture {number}"));
        }
        qt.finish();
    });
}
