//! `create`, `write`, `read` and `rm`: what goes in comes out.

use std::fs;

use testkit::Rng;
use testkit::names::TempDir;

use crate::support::{Place, Running, cenote, run, run_with_input};

#[test]
fn a_text_comes_back_on_every_kind() {
    for place in Place::all() {
        let at = place.address.as_str();
        assert_eq!(run(["create", at, "--size", "4KiB"]).ok(), format!("created {at}, 4KiB\n"));
        assert_eq!(run(["write", at, "Hello, Client!"]).ok(), format!("wrote 14 bytes to {at}\n"));
        assert_eq!(run(["read", at]).ok(), "Hello, Client!\n", "{at}");
        // A shorter one ends where it ends.
        run(["write", at, "Bye", "-q"]).ok();
        assert_eq!(run(["read", at]).ok(), "Bye\n", "{at}");
        assert_eq!(run(["read", at, "--offset", "7"]).ok(), "Client!\n", "{at}");
        assert_eq!(run(["rm", at]).ok(), format!("removed {at}\n"));
        run(["read", at]).failed(1);
    }
}

#[test]
fn what_write_creates_is_kept_and_used_again() {
    for place in Place::all() {
        let at = place.address.as_str();
        run(["write", at, "12345678", "--create"]).ok();
        let shown = run(["show", at, "--json"]).json();
        assert_eq!((&shown["size"], &shown["mode"]), (&9.into(), &"0600".into()), "{at}");
        // Read twice: reading what nobody holds must not remove it.
        assert_eq!(run(["read", at]).ok(), "12345678\n", "{at}");
        assert_eq!(run(["read", at]).ok(), "12345678\n", "{at}");
        // Nine bytes fit, without room for a NUL; ten do not.
        run(["write", at, "123456789", "--create"]).ok();
        run(["write", at, "1234567890", "--create"]).failed(1);
        run(["write", at, "x", "--create", "--size", "10"]).failed(1);
        assert_eq!(run(["read", at]).ok(), "123456789\n", "{at}");
        run(["rm", at]).ok();
    }
}

#[test]
fn bytes_come_out_exactly_as_they_went_in() {
    let mut data = vec![0; 700_001];
    Rng::new(7).fill(&mut data);
    let folder = TempDir::new();
    let (from, to) = (folder.join("from"), folder.join("to"));
    let to = to.to_str().unwrap();
    fs::write(&from, &data).unwrap();
    for place in Place::all() {
        let at = place.address.as_str();
        run_with_input(&["write", at, "-", "--create"], &data).ok();
        let all = run(["read", at, "--as", "raw", "--len", "700001"]);
        assert!(all.code == 0 && all.bytes == data, "{at}");
        let part = run(["read", at, "--as", "raw", "--offset", "0x1001", "--len", "300000", "--no-lock"]);
        assert!(part.bytes == data[0x1001..][..300_000], "{at}");
        run(["write", at, "--file", from.to_str().unwrap(), "--offset", "1"]).ok();
        let told = run(["read", at, "--as", "raw", "--offset", "1", "-o", to]);
        assert_eq!((told.ok(), told.stderr.lines().count()), ("", 1), "{at}");
        assert!(fs::read(to).unwrap() == data, "{at}");
        let silent = run(["read", at, "--as", "raw", "-q", "-o", to]);
        assert_eq!((silent.ok(), silent.stderr.as_str()), ("", ""), "{at}");
        run(["rm", at]).ok();
    }
}

#[test]
fn more_than_fits_is_refused_and_changes_nothing() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["write", at, "abcd", "--create", "--size", "4"]).ok();
    run(["write", at, "12345"]).failed(1);
    run(["write", at, "12", "--offset", "3"]).failed(1);
    run(["write", at, "1", "--offset", "18446744073709551615"]).failed(1);
    assert!(run_with_input(&["write", at, "-"], &[b'x'; 100_000]).failed(1).contains("does not fit"));
    assert_eq!(run(["read", at, "--as", "raw"]).ok(), "abcd");
    let new = Place::posix();
    run(["write", &new.address, "12345", "--create", "--size", "4"]).failed(1);
    run(["show", &new.address]).failed(1);
}

#[test]
fn forms() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "64"]).ok();
    let read = |form| run(["read", at, "--as", form]);
    let put = |bytes: &[u8]| run_with_input(&["write", at, "-", "-q"], &[bytes, &[0; 8]].concat()).ok().len();

    put("Grüße".as_bytes());
    assert_eq!(read("text").ok(), "Grüße\n");
    assert_eq!(run(["read", at]).ok(), "Grüße\n");
    assert_eq!(run(["read", at, "--json"]).json()["text"], "Grüße");
    read("image").failed(1);
    read("json").failed(1);

    put(b"\xff\xfe\x00");
    assert!(read("text").failed(1).contains("offset 0"));
    let dump = "00000000  ff fe 00 00                                       |....|\n00000004\n";
    assert_eq!(run(["read", at, "--len", "4"]).ok(), dump);
    assert_eq!(run(["read", at, "--len", "4", "--as", "hex"]).ok(), dump);
    assert_eq!(run(["read", at, "--len", "4", "--json"]).json()["hex"], "fffe0000");

    put(&"Ünï\u{1f426}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    assert_eq!(read("utf16").ok(), "Ünï\u{1f426}\n");
    put(&[0x3d, 0xd8, 0x41, 0x00]);
    assert!(read("utf16").failed(1).contains("0xd83d"));

    put(br#"{"b":1.0,"a":[1,2]}"#);
    assert_eq!(read("json").ok(), "{\n  \"b\": 1.0,\n  \"a\": [\n    1,\n    2\n  ]\n}\n");
    assert_eq!(run(["read", at, "--as", "json", "--json"]).json()["value"]["a"][1], 2);

    put(b"");
    assert_eq!(run(["read", at]).ok(), "\n");
    assert_eq!(run(["read", at, "--len", "0", "--as", "raw"]).ok(), "");
    assert_eq!(run(["read", at, "--len", "0", "--as", "hex"]).ok(), "");
    assert_eq!(read("image").ok(), "a null QImage\n");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "4MiB"]).ok();
    for arguments in [["read", at, "--as", "raw"].as_slice(), &["read", at, "--no-lock", "--as", "raw"]] {
        let outcome = Running::start(&mut cenote(arguments)).close_stdout();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    }
    let outcome = Running::start(&mut cenote(["rm", at])).close_stdout();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    run(["show", at]).failed(1);
}

#[test]
fn what_cannot_be_read_leaves_a_file_as_it_was() {
    let place = Place::posix();
    let folder = TempDir::new();
    let kept = folder.join("kept");
    fs::write(&kept, "kept").unwrap();
    run(["read", &place.address, "--as", "raw", "-o", kept.to_str().unwrap()]).failed(1);
    run(["create", &place.address, "--size", "9"]).ok();
    run(["read", &place.address, "--as", "image", "-o", kept.to_str().unwrap()]).failed(1);
    assert_eq!(fs::read(kept).unwrap(), b"kept");
}
