//! Pictures in the QImage form, between ours and Qt's QImage and QDataStream.

use cenote::qt::image_form;
use cenote::{Address, Segment};
use image::{DynamicImage, ImageBuffer};
use testkit::Rng;
use testkit::names::TempDir;

use super::with_each_key;

const SIZE: u64 = 1 << 20;

/// Random pixels of the formats that PNG has, one after the other.
fn picture(rng: &mut Rng, number: u64) -> DynamicImage {
    let (width, height) = (1 + rng.below(97) as u32, 1 + rng.below(61) as u32);
    let count = width as usize * height as usize * 4;
    let wide: Vec<u16> = (0..count).map(|_| rng.next_u64() as u16).collect();
    let picture: DynamicImage =
        ImageBuffer::<image::Rgba<u16>, _>::from_raw(width, height, wide).expect("as many samples").into();
    match number % 6 {
        0 => picture.to_luma8().into(),
        1 => picture.to_rgb8().into(),
        2 => picture.to_rgba8().into(),
        3 => picture.to_luma16().into(),
        4 => picture.to_rgb16().into(),
        _ => picture,
    }
}

#[track_caller]
fn assert_same_pixels(one: &DynamicImage, other: &DynamicImage, number: u64) {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()), "picture {number}");
    assert!(one.to_rgba16() == other.to_rgba16(), "picture {number}: other pixels");
}

#[test]
fn qt_decodes_the_pixels_that_we_wrote() {
    with_each_key(|mut qt, key| {
        let (folder, mut rng) = (TempDir::new(), Rng::new(1));
        let file = folder.join("picture.png");
        let segment = Segment::create(&*key.address, SIZE).unwrap();
        qt.ask(&format!("attach {}", key.word)).expect_ok();
        for number in 0..24 {
            let picture = picture(&mut rng, number);
            let bytes = image_form::encode(&picture).unwrap();
            segment.lock().unwrap().write_at(0, &bytes).unwrap();
            let size = format!("{} {}", picture.width(), picture.height());
            assert_eq!(qt.ask(&format!("image-get {}", file.display())).expect_ok(), size);
            assert_same_pixels(&image_form::open(&file).unwrap(), &picture, number);
        }
        qt.finish();
    });
}

#[test]
fn we_decode_the_pixels_that_qt_streamed() {
    with_each_key(|mut qt, key| {
        let (folder, mut rng) = (TempDir::new(), Rng::new(2));
        let file = folder.join("picture.png");
        qt.ask(&format!("create {} {SIZE}", key.word)).expect_ok();
        let address: Address = key.address.parse().unwrap();
        let segment = Segment::options().read_only().attach(address).unwrap();
        for number in 0..24 {
            let picture = picture(&mut rng, number);
            image_form::save(&picture, &file).unwrap();
            qt.ask(&format!("image-put {}", file.display())).expect_ok();
            let bytes = segment.lock().unwrap().read_to_vec(..).unwrap();
            let back = image_form::decode(&bytes).unwrap().expect("not a null image");
            assert_same_pixels(&back, &picture, number);
        }
        qt.finish();
    });
}
