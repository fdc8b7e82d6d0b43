//! A structure, a stream of bytes and a number, from one sender to one receiver through one queue: the tag says which.
//!
//!     cargo run -q -p cenote --example tagged-messages -- receiver 3 &
//!     cargo run -q -p cenote --example tagged-messages -- struct 7 21.5 C
//!     cargo run -q -p cenote --example tagged-messages -- stream FILE
//!     cargo run -q -p cenote --example tagged-messages -- number 42
//!
//! The receiver makes the queue, and ends when it has received so many. `half FILE` sends the beginning of a stream and
//! waits for Enter before it goes on. `classic.c` beside this does the same through a named pipe.

use std::error::Error;
use std::io;
use std::process::exit;

use cenote::channel::Borrowed;
use cenote::{Queue, Sender};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const NAME: &str = "cookbook/tagged";

/// What a message is, by its tag.
const STRUCT: u32 = 1;
const NUMBER: u32 = 2;
/// The first piece of a stream; the others; an empty one is its end.
const BEGIN: u32 = 3;
const MORE: u32 = 4;

/// How long a piece of a stream can be, and how many can be on their way.
const LONGEST: usize = 4096;
const DEPTH: u64 = 16;

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
    let mut name = NAME.to_owned();
    if arguments.first().is_some_and(|first| first == "--at") && arguments.len() > 1 {
        name = arguments.drain(..2).next_back().unwrap_or_default();
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["receiver", count] => receiver(&name, count.parse()?),
        ["struct", sensor, value, unit] => {
            let mut reading =
                Reading { sensor: sensor.parse()?, quality: 100, value: value.parse()?, unit: [0; 16] };
            let unit = &unit.as_bytes()[..unit.len().min(16)];
            reading.unit[..unit.len()].copy_from_slice(unit);
            Ok(sender(&name)?.send_tagged(STRUCT, reading.as_bytes())?)
        }
        ["number", number] => Ok(sender(&name)?.send_tagged(NUMBER, &number.parse::<u64>()?.to_le_bytes())?),
        ["stream", file] => stream(&name, file, || Ok(())),
        ["half", file] => stream(&name, file, || {
            println!("half: sent; Enter goes on");
            io::stdin().read_line(&mut String::new()).map(|_| ())
        }),
        ["tagged", tag, text] => Ok(sender(&name)?.send_tagged(tag.parse()?, text.as_bytes())?),
        _ => {
            eprintln!("usage: tagged-messages [--at NAME] receiver COUNT | struct SENSOR VALUE UNIT");
            eprintln!("           | stream FILE | half FILE | number NUMBER | tagged TAG TEXT");
            exit(2)
        }
    }
}

/// The receiver's queue. While one sends, another is refused; when it has gone, or was killed, the next one may.
fn sender(name: &str) -> cenote::Result<Sender> {
    Queue::<[u8]>::attach(name)?.sender()
}

/// Sends the bytes of a file, in pieces. `meanwhile` is called behind the first one.
fn stream(name: &str, file: &str, meanwhile: impl FnOnce() -> io::Result<()>) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let sender = sender(name)?;
    let (first, others) = bytes.split_at(bytes.len().min(LONGEST));
    sender.send_tagged(BEGIN, first)?;
    meanwhile()?;
    for piece in others.chunks(LONGEST) {
        sender.send_tagged(MORE, piece)?; // waits for room
    }
    sender.send_tagged(MORE, &[])?;
    println!("sender: {} bytes, sum {:x}", bytes.len(), bytes.iter().fold(START, add));
    Ok(())
}

fn receiver(name: &str, count: u64) -> Result<(), Box<dyn Error>> {
    let options = Queue::<[u8]>::options().message(LONGEST as u64).depth(DEPTH);
    let receiver = options.one_sender().one_receiver().create(name)?.receiver()?;
    println!("receiver: ready");
    let (mut left, mut stream) = (count, None);
    while left > 0 {
        let message = receiver.borrow()?;
        if message.tag() != MORE
            && let Some(Stream { len, .. }) = stream.take()
        {
            println!("receiver: a stream was cut short after {len} bytes"); // its sender was killed
        }
        if let Some(words) = meaning(&message, &mut stream)? {
            println!("receiver: {words}");
            left -= 1;
        }
    }
    Ok(receiver.detach()?)
}

/// A stream that has begun: how many bytes have come, and their sum.
struct Stream {
    len: usize,
    sum: u32,
}

/// What somebody has sent, in words, when all of it is there. It may be anything.
fn meaning(message: &Borrowed<'_>, stream: &mut Option<Stream>) -> cenote::Result<Option<String>> {
    Ok(Some(match (message.tag(), message.len()) {
        (STRUCT, len) if len == size_of::<Reading>() => {
            let Reading { sensor, quality, value, unit } = message.read_value(0)?;
            let unit = unit.split(|&byte| byte == 0).next().unwrap_or_default().escape_ascii();
            format!("the structure: sensor {sensor}, quality {quality}, {value} {unit}")
        }
        (NUMBER, 8) => format!("the number {}", u64::from_le_bytes(message.read_value(0)?)),
        (BEGIN, len) => {
            let sum = message.read_to_vec(..)?.iter().fold(START, add);
            *stream = Some(Stream { len, sum });
            return Ok(None);
        }
        (MORE, len) => match (len, stream.take()) {
            (_, None) => format!("refused: {len} bytes of a stream whose beginning nobody saw"),
            (0, Some(Stream { len, sum })) => format!("a stream of {len} bytes, sum {sum:x}"),
            (_, Some(Stream { len: before, sum })) => {
                let sum = message.read_to_vec(..)?.iter().fold(sum, add);
                *stream = Some(Stream { len: before + len, sum });
                return Ok(None);
            }
        },
        (STRUCT | NUMBER, len) => format!("refused: {len} bytes are not what their tag says"),
        (tag, _) => format!("refused: nothing is known of tag {tag}"),
    }))
}

/// A sum that tells whether the bytes are the same (FNV-1a).
const START: u32 = 0x811c_9dc5;

fn add(sum: u32, byte: &u8) -> u32 {
    (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
}
