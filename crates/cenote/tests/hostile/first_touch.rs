//! Memory that was taken away before anybody touched it.

use std::fs::OpenOptions;

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;

use crate::minute;

fn shrink(name: &ShmName, size: u64) {
    OpenOptions::new().write(true).open(name.path()).unwrap().set_len(size).unwrap();
}

#[test]
fn a_mapping_that_is_truncated_before_its_first_touch_is_lost_and_not_deadly() {
    let _watchdog = minute();
    type Access = fn(&Segment) -> cenote::Result<()>;
    let accesses: [Access; 7] = [
        |segment| segment.read_at(0, &mut [0; 9]),
        |segment| segment.read_to_vec(..).map(drop),
        |segment| segment.read_value::<u64>(8184).map(drop),
        |segment| segment.write_at(0, &[1]),
        |segment| segment.fill(.., 1),
        |segment| segment.copy_to(..100, segment.view(4096, 100).unwrap()),
        |segment| segment.lock().unwrap().write_value(16, &7_u64),
    ];
    for sparse in [false, true] {
        for (number, access) in accesses.iter().enumerate() {
            let name = ShmName::unique("untouched");
            let address = format!("posix:{}", name.name());
            let options = if sparse { Segment::options().sparse() } else { Segment::options() };
            let maker = options.create(&address, 8192).unwrap();
            let user = Segment::attach(&address).unwrap();
            shrink(&name, 0);
            for segment in [&maker, &user] {
                let error = access(segment).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "access {number}: {error}");
            }
            // It can be had anew.
            let error = Segment::attach(&address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
            Segment::remove(&address).unwrap();
            Segment::create(&address, 8192).unwrap().write_at(0, &[1]).unwrap();
        }
    }
}

#[test]
fn what_is_left_of_a_truncated_page_reads_as_zeros_and_what_grows_back_is_usable() {
    let _watchdog = minute();
    let name = ShmName::unique("part");
    let address = format!("posix:{}", name.name());
    let segment = Segment::create(&address, 8192).unwrap();
    segment.fill(.., 0xff).unwrap();
    shrink(&name, 100);
    // The rest of the page is there still.
    assert_eq!(segment.read_to_vec(98..102).unwrap(), [0xff, 0xff, 0, 0]);
    // Grown back before anybody noticed.
    shrink(&name, 8192);
    assert_eq!(segment.read_value::<u8>(8000).unwrap(), 0);
    segment.write_at(8000, &[1]).unwrap();
    assert_eq!(Segment::attach(&address).unwrap().read_value::<u8>(8000).unwrap(), 1);
}

#[test]
fn a_lost_segment_stays_lost_when_the_file_grows_back_and_a_new_attachment_is_well() {
    let _watchdog = minute();
    let name = ShmName::unique("back");
    let address = format!("posix:{}", name.name());
    let segment = Segment::create(&address, 8192).unwrap();
    shrink(&name, 0);
    assert_eq!(segment.read_value::<u8>(0).unwrap_err().kind(), ErrorKind::Corrupt);
    shrink(&name, 8192);
    assert_eq!(segment.write_at(0, &[1]).unwrap_err().kind(), ErrorKind::Corrupt);
    let anew = Segment::attach(&address).unwrap();
    assert_eq!(anew.read_value::<u8>(0).unwrap(), 0, "what was written to the lost one has gone nowhere");
    // The lock is the file's, not the memory's.
    let guard = segment.lock().unwrap();
    assert!(anew.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    segment.detach().unwrap();
}

#[test]
fn a_copy_between_two_segments_names_the_one_that_is_lost() {
    let _watchdog = minute();
    let (from_name, to_name) = (ShmName::unique("from"), ShmName::unique("to"));
    let (from_address, to_address) =
        (format!("posix:{}", from_name.name()), format!("posix:{}", to_name.name()));
    let from = Segment::create(&from_address, 8192).unwrap();
    let to = Segment::create(&to_address, 8192).unwrap();
    shrink(&from_name, 0);
    let error = from.copy_to(.., to.view(0, 8192).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.address(), Some(from_address.as_str()), "{error}");
    to.write_at(0, b"well").unwrap();
}
