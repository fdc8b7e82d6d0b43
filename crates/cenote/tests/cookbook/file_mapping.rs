//! Recipe `file-mapping`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cenote::{ErrorKind, Segment};
use testkit::{memory, names};

use crate::minutes;
use crate::programs::{Program, ours, pairings, programs, two};

const RECIPE: &str = "file-mapping";
const WELL_KNOWN: &str = r"windows:Local\SampleMap";
const SIZE: usize = 65536;
const MESSAGE: &str = "Message from the first process.";
const WRITTEN: &str = "server: wrote it";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A name that no other test uses.
fn unique() -> String {
    format!(r"Local\{}", names::unique("mapping"))
}

/// Both here and in the pages' commands the programs' own name is used: there is one of it.
pub(crate) fn alone_with_the_name() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn serve_and_read(server: &Program, client: &Program, name: &[&str]) {
    let mut serving = server.start_to_type(&[&["server"], name].concat());
    serving.until(WRITTEN);
    assert_eq!(client.run(&[&["client"], name].concat()), format!("{MESSAGE}\n"), "{server:?}, {client:?}");
    serving.press_enter();
    serving.finish();
    let said = client.run_refused(&[&["client"], name].concat());
    assert!(!said.is_empty(), "{server:?} has left something for {client:?}");
}

#[test]
fn each_client_reads_what_each_server_wrote_and_enter_takes_it_away() {
    let _watchdog = minutes();
    for (server, client) in pairings(RECIPE, &[RECIPE]) {
        serve_and_read(&server, &client, &[&unique()]);
    }
}

#[test]
fn the_well_known_name_is_the_default() {
    let (_watchdog, _alone) = (minutes(), alone_with_the_name());
    let (ours, classic) = two(RECIPE);
    serve_and_read(&ours, &classic, &[]);
    serve_and_read(&classic, &ours, &[]);
}

#[test]
fn their_well_known_mapping_is_what_the_library_sees_of_it() {
    let (_watchdog, _alone) = (minutes(), alone_with_the_name());
    for server in programs(RECIPE, &[RECIPE]) {
        assert_eq!(Segment::attach(WELL_KNOWN).unwrap_err().kind(), ErrorKind::NotFound);
        let mut serving = server.start_to_type(&["server"]);
        serving.until(WRITTEN);
        let segment = Segment::options().read_only().attach(WELL_KNOWN).unwrap();
        assert_eq!(segment.len(), SIZE);
        let text = utf16(MESSAGE);
        assert_eq!(segment.read_to_vec(..text.len()).unwrap(), text);
        assert!(segment.read_to_vec(text.len()..).unwrap().iter().all(|&byte| byte == 0));
        assert_eq!(segment.write_at(0, b"no").unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert!(memory::is_shared_and_read_only(segment.view(0, SIZE).unwrap().as_ptr()));

        // The mapping lives as long as anybody has it, a killed server's too, and no longer.
        serving.kill();
        assert_eq!(segment.read_to_vec(..text.len()).unwrap(), text);
        drop(Segment::attach(WELL_KNOWN).unwrap());
        segment.detach().unwrap();
        assert_eq!(Segment::attach(WELL_KNOWN).unwrap_err().kind(), ErrorKind::NotFound, "{server:?}");
    }
}

#[test]
fn a_second_server_is_refused_and_disturbs_nobody() {
    let _watchdog = minutes();
    for (first, second) in pairings(RECIPE, &[RECIPE]) {
        let name = unique();
        let address = format!("windows:{name}");
        let mut serving = first.start_to_type(&["server", &name]);
        serving.until(WRITTEN);
        second.run_refused(&["server", &name]);
        let found = Segment::open_or_create(&*address, SIZE as u64).unwrap();
        assert!(!found.was_created());
        let text = utf16(MESSAGE);
        assert_eq!(found.read_to_vec(..text.len()).unwrap(), text);
        let error = Segment::open_or_create(&*address, SIZE as u64 + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
        drop(found);
        serving.press_enter();
        serving.finish();
    }
}

#[test]
fn our_client_stops_where_the_view_ends_if_nobody_wrote_a_nul() {
    let _watchdog = minutes();
    let name = unique();
    let segment = Segment::create(format!("windows:{name}"), SIZE as u64).unwrap();
    segment.write_at(0, &b"x\0".repeat(SIZE / 2)).unwrap();
    assert_eq!(ours(RECIPE).run(&["client", &name]), format!("{}\n", "x".repeat(512)));
}
