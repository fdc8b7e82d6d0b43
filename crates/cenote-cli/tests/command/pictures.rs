//! Pictures: from a file into a segment, and out again.

use image::{DynamicImage, Rgba, RgbaImage};
use testkit::names::TempDir;

use crate::support::{Place, run};

fn picture() -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgba([x as u8 * 7, y as u8 * 5, (x * y) as u8, 255 - x as u8]);
    DynamicImage::ImageRgba8(RgbaImage::from_fn(31, 17, pixel))
}

#[test]
fn pixels_come_back_identical() {
    let folder = TempDir::new();
    let (from, to) = (folder.join("from.png"), folder.join("to.png"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    picture().save(from).unwrap();
    for place in Place::all() {
        let at = place.address.as_str();
        let what = "QImage 31 x 17 pixels, 8-bit RGBA";
        assert!(run(["image", "put", at, from]).ok().starts_with(&format!("put {what} into {at}, ")));
        assert_eq!(run(["read", at, "--as", "image"]).ok(), format!("{what}\n"));
        run(["image", "get", at, "-o", to]).ok();
        assert_eq!(image::open(to).unwrap(), picture(), "{at}");
        let piped = run(["image", "get", at, "-o", "-"]);
        assert_eq!(image::load_from_memory(&piped.bytes).unwrap(), picture(), "{at}");
        std::fs::remove_file(to).unwrap();
        run(["read", at, "--as", "image", "-o", to, "-q"]).ok();
        assert_eq!(image::open(to).unwrap(), picture(), "{at}");
        // It is there and large enough.
        let again = run(["image", "put", at, from, "--json"]).json();
        assert_eq!((&again["created"], &again["image"]), (&false.into(), &what.into()));
        run(["rm", at]).ok();
    }
}

#[test]
fn the_name_says_the_format() {
    let folder = TempDir::new();
    let place = Place::posix();
    let at = place.address.as_str();
    let path = |name| folder.join(name).to_str().unwrap().to_owned();
    picture().save(path("from.png")).unwrap();
    run(["image", "put", at, &path("from.png")]).ok();
    assert!(run(["show", at]).ok().contains("contents    QImage 31 x 17"));
    run(["image", "get", at, "-o", &path("to.jpg")]).ok();
    assert_eq!(std::fs::read(path("to.jpg")).unwrap()[..2], [0xff, 0xd8]);
    run(["image", "get", at, "-o", &path("to.gif")]).failed(1);
    run(["image", "get", at, "-o", &path("nowhere/to.png")]).failed(1);
}

#[test]
fn what_is_no_picture_is_refused() {
    let folder = TempDir::new();
    let file = folder.join("to.png");
    let file = file.to_str().unwrap();
    let place = Place::posix();
    let at = place.address.as_str();
    run(["write", at, "no picture", "--create", "--size", "4KiB"]).ok();
    run(["image", "get", at, "-o", file]).failed(1);
    run(["read", at, "--as", "image"]).failed(1);
    let null = Place::posix();
    run(["create", &null.address, "--size", "4KiB"]).ok();
    assert!(run(["image", "get", &null.address, "-o", file]).failed(1).contains("null"));
    picture().save(file).unwrap();
    let small = Place::posix();
    run(["create", &small.address, "--size", "10"]).ok();
    assert!(run(["image", "put", &small.address, file]).failed(1).contains("is there with 10 bytes"));
}
