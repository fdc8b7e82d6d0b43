//! What two programs mean by an address: the same type, or an error that says both.

use cenote::value::Description;
use cenote::{Blob, ErrorKind, Segment, Shared, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::{Name, minute};

mod one {
    use super::*;
    #[derive(Clone, Copy, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
    #[repr(C)]
    pub(super) struct Pose {
        pub(super) x: f32,
        pub(super) y: f32,
    }
}

/// Types that are something else than `one::Pose`, each in its way.
macro_rules! others {
    ($($module:ident { $(#[$attribute:meta])* struct $name:ident $fields:tt })*) => {
        $(mod $module {
            use super::*;
            #[derive(Clone, Copy, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
            $(#[$attribute])*
            #[allow(dead_code, reason = "it is its layout that counts")]
            pub(super) struct $name $fields
        })*

        /// Of each, its text and what attaching as it gives.
        fn as_others(address: &str) -> Vec<(String, Option<ErrorKind>)> {
            vec![$({
                use $module::$name;
                ($name::description(), Value::<$name>::attach(address).err().map(|error| error.kind()))
            }),*]
        }
    };
}

others! {
    called_otherwise { #[repr(C)] struct Place { x: f32, y: f32 } }
    field_called_otherwise { #[repr(C)] struct Pose { x: f32, z: f32 } }
    other_order { #[repr(C)] struct Pose { y: f32, x: f32 } }
    other_type { #[repr(C)] struct Pose { x: f32, y: u32 } }
    one_more { #[repr(C)] struct Pose { x: f32, y: f32, z: f32 } }
    one_less { #[repr(C)] struct Pose { x: f32 } }
    other_alignment { #[repr(C, packed)] struct Pose { x: f32, y: f32 } }
    an_array { #[repr(C)] struct Pose { x: [f32; 2] } }
}

#[test]
fn any_difference_is_a_different_type() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), one::Pose { x: 1.0, y: 2.0 }).unwrap();
    let others = as_others(name.address());
    for (text, kind) in &others {
        assert_ne!(*text, one::Pose::description());
        assert_eq!(*kind, Some(ErrorKind::Incompatible), "{text}");
    }
    let mut texts: Vec<_> = others.iter().map(|(text, _)| text).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), others.len());
    assert_eq!(value.load().unwrap().y, 2.0);
    assert_eq!(Value::<one::Pose>::attach(name.address()).unwrap().load().unwrap().x, 1.0);
}

#[test]
fn an_error_names_both_sides() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let _value = Value::create(name.address(), one::Pose { x: 1.0, y: 2.0 }).unwrap();
    let error = Value::<[u16; 4]>::attach(name.address()).unwrap_err().to_string();
    for part in ["\"Pose\" of 8 bytes", "\"[u16;4]\" of 8 bytes"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
    let error = Value::open_or_create(name.address(), 7_u64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(error.hint().contains("the same type"), "{}", error.hint());
    let error = Blob::attach(name.address()).unwrap_err();
    assert!(error.kind() == ErrorKind::Incompatible && error.to_string().contains("a blob"), "{error}");
    // As bytes it can be attached.
    assert!(Segment::attach(name.address()).is_ok());

    let name = Name::unique("value");
    let _bytes = Segment::create(name.address(), 1000).unwrap();
    let error = Value::<u64>::attach(name.address()).unwrap_err();
    assert!(error.kind() == ErrorKind::Incompatible && error.to_string().contains("plain bytes"), "{error}");
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Everything {
    pair: Pair<u16, i8>,
    done: bool,
    kinds: [Kind; 2],
    letter: char,
    r#type: u8,
    spare: [u8; 3],
    wide: Wide,
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
struct Pair<A, B> {
    first: A,
    second: B,
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(i16)]
enum Kind {
    Back = -5,
    Rest,
    On = 300,
}

#[derive(Clone, Copy, Debug, PartialEq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
struct Wide(u64);

/// The text as `docs/format/value.md` has it, and a value that goes there and back.
#[test]
fn structs_enums_arrays_and_parameters_say_how_they_lie() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let text = "Everything(24,8){pair@0:Pair(3,1){first@0:u16,second@2:i8},done@3:bool,\
                kinds@4:[Kind(i16){Back=-5,Rest=-4,On=300};2],letter@8:char,type@12:u8,spare@13:[u8;3],\
                wide@16:Wide(8,8){0@0:u64}}";
    assert_eq!(Everything::description(), text);
    let all = Everything {
        pair: Pair { first: 7, second: -1 },
        done: true,
        kinds: [Kind::Rest, Kind::On],
        letter: 'ü',
        r#type: 1,
        spare: [0; 3],
        wide: Wide(u64::MAX),
    };
    let value = Value::create(name.address(), all).unwrap();
    assert_eq!(value.load().unwrap(), all);
    let description = Description::parse(text).unwrap();
    let decoded = description.decode(all.as_bytes()).unwrap();
    assert_eq!(
        decoded.to_string(),
        r#"{"pair":{"first":7,"second":-1},"done":true,"kinds":["Rest","On"],"letter":"ü","type":1,"spare":[0,0,0],"wide":{"0":18446744073709551615}}"#
    );
    assert!(format!("{decoded:#}").starts_with("pair.first: 7\npair.second: -1\ndone: true\n"));
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Long(u8);

impl Shared for Long {
    fn description() -> String {
        format!("Long(1,1){{{}@0:u8}}", "x".repeat(2800))
    }
}

#[test]
fn a_description_that_has_no_room_is_told() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let error = Value::create(name.address(), Long(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
    assert!(error.to_string().starts_with("cannot create cenote:"), "{error}");
    assert!(!name.is_there());
}

#[test]
fn what_values_cannot_be_is_unsupported() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    for address in ["posix:/x", "sysv:0x5100c0aa", "file:/tmp/x", "memfd:x", "qt:x"] {
        assert_eq!(Value::create(address, 1_u8).unwrap_err().kind(), ErrorKind::Unsupported, "{address}");
        assert_eq!(Blob::attach(address).unwrap_err().kind(), ErrorKind::Unsupported, "{address}");
    }
    let part = Segment::options().range(1..);
    let locked = Segment::options().lock_with("file:/tmp/x").unwrap();
    for options in [part, locked] {
        let error = Value::create_with(&options, name.address(), 1_u8).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().starts_with("cannot create"), "{error}");
    }
}

#[test]
fn values_are_opened_or_made() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    assert_eq!(Value::<u8>::attach(name.address()).unwrap_err().kind(), ErrorKind::NotFound);
    let made = Value::open_or_create(name.address(), 1_u8).unwrap();
    assert!(made.segment().was_created());
    made.store(&2).unwrap();
    let found = Value::open_or_create(name.address(), 9_u8).unwrap();
    assert!(!found.segment().was_created());
    assert_eq!(found.load().unwrap(), 2);
    assert_eq!(Value::create(name.address(), 1_u8).unwrap_err().kind(), ErrorKind::AlreadyExists);
}
