//! Recipe `picture`.

use cenote::qt::image_form;
use image::{DynamicImage, ImageBuffer, Rgba};
use testkit::Rng;
use testkit::names::TempDir;
use testkit::qt::QtKey;

use crate::programs::{Program, ours, pairings, programs, two};
use crate::{WellKnown, alone_with_qt, qt_files};

const CLASSIC: [&str; 2] = ["picture", "picture-qt5"];

fn random_picture(rng: &mut Rng) -> DynamicImage {
    let (width, height) = (1 + rng.below(97) as u32, 1 + rng.below(61) as u32);
    ImageBuffer::from_fn(width, height, |_, _| Rgba((rng.next_u64() as u32).to_le_bytes())).into()
}

#[derive(Clone, Copy, PartialEq)]
enum First {
    Load,
    Show,
}

#[track_caller]
fn pass(from: &Program, to: &Program, picture: &DynamicImage, arguments: &[&str], first: First) {
    let folder = TempDir::new();
    let (original, copy) = (folder.join("original.png"), folder.join("copy.png"));
    image_form::save(picture, &original).unwrap();
    let (original, copy) = (original.to_str().unwrap(), copy.to_str().unwrap());

    let show = || to.start(&[&["show", copy], arguments].concat());
    let early = (first == First::Show).then(show);
    let mut loading = from.start(&[&["load", original], arguments].concat());
    loading.until("load: ");
    let shown = early.unwrap_or_else(show).finish();
    let pixels = format!("{} x {} pixels to", picture.width(), picture.height());
    assert_eq!(shown, format!("show: {pixels} {copy}\n"));
    let said = loading.finish();
    assert!(said.starts_with(&format!("load: {pixels} ")), "{said}");
    assert!(said.ends_with("load: the picture was taken\n"), "{said}");
    assert!(
        image_form::open(copy).unwrap().to_rgba8() == picture.to_rgba8(),
        "{from:?}, {to:?}: other pixels"
    );
}

#[test]
fn each_shows_the_pixels_that_each_has_loaded() {
    let _alone = alone_with_qt();
    let mut rng = Rng::new(26);
    for (from, to) in pairings("picture", &CLASSIC) {
        let key = QtKey::unique();
        pass(&from, &to, &random_picture(&mut rng), &[key.key()], First::Load);
        assert_eq!(qt_files(key.key()), [""; 0], "{from:?}, {to:?}");
    }
}

#[test]
fn ours_that_shows_may_come_first() {
    let _alone = alone_with_qt();
    let mut rng = Rng::new(28);
    for from in programs("picture", &CLASSIC) {
        let key = QtKey::unique();
        pass(&from, &ours("picture"), &random_picture(&mut rng), &[key.key()], First::Show);
        assert_eq!(qt_files(key.key()), [""; 0], "{from:?}");
    }
}

#[test]
fn the_key_of_qts_example_is_the_default() {
    let _alone = alone_with_qt();
    if !qt_files("QSharedMemoryExample").is_empty() {
        return testkit::skipped("somebody uses the key QSharedMemoryExample");
    }
    let _cleaner = WellKnown("qt:QSharedMemoryExample");
    let (ours, classic) = two("picture");
    pass(&ours, &classic, &random_picture(&mut Rng::new(27)), &[], First::Load);
}

#[test]
fn what_is_no_picture_is_refused_with_a_hint() {
    let _alone = alone_with_qt();
    let key = QtKey::unique();
    let said = ours("picture").run_refused(&["load", "Cargo.toml", key.key()]);
    assert!(said.contains("Cargo.toml holds no picture") && said.contains("\n  hint: "), "{said}");
}
