//! `memfd:`: what lives only as long as the command that made it.

use testkit::names::TempDir;
use testkit::{Watchdog, watchdog};

use crate::support::{PATIENCE, Running, cenote, run};

/// Starts a command that holds anonymous memory: what it said, and the address in it.
fn hold(arguments: &[&str]) -> (Running, String, String, Watchdog) {
    let watchdog = watchdog(PATIENCE);
    let mut running = Running::start(&mut cenote(arguments));
    let said = running.line();
    let held = running.error_line();
    let words = ["cenote: holding ", " until interrupted"];
    let address = held.trim_start_matches(words[0]).trim_end_matches(words[1]).to_owned();
    assert!(address.starts_with(&format!("memfd:{}/", running.pid())), "{held}");
    assert!(said.contains(&address), "{said}");
    (running, said, address, watchdog)
}

#[test]
fn it_is_there_while_it_is_held() {
    let (running, said, at, _watchdog) = hold(&["create", "memfd:scratch", "--size", "64KiB", "--hold"]);
    assert_eq!(said, format!("created {at}, 64KiB"));
    run(["write", &at, "Hello"]).ok();
    assert_eq!(run(["read", &at]).ok(), "Hello\n");
    let shown = run(["show", &at, "--json"]).json();
    assert_eq!((&shown["kind"], &shown["size"]), (&"memfd".into(), &65536.into()));
    assert_eq!((&shown["verdict"], &shown["removed"]), (&"live".into(), &false.into()));
    assert_eq!(shown["holders"][0]["pid"], running.pid());
    assert_eq!(shown["contents"], "text \"Hello\"");
    assert_eq!(run(["lock", &at, "--", "true"]).code, 0);
    run(["rm", &at]).failed(1);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end().code, 0);
    run(["read", &at]).failed(1);
}

#[test]
fn writing_makes_it_too() {
    let (_text, said, at, _watchdog) = hold(&["write", "memfd:text", "Hello", "--create", "--hold"]);
    assert_eq!(said, format!("wrote 5 bytes to {at}"));
    assert_eq!(run(["read", &at]).ok(), "Hello\n");
    let folder = TempDir::new();
    let file = folder.join("picture.png");
    image::RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3])).save(&file).unwrap();
    let file = file.to_str().unwrap();
    let (_picture, _, at, _watchdog) = hold(&["image", "put", "memfd:picture", file, "--hold"]);
    assert_eq!(run(["read", &at, "--as", "image"]).ok(), "QImage 3 x 2 pixels, 8-bit RGB\n");
}

#[test]
fn what_would_be_gone_at_once_is_not_made() {
    for line in
        [&["create", "memfd:scratch", "--size", "8"][..], &["write", "memfd:scratch", "text", "--create"]]
    {
        assert!(run(line).failed(2).contains("--hold"));
    }
    run(["write", "memfd:scratch", "text"]).failed(1);
    run(["show", &format!("memfd:{}/0", std::process::id())]).failed(1);
}
