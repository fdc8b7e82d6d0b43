//! The bytes of a segment, whoever makes it.

use cenote::{ErrorKind, Segment};
use testkit::{agent, memory};

use super::{peer, with_each_key};

#[test]
fn qts_segment_is_written_and_read_to_the_last_byte() {
    with_each_key(|mut qt, key| {
        qt.ask(&format!("create {} 70000", key.word)).expect_ok();
        let ours = Segment::attach(&*key.address).unwrap();
        // Whole pages on both sides: nobody remembers the 70000.
        assert_eq!(qt.ask("size").expect_ok(), "73728");
        assert_eq!(ours.len(), 73728);
        assert!(ours.read_to_vec(..).unwrap().iter().all(|&byte| byte == 0));
        ours.write_at(0, b"Hello, Qt!").unwrap();
        ours.write_at(73727, &[0x2a]).unwrap();
        assert_eq!(qt.ask("read 0 10").expect_ok(), "48656c6c6f2c20517421");
        assert_eq!(qt.ask("read 73727 1").expect_ok(), "2a");
        qt.ask("write 73726 2b2c").expect_ok();
        assert_eq!(ours.read_to_vec(73726..).unwrap(), [0x2b, 0x2c]);
        qt.finish();
    });
}

#[test]
fn ours_is_written_and_read_by_qt_to_the_last_byte() {
    with_each_key(|mut qt, key| {
        let ours = Segment::create(&*key.address, 4097).unwrap();
        qt.ask(&format!("attach {}", key.word)).expect_ok();
        assert_eq!(qt.ask("size").expect_ok(), "8192");
        assert_eq!(ours.len(), 8192);
        ours.write_at(8185, b"the end").unwrap();
        assert_eq!(qt.ask("read 8185 7").expect_ok(), "74686520656e64");
        qt.ask("write 0 746865697273").expect_ok();
        assert_eq!(ours.read_to_vec(..6).unwrap(), b"theirs");
        qt.finish();
    });
}

#[test]
fn it_lives_as_long_as_anybody_has_it_and_no_longer() {
    with_each_key(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.word)).expect_ok();
        qt.ask("write 0 2a").expect_ok();
        let ours = Segment::attach(&*key.address).unwrap();
        assert_eq!(Segment::remove(&*key.address).unwrap_err().kind(), ErrorKind::Unsupported);
        qt.ask("detach").expect_ok();
        assert_eq!(ours.read_value::<u8>(0).unwrap(), 0x2a);
        qt.ask(&format!("attach {}", key.word)).expect_ok();
        ours.detach().unwrap();
        assert_eq!(qt.ask("read 0 1").expect_ok(), "2a", "our detach leaves Qt's");
        // Killed, it leaves nothing behind.
        qt.kill();
        assert_eq!(Segment::attach(&*key.address).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(Segment::stat_of(&*key.address).unwrap_err().kind(), ErrorKind::NotFound);

        let mut ours = agent::spawn();
        ours.ask(&format!("create {} 64", key.address)).expect_ok();
        ours.kill();
        let Some(mut qt) = peer() else { return };
        qt.ask(&format!("attach {}", key.word)).expect_error("NotFound");
        qt.ask(&format!("create {} 64", key.word)).expect_ok();
    });
}

#[test]
fn a_write_to_a_read_only_attachment_is_refused_by_ours_and_ends_qts_program() {
    with_each_key(|mut qt, key| {
        let writer = Segment::create(&*key.address, 64).unwrap();
        let reader = Segment::options().read_only().attach(&*key.address).unwrap();
        assert_eq!(reader.write_at(0, b"no").unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert!(memory::is_shared_and_read_only(reader.view(0, 64).unwrap().as_ptr()));

        qt.ask(&format!("attach-ro {}", key.word)).expect_ok();
        writer.write_at(0, b"seen").unwrap();
        assert_eq!(qt.ask("read 0 4").expect_ok(), "7365656e");
        qt.tell("poke 0 2a");
        // STATUS_ACCESS_VIOLATION.
        assert_eq!(qt.wait_until_gone().code().map(i32::cast_unsigned), Some(0xc000_0005));
        assert_eq!(writer.read_to_vec(..4).unwrap(), b"seen");
    });
}

#[test]
fn what_qt_makes_read_only_for_itself_is_not_so_for_others() {
    with_each_key(|mut qt, key| {
        qt.ask(&format!("create {} 64 ro", key.word)).expect_ok();
        let ours = Segment::attach(&*key.address).unwrap();
        ours.write_at(0, b"seen").unwrap();
        assert_eq!(qt.ask("read 0 4").expect_ok(), "7365656e");
        qt.finish();
    });
}
