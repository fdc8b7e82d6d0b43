//! Messages between windows: a structure, bytes, or a number by `WM_COPYDATA`.
//!
//!     cargo run -q -p cenote --example copy-data -- receiver
//!     cargo run -q -p cenote --example copy-data -- struct 7 21.5 C
//!     cargo run -q -p cenote --example copy-data -- bytes Hello
//!     cargo run -q -p cenote --example copy-data -- number 42
//!
//! For Windows. The receiver ends with Enter, or with its input; `hung` makes the receiver's window and looks at no
//! message. `classic.cpp` beside this is the same in C++; each half works with the other's.

use std::error::Error;
use std::io;
use std::process::exit;
use std::thread;
use std::time::Duration;

use zerocopy::{FromBytes, Immutable, IntoBytes};

#[cfg_attr(not(windows), path = "no_window.rs")]
mod window;

use window::{Parcel, Receiver, Window};

/// The name that receiver and sender know: that of the window's class.
const CLASS: &str = "CopyDataReceiver";
/// What comes with data says by its tag what they are.
const STRUCT: usize = 1;
const BYTES: usize = 2;
/// More bytes than that are refused.
const MOST: usize = 4096;
/// How long a receiver may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The structure that is sent.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Reading {
    sensor: u32,
    quality: u32,
    value: f64,
    /// Up to a NUL, or all of it.
    unit: [u8; 16],
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut class = CLASS.to_owned();
    if arguments.first().is_some_and(|first| first == "--to") && arguments.len() > 1 {
        class = arguments.drain(..2).next_back().unwrap_or_default();
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["receiver"] => receiver(&class),
        ["hung"] => hung(&class),
        ["struct", sensor, value, unit] => {
            let mut reading =
                Reading { sensor: sensor.parse()?, quality: 100, value: value.parse()?, unit: [0; 16] };
            let unit = &unit.as_bytes()[..unit.len().min(16)];
            reading.unit[..unit.len()].copy_from_slice(unit);
            send(&class, Parcel::Data(STRUCT, reading.as_bytes()))
        }
        ["bytes", text] => send(&class, Parcel::Data(BYTES, text.as_bytes())),
        ["number", number] => send(&class, Parcel::Number(number.parse()?)),
        ["tagged", tag, text] => send(&class, Parcel::Data(tag.parse()?, text.as_bytes())),
        _ => {
            eprintln!("usage: copy-data [--to NAME] receiver | hung | struct SENSOR VALUE UNIT | bytes TEXT");
            eprintln!("                             | number NUMBER | tagged TAG TEXT");
            exit(2)
        }
    }
}

fn receiver(class: &str) -> Result<(), Box<dyn Error>> {
    let window = Window::open(class, |parcel| match meaning(parcel) {
        Ok(words) => {
            println!("receiver: {words}");
            true
        }
        Err(why) => {
            println!("receiver: refused: {why}");
            false
        }
    })?;
    println!("receiver: ready; Enter ends it");
    let closer = window.closer();
    thread::spawn(move || {
        // Whatever comes, or does not: it is the end.
        let _ = io::stdin().read_line(&mut String::new());
        closer.close();
    });
    Ok(window.run()?)
}

/// What somebody has sent, in words. It may be anything.
fn meaning(parcel: Parcel<'_>) -> Result<String, String> {
    match parcel {
        Parcel::Number(number) => Ok(format!("the number {number}")),
        Parcel::Data(STRUCT, bytes) => {
            let size = size_of::<Reading>();
            let wrong = |_| format!("the structure has {size} bytes, and not {}", bytes.len());
            let Reading { sensor, quality, value, unit } = Reading::read_from_bytes(bytes).map_err(wrong)?;
            let unit = unit.split(|&byte| byte == 0).next().unwrap_or_default().escape_ascii();
            Ok(format!("the structure: sensor {sensor}, quality {quality}, {value} {unit}"))
        }
        Parcel::Data(BYTES, bytes) if bytes.len() > MOST => {
            Err(format!("{} bytes are more than {MOST}", bytes.len()))
        }
        Parcel::Data(BYTES, bytes) => Ok(format!("{} bytes: {}", bytes.len(), bytes.escape_ascii())),
        Parcel::Data(tag, _) => Err(format!("nothing is known of tag {tag}")),
    }
}

fn send(class: &str, parcel: Parcel<'_>) -> Result<(), Box<dyn Error>> {
    let receiver = Receiver::find(class)?;
    match receiver.send(parcel, ANSWER_LIMIT) {
        Ok(true) => println!("sender: it was taken"),
        Ok(false) => return Err("the receiver refuses it".into()),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            return Err(format!("the receiver has not answered within {ANSWER_LIMIT:?}").into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// A window whose program has no time for messages.
fn hung(class: &str) -> Result<(), Box<dyn Error>> {
    let _window = Window::open(class, |_| true)?;
    println!("hung: ready; Enter ends it");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}
