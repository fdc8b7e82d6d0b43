//! Handing over, between programs that have a connection and no name in common.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use cenote::handover::{self, Grant};
use cenote::{ErrorKind, Sealed, Segment};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use testkit::system;

use crate::child::Other;
use crate::{minute, seal};

fn picture() -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgba([(x * 7) as u8, (y * 5) as u8, (x * y) as u8, 255]);
    DynamicImage::ImageRgba8(RgbaImage::from_fn(310, 170, pixel))
}

fn sealed_picture() -> Sealed {
    let mut png = std::io::Cursor::new(Vec::new());
    picture().write_to(&mut png, ImageFormat::Png).unwrap();
    let bytes = png.into_inner();
    let segment = Segment::create("memfd:picture", bytes.len() as u64).unwrap();
    segment.write_at(0, &bytes).unwrap();
    seal(segment)
}

#[test]
fn a_sealed_picture_goes_from_one_program_to_another() {
    let _watchdog = minute();
    let picture = sealed_picture();
    let other = Other::start("look at the picture");
    handover::send(&other.socket, &picture, Grant::ReadOnly).unwrap();
    other.finish();
    let Some(stranger) = Other::start_as_another_user("look at the picture") else { return };
    handover::send(&stranger.socket, &picture, Grant::ReadOnly).unwrap();
    stranger.finish();
}

pub(crate) fn look_at_the_picture(socket: &UnixStream) {
    let received = handover::receive(socket).unwrap().sealed().unwrap();
    // Decoded from the slice itself, without a copy and without unsafe code.
    let bytes: &[u8] = &received;
    assert_eq!(image::load_from_memory(bytes).unwrap(), picture());
}

#[test]
fn a_killed_sender_takes_nothing_along() {
    let _watchdog = minute();
    let mut sender = Other::start("send a picture twice and die");
    sender.wait_for_death();
    let received = handover::receive(&sender.socket).unwrap().sealed().unwrap();
    assert_eq!(
        image::load_from_memory(&received).unwrap(),
        picture(),
        "it is there, and nobody else holds it"
    );
    let late = handover::receive(&sender.socket).unwrap().sealed().unwrap();
    assert_eq!(late[..], received[..]);
    let error = handover::receive(&sender.socket).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = handover::send(&sender.socket, &late, Grant::ReadOnly).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

pub(crate) fn send_a_picture_twice_and_die(socket: &UnixStream) {
    let picture = sealed_picture();
    for _ in 0..2 {
        handover::send(socket, &picture, Grant::ReadOnly).unwrap();
    }
    system::signal(std::process::id(), 9);
}

pub(crate) fn connect_and_stay(_socket: &UnixStream) {
    loop {
        std::thread::park();
    }
}

#[test]
fn a_wait_ends_with_its_time_or_with_the_other_side() {
    let _watchdog = minute();
    let mut silent = Other::start("connect and stay");
    silent.socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let error = handover::receive(&silent.socket).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    silent.socket.set_read_timeout(None).unwrap();
    silent.kill();
    let error = handover::receive(&silent.socket).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn a_writable_segment_is_one_for_both() {
    let _watchdog = minute();
    let segment = Segment::create("memfd:both", 4096).unwrap();
    let mut others = vec![Other::start("write into it")];
    others.extend(Other::start_as_another_user("write into it"));
    for mut other in others {
        segment.write_at(0, b"from here").unwrap();
        handover::send(&other.socket, &segment, Grant::ReadWrite).unwrap();
        other.socket.read_exact(&mut [0]).unwrap();
        assert_eq!(segment.read_to_vec(..10).unwrap(), b"from there");
        other.finish();
    }
}

pub(crate) fn write_into_it(mut socket: &UnixStream) {
    let segment = handover::receive(socket).unwrap().segment().unwrap();
    assert!(!segment.is_read_only());
    assert_eq!(segment.read_to_vec(..9).unwrap(), b"from here");
    segment.write_at(0, b"from there").unwrap();
    socket.write_all(b"!").unwrap();
}

#[test]
fn the_lock_is_for_who_received_it_too() {
    let _watchdog = minute();
    // Locking opens the memory once more, for which the mode must let another user in.
    let segment = Segment::options().mode(0o666).create("memfd:lock", 64).unwrap();
    let mut others = vec![Other::start("lock it")];
    others.extend(Other::start_as_another_user("lock it"));
    for mut other in others {
        let guard = segment.lock().unwrap();
        handover::send(&other.socket, &segment, Grant::ReadWrite).unwrap();
        other.socket.read_exact(&mut [0]).unwrap();
        drop(guard);
        other.socket.read_exact(&mut [0]).unwrap();
        assert!(segment.try_lock().unwrap().is_none(), "the other has it");
        other.kill();
        drop(segment.lock_timeout(Duration::from_secs(20)).expect("the dead hold nothing"));
    }
}

pub(crate) fn lock_it(mut socket: &UnixStream) {
    let segment = handover::receive(socket).unwrap().segment().unwrap();
    assert!(segment.try_lock().unwrap().is_none(), "the lock did not come along");
    socket.write_all(b"!").unwrap();
    let _guard = segment.lock().unwrap();
    socket.write_all(b"!").unwrap();
    connect_and_stay(socket);
}

#[test]
fn what_cannot_be_granted_is_refused_here() {
    let _watchdog = minute();
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let refused = |result: cenote::Result<()>, kind| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    };
    refused(handover::send(&ours, &sealed_picture(), Grant::ReadWrite), ErrorKind::PermissionDenied);
    let segment = Segment::create("memfd:grants", 64).unwrap();
    let reader = Segment::options().read_only().attach(segment.address()).unwrap();
    refused(handover::send(&ours, &reader, Grant::ReadWrite), ErrorKind::PermissionDenied);
    // It could not be sealed from here, and unsealed it would not be read-only for all.
    refused(handover::send(&ours, &reader, Grant::ReadOnly), ErrorKind::PermissionDenied);
    handover::send(&ours, &segment, Grant::ReadOnly).unwrap();
    handover::send(&ours, &reader, Grant::ReadOnly).unwrap();
    refused(handover::send(&ours, &segment, Grant::ReadWrite), ErrorKind::PermissionDenied);

    let name = testkit::names::ShmName::unique("handing");
    let named = Segment::create(format!("posix:{}", name.name()), 64).unwrap();
    refused(handover::send(&ours, &named, Grant::ReadWrite), ErrorKind::Unsupported);
    refused(handover::send(&ours, &named, Grant::ReadOnly), ErrorKind::Unsupported);
    Segment::remove(named.address()).unwrap();
}
