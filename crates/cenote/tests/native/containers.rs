//! Two containers that share `/dev/shm`: PID namespaces of their own, where other numbers mean other processes. Who has a
//! lock has the same number in one of them as who waits for it has in the other.

use cenote::catalog::{self, Verdict};
use testkit::containers::{Container, has_containers, wait_until_gone};
use testkit::system::signal;

use super::{Name, minute};

const SIGKILL: i32 = 9;

/// What dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// The agent alone, and its container goes on.
    OfAgent,
    /// Number 1 of the container, and so all in it.
    OfInit,
}

#[test]
fn a_lock_is_handed_on_from_one_to_the_other() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    let kinds: [(fn() -> Container, Death); 3] = [
        (Container::of_one, Death::OfInit),
        (Container::of_two, Death::OfAgent),
        (Container::of_two, Death::OfInit),
    ];
    for (start, death) in kinds {
        let (name, mut holder, mut waiter) = (Name::unique(), start(), start());
        assert_eq!(holder.number_inside(), waiter.number_inside());
        waiter.agent.ask(&format!("create {} 64", name.address())).expect_ok();
        holder.agent.ask(&format!("attach {}", name.address())).expect_ok();
        holder.agent.ask("lock").expect_ok();
        holder.agent.ask("write 0 2a").expect_ok();
        // Longer than it takes to look whether the holder lives.
        waiter.agent.ask("lock 100").expect_error("Timeout");
        waiter.agent.tell("lock 20000");
        match death {
            Death::OfAgent => signal(holder.pid, SIGKILL),
            Death::OfInit => signal(holder.init, SIGKILL),
        }
        assert_eq!(waiter.agent.wait_for_reply().expect_ok(), "yes", "{death:?}");
        assert_eq!(waiter.agent.ask("read 0 1").expect_ok(), "2a");
        waiter.agent.ask("unlock").expect_ok();
        assert_eq!(waiter.agent.ask("lock").expect_ok(), "no", "told once");
        waiter.agent.ask("unlock").expect_ok();
        waiter.agent.ask("detach").expect_ok();
        assert!(!name.is_there());
    }
}

/// Who leaves sees the holders in other containers, and does not see the dead.
#[test]
fn lives_and_deaths_are_seen_from_the_other() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    let verdict = |name: &Name| catalog::look(&name.address().parse().unwrap()).unwrap().verdict;
    for attach in ["attach", "attach-ro"] {
        let (name, mut maker, mut other) = (Name::unique(), Container::of_one(), Container::of_two());
        maker.agent.ask(&format!("create {} 64", name.address())).expect_ok();
        maker.agent.ask("write 0 2a").expect_ok();
        other.agent.ask(&format!("{attach} {}", name.address())).expect_ok();
        let entry = catalog::look(&name.address().parse().unwrap()).unwrap();
        let mut pids: Vec<u32> = entry.holders.iter().map(|holder| holder.pid).collect();
        pids.sort_unstable();
        let mut expected = [maker.pid, other.pid];
        expected.sort_unstable();
        assert_eq!(pids, expected, "as they are called out here");

        maker.agent.ask("detach").expect_ok();
        assert!(name.is_there(), "the other one has it");
        assert_eq!(verdict(&name), Verdict::Live);
        maker.agent.ask(&format!("attach {}", name.address())).expect_ok();
        assert_eq!(maker.agent.ask("read 0 1").expect_ok(), "2a");
        maker.agent.ask("detach").expect_ok();
        assert!(name.is_there());

        signal(other.init, SIGKILL);
        wait_until_gone(other.pid);
        assert_eq!(verdict(&name), Verdict::Stale);
        maker.agent.ask(&format!("attach {}", name.address())).expect_error("NotFound");
        assert!(!name.is_there(), "and whoever finds it so removes it");
    }
    // The last one leaves after the other's death, and takes the name along.
    let (name, mut maker, mut other) = (Name::unique(), Container::of_two(), Container::of_one());
    maker.agent.ask(&format!("create {} 64", name.address())).expect_ok();
    other.agent.ask(&format!("attach {}", name.address())).expect_ok();
    signal(maker.init, SIGKILL);
    wait_until_gone(maker.pid);
    other.agent.ask("detach").expect_ok();
    assert!(!name.is_there());
}
