//! Every form that is written, what is refused and how, and that printing and parsing undo each other.

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::qt::KeyType;

fn parse(text: &str) -> Address {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The line of the error that `text` gives, which has a hint of its own.
fn refused(text: &str) -> String {
    let error = text.parse::<Address>().expect_err(text);
    assert_eq!(error.kind(), ErrorKind::KeyError, "{text}: {error}");
    assert!(!error.hint().is_empty());
    error.to_string()
}

#[test]
fn every_form_names_what_it_says_and_prints_in_full() {
    let native = |owner: Option<&str>, name: &str| Target::Native {
        owner: owner.map(str::to_owned),
        name: name.to_owned(),
    };
    for (written, printed, kind, target) in [
        ("camera/front", "cenote:camera/front", Kind::Cenote, native(None, "camera/front")),
        ("cenote:camera", "cenote:camera", Kind::Cenote, native(None, "camera")),
        ("cenote:a:b", "cenote:a:b", Kind::Cenote, native(None, "a:b")),
        ("cenote:@robot/a/b", "cenote:@robot/a/b", Kind::Cenote, native(Some("robot"), "a/b")),
        ("@1000/a", "cenote:@1000/a", Kind::Cenote, native(Some("1000"), "a")),
        ("posix:/name", "posix:/name", Kind::Posix, Target::Posix("/name".into())),
        ("posix:name", "posix:/name", Kind::Posix, Target::Posix("/name".into())),
        ("file:/a/b", "file:/a/b", Kind::File, Target::File("/a/b".into())),
        ("sysv:0x5100c01f", "sysv:0x5100c01f", Kind::Sysv, Target::SysvKey(0x5100_c01f)),
        ("sysv:0xffffffff", "sysv:0xffffffff", Kind::Sysv, Target::SysvKey(-1)),
        ("sysv:-2", "sysv:0xfffffffe", Kind::Sysv, Target::SysvKey(-2)),
        ("sysv:-2147483648", "sysv:0x80000000", Kind::Sysv, Target::SysvKey(i32::MIN)),
        ("sysv:17", "sysv:0x00000011", Kind::Sysv, Target::SysvKey(17)),
        ("sysv:/p#81", "sysv:/p#81", Kind::Sysv, Target::SysvFtok { path: "/p".into(), project: 81 }),
        ("sysv:/p#0x51", "sysv:/p#81", Kind::Sysv, Target::SysvFtok { path: "/p".into(), project: 81 }),
        ("sysv:/p#q#1", "sysv:/p#q#1", Kind::Sysv, Target::SysvFtok { path: "/p#q".into(), project: 1 }),
        ("sysv:id=5#1", "sysv:id=5#1", Kind::Sysv, Target::SysvFtok { path: "id=5".into(), project: 1 }),
        ("sysv:id=0", "sysv:id=0", Kind::Sysv, Target::SysvId(0)),
        ("sysv:id=32769", "sysv:id=32769", Kind::Sysv, Target::SysvId(32769)),
        ("windows:Map", "windows:Map", Kind::Windows, Target::Windows("Map".into())),
        (r"windows:Local\M", r"windows:Local\M", Kind::Windows, Target::Windows(r"Local\M".into())),
        (r"windows:Global\M", r"windows:Global\M", Kind::Windows, Target::Windows(r"Global\M".into())),
        ("qt:MyUniqueKey", "qt:MyUniqueKey", Kind::Qt, Target::Qt("MyUniqueKey".into())),
        ("qt:a:b", "qt:a:b", Kind::Qt, Target::Qt("a:b".into())),
        ("qt:legacy:a", "qt:a", Kind::Qt, Target::Qt("a".into())),
        ("qt:legacy:posix:/x", "qt:legacy:posix:/x", Kind::Qt, Target::Qt("posix:/x".into())),
        ("qt:legacy:legacy:x", "qt:legacy:legacy:x", Kind::Qt, Target::Qt("legacy:x".into())),
        ("qt:systemv-x:y", "qt:systemv-x:y", Kind::Qt, Target::Qt("systemv-x:y".into())),
        ("memfd:label", "memfd:label", Kind::Memfd, Target::Memfd("label".into())),
        ("memfd:12/x", "memfd:12/x", Kind::Memfd, Target::Memfd("12/x".into())),
        ("memfd:12/3", "memfd:12/3", Kind::Memfd, Target::MemfdOf { pid: 12, fd: 3 }),
    ] {
        let address = parse(written);
        assert_eq!(address.target(), &target, "{written}");
        assert_eq!(address.kind(), kind, "{written}");
        assert_eq!(address.to_string(), printed, "{written}");
    }
}

#[test]
fn a_native_key_of_qt_is_read_as_one() {
    for (written, key_type, name) in [
        ("qt:posix:/x", KeyType::Posix, "/x"),
        ("qt:systemv:/tmp/x", KeyType::SYSTEM_V, "/tmp/x"),
        ("qt:systemv-7:/tmp/x", KeyType::SystemV(7), "/tmp/x"),
        (r"qt:windows:Local\x", KeyType::Windows, r"Local\x"),
    ] {
        let Target::QtNative(key) = parse(written).target else { panic!("{written} is a native key") };
        assert_eq!((key.key_type(), key.native_key()), (key_type, name), "{written}");
    }
    assert!(refused("qt:systemv-999:/x").contains("project id"), "not taken for a legacy key");
}

#[test]
fn an_unknown_kind_is_answered_with_the_kinds_and_a_way_out() {
    for text in ["xyz:name", "Posix:/x", ":x", "http://x", "a/b:c", "@robot/a:b"] {
        let error = text.parse::<Address>().expect_err(text);
        let line = error.to_string();
        assert!(line.contains("cenote, posix, sysv, file, memfd, windows, qt"), "{line}");
        assert!(error.hint().contains(&format!("`cenote:{text}`")), "{}", error.hint());
    }
    assert!("xyz".parse::<Kind>().is_err());
}

#[test]
fn what_no_kind_allows_is_refused_with_what_was_expected() {
    let long = |prefix: &str, n: usize| format!("{prefix}{}", "x".repeat(n));
    for (text, expected) in [
        ("".to_owned(), "the address is empty"),
        ("cenote:".to_owned(), "the native name is empty"),
        ("/a".to_owned(), "neither begins nor ends"),
        ("a/".to_owned(), "neither begins nor ends"),
        ("a//b".to_owned(), "neither begins nor ends"),
        ("a/../b".to_owned(), "is `.` or `..`"),
        (".".to_owned(), "is `.` or `..`"),
        ("a\0".to_owned(), "NUL"),
        ("a\nb".to_owned(), "control"),
        (long("cenote:", 201), "201 bytes long, and 200"),
        ("cenote:@".to_owned(), "user name is empty"),
        ("cenote:@/x".to_owned(), "user name is empty"),
        ("cenote:@robot".to_owned(), "native name is empty"),
        ("cenote:@robot/".to_owned(), "native name is empty"),
        ("posix:".to_owned(), "the POSIX name is empty"),
        ("posix:/".to_owned(), "the POSIX name is empty"),
        ("posix:/a/b".to_owned(), "no slash but the first"),
        ("posix://a".to_owned(), "no slash but the first"),
        ("posix:/..".to_owned(), "cannot be `..`"),
        ("posix:.".to_owned(), "cannot be `.`"),
        ("posix:/a\0".to_owned(), "NUL"),
        (long("posix:/", 256), "256 bytes long, and 255"),
        ("file:".to_owned(), "the path is empty"),
        ("file:/a\0".to_owned(), "NUL"),
        ("sysv:".to_owned(), "the System V key is empty"),
        ("sysv:0".to_owned(), "IPC_PRIVATE"),
        ("sysv:0x0".to_owned(), "IPC_PRIVATE"),
        ("sysv:-0".to_owned(), "IPC_PRIVATE"),
        ("sysv:0x100000000".to_owned(), "32 bits"),
        ("sysv:2147483648".to_owned(), "32 bits"),
        ("sysv:-2147483649".to_owned(), "32 bits"),
        ("sysv:0x".to_owned(), "32 bits"),
        ("sysv:0x+1".to_owned(), "32 bits"),
        ("sysv:+1".to_owned(), "32 bits"),
        ("sysv:--1".to_owned(), "32 bits"),
        ("sysv:/path".to_owned(), "32 bits"),
        ("sysv:/p#".to_owned(), "from 1 to 255"),
        ("sysv:/p#256".to_owned(), "from 1 to 255"),
        ("sysv:/p#Q".to_owned(), "from 1 to 255"),
        ("sysv:/p#0".to_owned(), "cannot be 0"),
        ("sysv:#1".to_owned(), "the path is empty"),
        ("sysv:id=".to_owned(), "31 bits"),
        ("sysv:id=-1".to_owned(), "31 bits"),
        ("sysv:id=2147483648".to_owned(), "31 bits"),
        ("sysv:id=0x10".to_owned(), "31 bits"),
        ("windows:".to_owned(), "the Windows name is empty"),
        (r"windows:Local\".to_owned(), r"nothing follows `Local\`"),
        (r"windows:Local\a\b".to_owned(), "no backslash"),
        (r"windows:Session\1\b".to_owned(), "no backslash"),
        ("windows:a\0".to_owned(), "NUL"),
        (long("windows:", 261), "261 characters long, and 260"),
        ("qt:".to_owned(), "KeyError in Qt too"),
        ("qt:legacy:".to_owned(), "KeyError in Qt too"),
        ("qt:posix:".to_owned(), "KeyError in Qt too"),
        ("qt:a\0".to_owned(), "NUL"),
        ("qt:posix:/x?a=b".to_owned(), "legacyKey"),
        ("memfd:".to_owned(), "the label is empty"),
        ("memfd:a\0".to_owned(), "NUL"),
        (long("memfd:", 250), "250 bytes long, and 249"),
        ("memfd:0/1".to_owned(), "no process"),
        ("memfd:99999999999/1".to_owned(), "too large"),
    ] {
        let line = refused(&text);
        assert!(line.contains(expected), "{text:?}: {line}");
    }
}

#[test]
fn the_longest_names_are_taken() {
    for (prefix, most) in [("cenote:", 200), ("posix:/", 255), ("windows:", 260), ("memfd:", 249)] {
        parse(&format!("{prefix}{}", "x".repeat(most)));
    }
    parse(&format!("posix:{}", "x".repeat(255)));
}

#[test]
fn an_error_shows_hostile_text_harmlessly_and_in_part() {
    let line = refused(&format!("posix:\x1b[2J/{}", "é".repeat(500)));
    assert!(!line.contains('\x1b') && line.contains(r"\u{1b}"), "{line}");
    assert!(line.len() < 300, "{} bytes", line.len());
}

#[test]
fn constructors_refuse_what_would_not_be_read_back() {
    assert!(Address::memfd("12/3").is_err(), "that reads as a descriptor");
    assert!(Address::memfd_of(0, 3).is_err());
    assert!(Address::sysv_key(0).is_err());
    assert!(Address::sysv_ftok("/p", 0).is_err());
    assert!(Address::sysv_id(-1).is_err());
    assert!(Address::file("").is_err());
}

#[test]
fn an_address_is_made_of_any_text_or_of_another() {
    let address = parse("posix:/x");
    let text = "posix:/x".to_owned();
    assert_eq!(Address::try_from(&text).unwrap(), address);
    assert_eq!(Address::try_from(text.as_str()).unwrap(), address);
    assert_eq!(Address::try_from(text).unwrap(), address);
    assert_eq!(Address::from(&address), address);
    assert_eq!(format!("{address:?}"), r#"Address("posix:/x")"#);
}

/// Names, right and wrong: some of any characters, more of those that mean something in an address.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,30}",
        "[^\0]{1,12}",
        r"[a0-9/\\:#%?=@.x-]{1,10}",
        r"(legacy:|posix:|systemv-[0-9]{1,4}:|windows:|id=|Local\\|@)[a/:#]{0,4}",
        "[a-z]{1,8}(/[a-z]{1,8}){0,3}",
    ]
}

/// Every address that can be made, by each of the constructors.
fn addresses() -> impl Strategy<Value = Address> {
    let native_key = (1_u8.., names(), "[^\0]{0,8}").prop_filter_map("refused", |(n, name, legacy)| {
        let key_type = match n {
            1 => KeyType::Posix,
            2 => KeyType::Windows,
            project => KeyType::SystemV(project),
        };
        NativeKey::new(key_type, name).ok()?.with_legacy_key(legacy).ok()
    });
    let by_name: [fn(&str) -> Result<Address>; 6] = [
        Address::native,
        Address::posix,
        |name| Address::file(name),
        Address::windows,
        Address::qt,
        Address::memfd,
    ];
    prop_oneof![
        6 => (proptest::sample::select(by_name.to_vec()), names())
            .prop_filter_map("refused", |(make, name)| make(&name).ok()),
        1 => native_key.prop_map(Address::qt_native),
        1 => any::<i32>().prop_filter_map("refused", |key| Address::sysv_key(key).ok()),
        1 => (names(), any::<u8>()).prop_filter_map("refused", |(path, n)| Address::sysv_ftok(path, n).ok()),
        1 => (0_i32..).prop_filter_map("refused", |id| Address::sysv_id(id).ok()),
        1 => any::<(u32, u32)>().prop_filter_map("refused", |(pid, fd)| Address::memfd_of(pid, fd).ok()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printing_and_parsing_undo_each_other(address in addresses()) {
        let printed = address.to_string();
        prop_assert_eq!(printed.parse::<Address>()?, address, "{}", printed);
    }

    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_prints_the_same_for_good(text in names()) {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string().parse::<Address>()?, address);
        }
    }
}
