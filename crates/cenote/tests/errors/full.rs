//! A full /dev/shm: the error says how much was asked, what is free, and who uses most.

use cenote::ErrorKind;
use testkit::{Peer, agent, system};

use super::{Says, minute};

/// An agent with a /dev/shm of its own, of 1 MiB.
fn cramped_agent() -> Option<Peer> {
    system::has_root().then(|| Peer::spawn_from(system::in_small_shm(&mut agent::command(), 1 << 20)))
}

#[test]
fn a_full_dev_shm_says_how_much_was_asked_what_is_free_and_who_uses_most() {
    let _watchdog = minute();
    let Some(mut agent) = cramped_agent() else { return };
    agent.ask("create posix:/small 4096").expect_ok();
    agent.ask("create posix:/large 614400").expect_ok();
    let says = Says {
        kind: ErrorKind::OutOfResources,
        reason: &[
            "600000 bytes were asked for",
            "/dev/shm has 430080 bytes free",
            "/dev/shm/large uses most, 614400 bytes",
            "No space left on device",
        ],
        hint: &["cenote ls", "cenote rm", "less", "enlarge"],
    };
    says.check_in(&mut agent, "create", "posix:/next", "create posix:/next 600000");
    says.check_in(&mut agent, "create", "file:/dev/shm/next", "create file:/dev/shm/next 600000");
    says.check_in(&mut agent, "attach or create", "posix:/next", "open-or-create posix:/next 600000");
    // Nothing is left of it, and what it took meanwhile is free again.
    agent.ask("attach posix:/next").expect_error("NotFound");
    agent.ask("create posix:/next 430080").expect_ok();
    agent.finish();
}

#[test]
fn a_file_system_without_a_single_free_page_still_says_so() {
    let _watchdog = minute();
    let Some(mut agent) = cramped_agent() else { return };
    agent.ask("create posix:/all 1048576").expect_ok();
    let says = Says {
        kind: ErrorKind::OutOfResources,
        reason: &["1 bytes were asked for", "/dev/shm has 0 bytes free", "/dev/shm/all uses most"],
        hint: &["cenote rm"],
    };
    says.check_in(&mut agent, "create", "posix:/one", "create posix:/one 1");
    agent.finish();
}

#[test]
fn a_sparse_segment_that_finds_no_memory_is_lost_and_its_user_lives() {
    let _watchdog = minute();
    let Some(mut agent) = cramped_agent() else { return };
    agent.ask("create-sparse posix:/holes 8388608").expect_ok();
    agent.ask("write 0 2a").expect_ok();
    let too_much = "5a".repeat(3 << 19);
    // Nobody has shrunk anything: whoever reads this must not go looking for a culprit.
    let says = Says { kind: ErrorKind::Corrupt, reason: &["sparse"], hint: &["remove it"] };
    says.check_in(&mut agent, "write", "posix:/holes", &format!("write 4096 {too_much}"));
    agent.ask("read 0 1").expect_error("Corrupt");
    // The process is well: it makes room, and goes on.
    agent.ask("detach").expect_ok();
    agent.ask("remove posix:/holes").expect_ok();
    agent.ask("create posix:/holes 65536").expect_ok();
    agent.ask("write 0 2a").expect_ok();
    agent.finish();
}
