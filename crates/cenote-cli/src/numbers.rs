//! Numbers as people write them: sizes such as `64KiB`, times such as `200ms`, modes such as `0660`.

use std::time::Duration;

/// A number that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) what: String,
    pub(crate) hint: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Unreadable {}

/// A number of bytes: `4096`, `0x1000`, `64KiB`, `10MB`. K, M, G and T alone count in 1024, as elsewhere in a shell.
pub(crate) fn size(text: &str) -> Result<u64, Unreadable> {
    let unreadable = |why| Unreadable {
        what: format!("`{text}` is not a size: {why}"),
        hint: "write bytes as in 4096 or 0x1000, or a unit as in 64KiB, 1MiB, 2GiB, 10MB",
    };
    if let Some(digits) = text.strip_prefix("0x") {
        let number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return match u64::from_str_radix(digits, 16) {
            Ok(bytes) if number => Ok(bytes),
            _ => Err(unreadable("that is no hexadecimal number of 64 bits")),
        };
    }
    let (digits, unit) = split(text, |letter| letter.is_ascii_digit());
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000_u64,
        _ => return Err(unreadable("the unit is not known")),
    };
    if digits.is_empty() {
        return Err(unreadable("there is no number"));
    }
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| unreadable("it is more than 64 bits can say"))
}

/// A time: `5s`, `200ms`, `2m`, `1h`, `1d`, or a number of seconds, with a fraction if need be.
pub(crate) fn duration(text: &str) -> Result<Duration, Unreadable> {
    let unreadable = |why| Unreadable {
        what: format!("`{text}` is not a time: {why}"),
        hint: "write seconds as in 5 or 0.5, or a unit as in 200ms, 5s, 2m, 1h, 1d",
    };
    let (number, unit) = split(text, |letter| letter.is_ascii_digit() || letter == '.');
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(unreadable("the unit is not known")),
    };
    let number: f64 = number.parse().map_err(|_| unreadable("there is no number"))?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| unreadable("it is too long"))
}

/// Permission bits in octal, as `chmod` takes them.
pub(crate) fn mode(text: &str) -> Result<u32, Unreadable> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let number = digits.bytes().all(|digit| digit.is_ascii_digit());
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if number && mode <= 0o777 => Ok(mode),
        _ => Err(Unreadable {
            what: format!("`{text}` is not a mode"),
            hint: "write it in octal up to 0777: 0600 for you alone, 0660 for your group too, 0666 for all",
        }),
    }
}

/// The number in front, and what follows it.
fn split(text: &str, of_number: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !of_number(letter)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let read = |text| size(text).ok();
        assert_eq!(read("4096"), Some(4096));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("0x10"), Some(16));
        assert_eq!(read("64KiB"), Some(65_536));
        assert_eq!(read("64kib"), Some(65_536));
        assert_eq!(read("4K"), Some(4096));
        assert_eq!(read("1MiB"), Some(1 << 20));
        assert_eq!(read("10MB"), Some(10_000_000));
        assert_eq!(read("7B"), Some(7));
        assert_eq!(read("18446744073709551615"), Some(u64::MAX));
        assert_eq!(read("16777215TiB"), Some(u64::MAX - (1 << 40) + 1));
        for text in
            ["", "KiB", "-1", "+1", "1.5MiB", "1 MiB", "4 ", "1XiB", "0x", "0x+1", "0xfffffffffffffffff"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["18446744073709551616", "16777216TiB", "99999999999999999999KiB"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        let read = |text| duration(text).ok();
        assert_eq!(read("5s"), Some(Duration::from_secs(5)));
        assert_eq!(read("5"), Some(Duration::from_secs(5)));
        assert_eq!(read("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(read("2m"), Some(Duration::from_secs(120)));
        assert_eq!(read("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(read("1.5d"), Some(Duration::from_secs(129_600)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        for text in ["", "s", ".", "1.2.3", "-1", "5 s", "5w", "inf", "nan", "1e3", "99999999999999999999h"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn modes() {
        let read = |text| mode(text).ok();
        assert_eq!(read("0660"), Some(0o660));
        assert_eq!(read("600"), Some(0o600));
        assert_eq!(read("0o644"), Some(0o644));
        for text in ["", "8", "1777", "+600", "rw", "-1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
