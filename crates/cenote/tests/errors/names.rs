//! Names that no segment can have.

use cenote::{Error, ErrorKind, Segment};
use testkit::names::TempDir;

use super::{Says, minute};

/// Makes sure that each way to use `address` is a `KeyError` that says and suggests this.
#[track_caller]
fn refused(address: &str, reason: &str, hint: &str) {
    let tried: [Error; 4] = [
        Segment::create(address, 64).unwrap_err(),
        Segment::attach(address).unwrap_err(),
        Segment::open_or_create(address, 64).unwrap_err(),
        Segment::remove(address).unwrap_err(),
    ];
    for error in tried {
        assert_eq!(error.kind(), ErrorKind::KeyError, "{address:?}: {error}");
        let line = error.to_string();
        assert_eq!(line.lines().count(), 1, "{line:?}");
        assert!(line.len() < 500, "an overlong name is not repeated: {line}");
        assert!(line.contains(reason), "{line:?} lacks {reason:?}");
        assert!(error.hint().contains(hint), "{:?} lacks {hint:?}", error.hint());
        assert_eq!(error.hint().lines().count(), 1);
        // An address that cannot be read is shown as far as that helps.
        let start: String = address.chars().take(20).take_while(|letter| !letter.is_control()).collect();
        assert!(line.contains(&start) && !line.chars().any(char::is_control), "{line:?} lacks the address");
    }
}

#[test]
fn empty_names_are_key_errors() {
    let _watchdog = minute();
    refused("", "the address is empty", "kind:name");
    refused("posix:", "the POSIX name is empty", "posix:/frames");
    refused("posix:/", "the POSIX name is empty", "posix:/frames");
    refused("file:", "the path is empty", "file:/");
    refused("sysv:", "key is empty", "sysv:0x");
    refused("sysv:id=", "System V id", "ipcs -m");
    refused("sysv:#81", "the path is empty", "");
    refused("qt:", "Qt key is empty", "qt:MyUniqueKey");
    refused("qt:legacy:", "Qt key is empty", "qt:MyUniqueKey");
    refused("cenote:", "the native name is empty", "camera");
    refused("memfd:", "the label is empty", "memfd:label");
    refused("windows:", "the Windows name is empty", "windows:Name");
}

#[test]
fn overlong_names_are_key_errors_before_the_system_is_asked() {
    let _watchdog = minute();
    let long = "x".repeat(256);
    refused(&format!("posix:/{long}"), "256 bytes long, and 255", "shorter");
    refused(&format!("cenote:{long}"), "256 bytes long, and 200", "shorter");
    refused(&format!("memfd:{long}"), "256 bytes long, and 249", "shorter");
    refused(&format!("windows:{}", "x".repeat(261)), "261 characters long, and 260", "shorter");
    refused("sysv:0x123456789", "32 bits", "sysv:0x");
    refused("sysv:id=99999999999", "31 bits", "ipcs -m");
    refused("sysv:/tmp#256", "1 to 255", "sysv:/path#81");
}

#[test]
fn names_that_only_the_file_system_finds_too_long_are_key_errors_too() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let long = folder.join(&"x".repeat(256)).display().to_string();
    let says = Says { kind: ErrorKind::KeyError, reason: &["File name too long"], hint: &[] };
    let address = format!("file:{long}");
    says.check("create", &address, Segment::create(&address, 64));
    says.check("attach", &address, Segment::attach(&address));
    says.check("remove", &address, Segment::remove(&address));
    let address = format!("sysv:{long}#81");
    says.check("create", &address, Segment::create(&address, 64));
    says.check("attach", &address, Segment::attach(&address));
    // Its letters are part of the names of its key files.
    let address = format!("qt:{}", "x".repeat(256));
    says.check("create", &address, Segment::create(&address, 64));
    says.check("attach", &address, Segment::attach(&address));
}

#[test]
fn a_name_as_long_as_a_file_name_can_be_works() {
    let _watchdog = minute();
    let mut name = testkit::names::unique("long");
    name.push_str(&"x".repeat(255 - name.len()));
    let address = format!("posix:/{name}");
    let segment = Segment::create(&address, 64).unwrap();
    segment.write_at(0, b"there").unwrap();
    assert_eq!(Segment::attach(&address).unwrap().read_to_vec(..5).unwrap(), b"there");
    Segment::remove(&address).unwrap();
}

#[test]
fn names_that_mean_something_else_are_key_errors() {
    let _watchdog = minute();
    refused("posix:/a/b", "no slash", "posix:/frames");
    refused("posix:/..", "cannot be `..`", "posix:/frames");
    refused("posix:/a\0b", "NUL", "");
    refused("file:/tmp/a\0b", "NUL", "");
    refused("qt:a\0b", "NUL", "");
    refused("sysv:0", "IPC_PRIVATE", "sysv:id=N");
    refused("sysv:/tmp#0", "cannot be 0", "1 to 255");
    refused("camera//front", "//", "camera");
    refused("nonsense:x", "nonsense", "cenote:nonsense:x");
    refused("posix:/line\nbreak/x", "no slash", "posix:/frames");
}
