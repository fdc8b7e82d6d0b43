//! Texts of types, and bytes by them, whatever they are.

use proptest::prelude::*;

use super::*;

const POSE: &str = "Pose(24,8){x@0:f64,y@8:f64,mode@16:Mode(u8){Off=0,On=1},spare@17:[u8;7]}";

fn decoded(text: &str, bytes: &[u8]) -> [String; 2] {
    let description = Description::parse(text).unwrap();
    let decoded = description.decode(bytes).unwrap();
    [decoded.to_string(), format!("{decoded:#}")]
}

#[test]
fn a_text_is_read_and_printed_as_it_was() {
    for text in [
        POSE,
        "u8",
        "[f32;3]",
        "[[char;2];0]",
        "Empty(0,1){}",
        "Pair(16,8){0@0:i64,1@8:Mode(i8){Back=-1,On=1}}",
        "Grüße_9(1,1){x@0:bool}",
        "None(u16){}",
    ] {
        let description = Description::parse(text).unwrap();
        assert_eq!(description.to_string(), text);
        assert!(
            serde_json::from_str::<serde_json::Value>(
                &description.decode(&vec![0; description.size()]).unwrap().to_string()
            )
            .is_ok()
        );
    }
    let pose = Description::parse(POSE).unwrap();
    assert_eq!((pose.name(), pose.size()), ("Pose".to_owned(), 24));
    let fields = pose.fields();
    assert_eq!(fields.len(), 4);
    assert_eq!((fields[3].name.as_str(), fields[3].offset, fields[3].of.as_str()), ("spare", 17, "[u8;7]"));
}

#[test]
fn what_is_no_text_of_a_type_is_corrupt() {
    let deep = format!("{}u8{}", "[".repeat(2000), ";1]".repeat(2000));
    for text in [
        "",
        "u7",
        "usize",
        "[u8]",
        "[u8;]",
        "[u8;-1]",
        "[u8;18446744073709551616]",
        "u8 ",
        " u8",
        "u8u8(",
        "X(",
        "X(1,1)",
        "X(1,1){",
        "X(1,1){x}",
        "X(1,1){x@0}",
        "X(1,1){x@0:u8,}",
        "X(1,1){x@1:u8}",
        "X(1,1){x@0:u16}",
        "X(4,1){x@0:u16,y@1:u8}",
        "X(4,1){x@18446744073709551615:u8}",
        "X(f32){A=1}",
        "X(u8){A}",
        "X(u8){A=}",
        "[[[u8;4294967296];4294967296];2]",
        "X(1,1){\"x\"@0:u8}",
        "X(1,1){a\u{1b}[2J@0:u8}",
        &deep,
    ] {
        let error = Description::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{text}");
    }
}

#[test]
fn bytes_are_said_in_words() {
    let mut bytes = vec![0; 24];
    bytes[..8].copy_from_slice(&1.5_f64.to_ne_bytes());
    bytes[8..16].copy_from_slice(&f64::NAN.to_ne_bytes());
    bytes[16] = 1;
    let [json, lines] = decoded(POSE, &bytes);
    assert_eq!(json, r#"{"x":1.5,"y":null,"mode":"On","spare":[0,0,0,0,0,0,0]}"#);
    assert_eq!(lines, "x: 1.5\ny: NaN\nmode: On\nspare: [0, 0, 0, 0, 0, 0, 0]\n");
    bytes[16] = 77;
    assert!(decoded(POSE, &bytes)[0].contains(r#""mode":77"#));

    let of = "[P(2,1){a@0:bool,b@1:i8};2]";
    let [json, lines] = decoded(of, &[1, 0xff, 9, 3]);
    assert_eq!(json, r#"[{"a":true,"b":-1},{"a":9,"b":3}]"#);
    assert_eq!(lines, "[0].a: true\n[0].b: -1\n[1].a: 9\n[1].b: 3\n");

    let letters: Vec<u8> =
        ['"', '\n', 'ü'].iter().flat_map(|letter| u32::from(*letter).to_ne_bytes()).collect();
    assert_eq!(decoded("[char;3]", &letters), [r#"["\"","\u000a","ü"]"#, "['\"', '\\n', 'ü']\n"]);
    assert_eq!(decoded("char", &[0xff; 4])[0], "4294967295");
    assert_eq!(decoded("u128", &[0xff; 16])[0], u128::MAX.to_string());
    assert_eq!(decoded("X(i64){A=-2}", &(-2_i64).to_ne_bytes())[0], "\"A\"");
    assert_eq!(decoded("f64", &1e300_f64.to_ne_bytes())[0], "1e300");

    let error = Description::parse("u16").unwrap().decode(&[1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSize);
}

/// Billions of nothing are nothing.
#[test]
fn what_has_no_bytes_takes_no_time() {
    assert_eq!(decoded("[Empty(0,1){};9999999999999]", &[])[0], "[]");
    assert_eq!(decoded("[[u8;0];9999999999999]", &[])[1], "[]\n");
}

proptest! {
    #[test]
    fn no_text_at_all_does_harm(text in "[a-zX@(){}\\[\\]:;,=0-9-]{0,60}", byte: u8) {
        if let Ok(description) = Description::parse(&text)
            && description.size() < 1000
        {
            let bytes = vec![byte; description.size()];
            let json = description.decode(&bytes).unwrap().to_string();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", json);
        }
    }

    /// Texts of types, with something in them changed.
    #[test]
    fn no_change_of_a_text_does_harm(at in 0..POSE.len(), with in "[a-zX@(){}\\[\\]:;,=0-9-]") {
        let mut text = POSE.to_owned();
        text.replace_range(at..=at, &with);
        if let Ok(description) = Description::parse(&text)
            && description.size() < 1_000_000
        {
            let bytes = vec![1; description.size()];
            let _ = description.decode(&bytes).unwrap().to_string();
        }
    }
}
