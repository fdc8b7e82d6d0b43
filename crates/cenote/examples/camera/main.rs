//! A camera that publishes pictures, and viewers who look at them in place, each in its own time.
//!
//!     cargo run -q -p cenote --example camera -- camera 90 &
//!     cargo run -q -p cenote --example camera -- viewer 10
//!     cargo run -q -p cenote --example camera -- late 10
//!
//! `camera COUNT` takes 30 pictures a second; without a count, one when Enter is pressed. `viewer` begins with the next
//! picture, `late` with the last one that is there, and `read-only` with that one, too, where it may only read. `slow` has
//! each in hand until Enter is pressed. `classic.c` beside this has one picture for all, behind a mutex, and a semaphore
//! for each viewer.

use std::error::Error;
use std::io::{self, BufRead};
use std::process::exit;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cenote::channel::{Loan, Sample};
use cenote::{Publisher, Segment, Subscriber, Topic};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const NAME: &str = "cookbook/camera";

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// Red, green and blue.
const PIXEL: usize = 3;
const HEAD: usize = size_of::<Head>();
const LEN: usize = HEAD + PIXEL * WIDTH as usize * HEIGHT as usize;

/// How many pictures are there for who is late, and how many more can be in somebody's hands.
const DEPTH: u64 = 4;
const SPARE: u64 = 4;

/// What is in front of the pixels.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Head {
    number: u64,
    /// When it was taken: nanoseconds since 1970.
    time: u64,
    width: u32,
    height: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut name = NAME.to_owned();
    if arguments.first().is_some_and(|first| first == "--at") && arguments.len() > 1 {
        name = arguments.drain(..2).next_back().unwrap_or_default();
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["camera"] => by_hand(&camera(&name)?),
        ["camera", count] => film(&camera(&name)?, count.parse()?),
        ["viewer", count] => view(&Topic::<[u8]>::attach(&*name)?.subscriber()?, count.parse()?, false),
        ["slow", count] => view(&Topic::<[u8]>::attach(&*name)?.subscriber()?, count.parse()?, true),
        ["late", count] => {
            let late = Topic::<[u8]>::attach(&*name)?.subscriber_with_last(1)?; // at once, if there was any
            view(&late, count.parse()?, false)
        }
        ["read-only", count] => {
            let read_only = Topic::<[u8]>::options().segment(&Segment::options().read_only());
            view(&read_only.attach(&*name)?.subscriber_with_last(1)?, count.parse()?, false)
        }
        _ => {
            eprintln!("usage: camera [--at NAME] camera [COUNT] | viewer|slow|late|read-only COUNT");
            exit(2)
        }
    }
}

/// A topic that waits for nobody. All users may look.
fn camera(name: &str) -> cenote::Result<Publisher> {
    let options = Topic::<[u8]>::options().message(LEN as u64).depth(DEPTH).spare(SPARE);
    let everybody = Segment::options().mode(0o644);
    options.one_publisher().segment(&everybody).create(name)?.publisher()
}

fn by_hand(pictures: &Publisher) -> Result<(), Box<dyn Error>> {
    println!("camera: ready; Enter takes a picture");
    for (number, line) in (1..).zip(io::stdin().lock().lines()) {
        line?;
        println!("camera: picture {number}, sum {:x}", take(pictures, number)?);
    }
    Ok(())
}

fn film(pictures: &Publisher, count: u64) -> Result<(), Box<dyn Error>> {
    println!("camera: ready");
    for number in 1..=count {
        take(pictures, number)?;
        thread::sleep(Duration::from_secs(1) / 30);
    }
    println!("camera: {count} pictures");
    Ok(())
}

/// Takes a picture, in the memory that all look at: the sum of its pixels.
fn take(pictures: &Publisher, number: u64) -> cenote::Result<u32> {
    let time = now();
    let head = Head { number, time, width: WIDTH, height: HEIGHT };
    let mut picture = pictures.loan(LEN)?; // nobody's yet
    picture.write_at(0, head.as_bytes())?;
    let sum = expose(&mut picture, number)?;
    picture.send()?; // everybody's; who is slow misses an old one
    Ok(sum)
}

/// As the sensor gives it: row by row.
fn expose(picture: &mut Loan<'_>, number: u64) -> cenote::Result<u32> {
    let mut row = [0; PIXEL * WIDTH as usize];
    let mut sum = START;
    for (y, at) in (HEAD..LEN).step_by(row.len()).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(PIXEL).enumerate() {
            let [red, green, blue] = [x / 3, y / 2, x + y].map(|shade| (shade as u64 + 8 * number) as u8);
            pixel.copy_from_slice(&[red, green, blue]);
        }
        picture.write_at(at, &row)?;
        sum = row.iter().fold(sum, add);
    }
    Ok(sum)
}

fn view(pictures: &Subscriber, count: u64, slowly: bool) -> Result<(), Box<dyn Error>> {
    println!("viewer: ready");
    for _ in 0..count {
        let picture = pictures.borrow()?; // stays as it is until it is dropped, whatever the camera does
        let (Head { number, time, width, height }, sum) = look_at(&picture)?;
        let (missed, age) = (pictures.missed(), now().saturating_sub(time) / 1000);
        println!("viewer: picture {number}, {width} x {height}, sum {sum:x}, {missed} missed, {age} us old");
        if slowly {
            io::stdin().read_line(&mut String::new())?;
            if look_at(&picture)?.1 != sum {
                return Err(format!("picture {number} has changed").into());
            }
        }
    }
    Ok(())
}

/// Its head, and the sum of its pixels. It comes from another process, and may be anything.
fn look_at(picture: &Sample<'_>) -> Result<(Head, u32), Box<dyn Error>> {
    let head: Head = picture.read_value(0)?;
    let row = PIXEL * head.width as usize;
    if row == 0 || row.checked_mul(head.height as usize) != Some(picture.len() - HEAD) {
        return Err(
            format!("{} bytes are no picture of {} x {}", picture.len(), head.width, head.height).into()
        );
    }
    let mut pixels = vec![0; row]; // one row is copied at a time
    let mut sum = START;
    for at in (HEAD..picture.len()).step_by(row) {
        picture.read_at(at, &mut pixels)?;
        sum = pixels.iter().fold(sum, add);
    }
    Ok((head, sum))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

/// A sum that tells whether the bytes are the same (FNV-1a).
const START: u32 = 0x811c_9dc5;

fn add(sum: u32, byte: &u8) -> u32 {
    (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
}
