//! Creating, attaching, bytes, removing.

use cenote::{ErrorKind, Segment};
use testkit::{agent, memory};

use super::{Place, Removal};

pub(crate) fn what_is_written_is_read_by_another_process(place: &Place) {
    let segment = Segment::create(place.address(), 5000).unwrap();
    assert!(segment.was_created());
    segment.write_at(7, b"Hello, Client!").unwrap();
    segment.write_value(4096, &0x0102_0304_u32).unwrap();

    let mut client = agent::spawn();
    client.ask(&format!("attach {}", place.address())).expect_ok();
    assert_eq!(client.ask("size").expect_ok(), place.size(5000).to_string());
    assert_eq!(client.ask("read 7 14").expect_ok(), "48656c6c6f2c20436c69656e7421");
    assert_eq!(client.ask("read 4096 4").expect_ok(), "04030201");
    client.ask("write 4999 2a").expect_ok();
    assert_eq!(segment.read_value::<u8>(4999).unwrap(), 0x2a);
    client.finish();
    let _ = Segment::remove(place.address());
}

pub(crate) fn a_new_segment_is_zeros_of_the_size_asked_for(place: &Place) {
    for size in [1, 4095, 4096, 4097, 1 << 20] {
        let segment = Segment::create(place.address(), size).unwrap();
        assert_eq!(segment.len() as u64, place.size(size));
        assert!(segment.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0));
        segment.fill(.., 0xff).unwrap();
        place.end(segment);
    }
}

pub(crate) fn creating_twice_and_attaching_to_nothing_are_errors(place: &Place) {
    let missing = Segment::attach(place.address()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    let missing = Segment::remove(place.address()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    let missing = Segment::stat_of(place.address()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");

    let first = Segment::create(place.address(), 64).unwrap();
    first.write_at(0, b"first").unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("create {} 64", place.address())).expect_error("AlreadyExists");
    let again = Segment::create(place.address(), 64).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{again}");
    assert!(again.to_string().contains(place.address()), "{again}");
    assert_eq!(first.read_to_vec(..5).unwrap(), b"first", "a failed create leaves what is there alone");
    place.end(first);
}

pub(crate) fn a_size_of_0_and_one_beyond_memory_are_errors(place: &Place) {
    let nothing = Segment::create(place.address(), 0).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidSize, "{nothing}");
    for size in [1 << 50, u64::MAX] {
        let error = Segment::create(place.address(), size).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::OutOfResources | ErrorKind::InvalidSize),
            "{size}: {error}"
        );
    }
    let left = Segment::attach(place.address()).unwrap_err();
    assert_eq!(left.kind(), ErrorKind::NotFound, "a failed create leaves nothing: {left}");
}

pub(crate) fn open_or_create_makes_one_and_finds_it(place: &Place) {
    let first = Segment::open_or_create(place.address(), 100).unwrap();
    assert!(first.was_created());
    let mut other = agent::spawn();
    assert_eq!(other.ask(&format!("open-or-create {} 100", place.address())).expect_ok(), "attached");
    let more = place.size(100) + 1;
    other.ask(&format!("open-or-create {} {more}", place.address())).expect_error("InvalidSize");
    other.finish();
    place.end(first);
}

#[cfg(unix)]
pub(crate) fn the_mode_is_0600_or_what_was_asked_for(place: &Place) {
    drop(Segment::options().keep().create(place.address(), 8).unwrap());
    assert_eq!(Segment::stat_of(place.address()).unwrap().mode, Some(0o600));
    Segment::remove(place.address()).unwrap();
    // 0666 is what a umask of 022 would make 0644 of.
    drop(Segment::options().keep().mode(0o666).create(place.address(), 8).unwrap());
    assert_eq!(Segment::stat_of(place.address()).unwrap().mode, Some(0o666));
    Segment::remove(place.address()).unwrap();
}

pub(crate) fn a_read_only_attachment_reads_and_cannot_write(place: &Place) {
    let writer = Segment::create(place.address(), 64).unwrap();
    let reader = Segment::options().read_only().attach(place.address()).unwrap();
    assert!(reader.is_read_only());
    writer.write_at(0, b"seen").unwrap();
    assert_eq!(reader.read_to_vec(..4).unwrap(), b"seen");
    for refused in [
        reader.write_at(0, b"no"),
        reader.write_value(0, &1_u32),
        reader.fill(.., 0),
        writer.copy_to(..64, reader.view(0, 64).unwrap()),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
    assert_eq!(writer.read_to_vec(..4).unwrap(), b"seen");
    // The kernel refuses too, whatever this crate would say: the mapping has no write permission.
    let address = reader.view(0, 64).unwrap().as_ptr();
    assert!(agent::is_emulated() || memory::is_shared_and_read_only(address));
    let _ = Segment::remove(place.address());
}

pub(crate) fn ranges_outside_are_errors_and_change_nothing(place: &Place) {
    let segment = Segment::create(place.address(), 100).unwrap();
    // 100, or a whole page.
    let end = segment.len();
    let mut buffer = [0; 8];
    let view = segment.view(end - 10, 10).unwrap();
    for outside in [
        segment.write_at(end - 7, &[1; 8]),
        segment.write_at(end + 1, &[]),
        segment.write_at(usize::MAX, &[1; 8]),
        segment.read_at(end - 7, &mut buffer),
        segment.read_at(usize::MAX - 3, &mut buffer),
        segment.read_to_vec(50..=end).map(drop),
        segment.read_to_vec(..=usize::MAX).map(drop),
        segment.fill(end - 1..=end, 1),
        segment.read_value::<u64>(end - 7).map(drop),
        segment.view(end, 1).map(drop),
        segment.view(usize::MAX, 2).map(drop),
        view.write_at(3, &[1; 8]),
        view.view(0, 11).map(drop),
        // Perhaps within the page, but not within the segment.
        segment.write_at(end, &[1]),
        segment.copy_to(0..11, view),
    ] {
        let error = outside.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
    }
    assert!(segment.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0));

    assert_eq!(segment.read_to_vec(end..).unwrap(), b"", "an empty range at the end is within");
    view.write_at(9, &[7]).unwrap();
    assert_eq!(segment.read_value::<u8>(end - 1).unwrap(), 7);
    segment.copy_to(end - 5..end, segment.view(0, 5).unwrap()).unwrap();
    assert_eq!(segment.read_value::<u8>(4).unwrap(), 7);
    let _ = Segment::remove(place.address());
}

pub(crate) fn removal_takes_the_name_and_leaves_the_memory(place: &Place) {
    if place.removal != Removal::AtAnyTime {
        return a_name_stays_while_it_is_used(place);
    }
    let segment = Segment::create(place.address(), 64).unwrap();
    segment.write_at(0, b"still here").unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("remove {}", place.address())).expect_ok();
    assert_eq!(segment.read_to_vec(..10).unwrap(), b"still here");
    assert!(segment.stat().unwrap().removed);
    assert_eq!(Segment::attach(place.address()).unwrap_err().kind(), ErrorKind::NotFound);

    // The name is free for another, which the first handle tells from its own.
    other.ask(&format!("create {} 32", place.address())).expect_ok();
    assert!(segment.stat().unwrap().removed);
    assert_eq!(other.ask("stat").expect_ok().rsplit(' ').next(), Some("false"));
    segment.detach().unwrap();
    assert_eq!(
        Segment::stat_of(place.address()).unwrap().size,
        32,
        "detaching the old one leaves the new one"
    );
    other.finish();
    let _ = Segment::remove(place.address());
}

fn a_name_stays_while_it_is_used(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    segment.write_at(0, b"still here").unwrap();
    let mut other = agent::spawn();
    // What becomes of a file's name that is taken away from under a mapping depends on the version of the system.
    if place.removal == Removal::Never {
        other.ask(&format!("remove {}", place.address())).expect_error("Unsupported");
    }
    other.ask(&format!("attach {}", place.address())).expect_ok();
    assert_eq!(other.ask("read 0 10").expect_ok(), "7374696c6c2068657265");
    assert!(!segment.stat().unwrap().removed);
    other.finish();
    place.end(segment);
    assert_eq!(Segment::attach(place.address()).unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) fn stat_tells_size_owner_and_removal(place: &Place) {
    let segment = Segment::create(place.address(), 4097).unwrap();
    let stat = segment.stat().unwrap();
    let front = if place.native { 12288 } else { 0 };
    assert_eq!((stat.size, stat.mapped), (place.size(4097), front + 8192));
    assert!(!stat.removed);
    assert_eq!(stat.attached, place.counts.then_some(1));
    // System V counts and remembers, Windows counts, a native segment remembers.
    let remembers = place.counts && cfg!(unix) || place.native;
    assert_eq!(stat.creator, remembers.then_some(std::process::id()));
    let mut other = agent::spawn();
    other.ask(&format!("attach {}", place.address())).expect_ok();
    let two = if place.counts { "2" } else { "-" };
    assert_eq!(other.ask("stat").expect_ok(), format!("{} {two} false", place.size(4097)));
    other.kill();
    assert_eq!(Segment::stat_of(place.address()).unwrap().attached, place.counts.then_some(1));
    segment.detach().unwrap();
    match Segment::stat_of(place.address()) {
        Err(error) if place.last_removes => assert_eq!(error.kind(), ErrorKind::NotFound),
        stat => assert!(!place.last_removes && stat.is_ok(), "{stat:?}"),
    }
    let _ = Segment::remove(place.address());
}

pub(crate) fn an_open_race_has_one_maker(place: &Place) {
    let mut racers: Vec<_> = (0..4).map(|_| agent::spawn()).collect();
    for _ in 0..20 {
        for racer in &mut racers {
            racer.tell(&format!("open-or-create {} 64", place.address()));
        }
        let results: Vec<_> =
            racers.iter_mut().map(|racer| racer.wait_for_reply().expect_ok().to_owned()).collect();
        assert_eq!(results.iter().filter(|result| *result == "created").count(), 1, "{results:?}");
        racers[0].ask("write 5 2a").expect_ok();
        for racer in &mut racers {
            assert_eq!(racer.ask("read 5 1").expect_ok(), "2a", "all have the same one");
        }
        for racer in &mut racers {
            racer.ask("detach").expect_ok();
        }
        assert_eq!(Segment::remove(place.address()).is_err(), place.last_removes);
    }
}

/// From everywhere: mid-page, across the 64 KiB that Windows maps from, to the last byte.
pub(crate) fn a_range_is_a_part_of_the_segment_and_its_lock_the_whole_ones(place: &Place) {
    const SIZE: usize = 200_000;
    let whole = Segment::create(place.address(), SIZE as u64).unwrap();
    if !place.has_parts {
        let error = Segment::options().range(4096..).attach(place.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        return place.end(whole);
    }
    let size = whole.len();
    for (from, len) in
        [(0, 1), (1, 4096), (4096, 4096), (65_535, 3), (65_536, 65_536), (131_073, 60_000), (SIZE - 1, 1)]
    {
        let mut other = agent::spawn();
        other.ask(&format!("attach {}", place.address())).expect_ok();
        other.ask(&format!("write {} 2a", from + len - 1)).expect_ok();
        for options in [Segment::options(), Segment::options().read_only()] {
            let part = options.range(from as u64..(from + len) as u64).attach(place.address()).unwrap();
            assert_eq!(part.len(), len);
            assert_eq!(part.read_value::<u8>(len - 1).unwrap(), 0x2a, "{len} bytes from {from} on");
            assert_eq!(part.read_to_vec(..=len).unwrap_err().kind(), ErrorKind::InvalidSize);
            assert_eq!(part.stat().unwrap().size, whole.stat().unwrap().size);
            part.detach().unwrap();
        }
        let part =
            Segment::options().range(from as u64..(from + len) as u64).attach(place.address()).unwrap();
        part.fill(.., 0xc3).unwrap();
        assert_eq!(other.ask(&format!("read {from} 1")).expect_ok(), "c3");
        assert_eq!(part.write_at(len, &[1]).unwrap_err().kind(), ErrorKind::InvalidSize);
        let bytes = whole.read_to_vec(..).unwrap();
        let (before, after) = (&bytes[..from], &bytes[from + len..]);
        assert!(bytes[from..from + len].iter().all(|&byte| byte == 0xc3));
        assert!(before.iter().chain(after).all(|&byte| byte == 0), "more than the range was written");
        // The lock is the segment's, whatever part is attached.
        let guard = part.lock().unwrap();
        other.ask("try-lock").expect_error("Timeout");
        guard.unlock().unwrap();
        whole.fill(.., 0).unwrap();
        other.finish();
    }
    let to_the_end = Segment::options().range(100_001..).attach(place.address()).unwrap();
    assert_eq!(to_the_end.len(), size - 100_001);
    let size = size as u64;
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
    for wrong in [0..0, 7..7, 9..8, 0..size + 1, size..size + 1, u64::MAX - 1..u64::MAX] {
        let error = Segment::options().range(wrong.clone()).attach(place.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{wrong:?}: {error}");
    }
    // Enough for who asks for the whole, whatever part they want of it.
    let found = Segment::options().range(..16).open_or_create(place.address(), size).unwrap();
    assert_eq!((found.was_created(), found.len()), (false, 16));
    drop((to_the_end, found));
    place.end(whole);

    let made = Segment::options().range(65_537..65_540).create(place.address(), SIZE as u64).unwrap();
    assert_eq!(made.len(), 3);
    assert_eq!(Segment::attach(place.address()).unwrap().len() as u64, size);
    place.end(made);
}
