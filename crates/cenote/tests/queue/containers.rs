//! Two containers that share `/dev/shm` send and receive: both call themselves by the same number, and deaths in one are seen
//! in the other.

use testkit::containers::{Container, has_containers, wait_until_gone};
use testkit::system::signal;

use super::{Name, minute};

const SIGKILL: i32 = 9;

#[test]
fn messages_pass_between_containers_and_survive_them() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    for of_one in [true, false] {
        let start = if of_one { Container::of_one } else { Container::of_two };
        let (name, mut one, mut other) = (Name::unique("queue"), start(), Container::of_one());
        one.agent.ask(&format!("create {} 600", name.address())).expect_ok();
        one.agent.ask(&format!("sender {}", name.address())).expect_ok();
        other.agent.ask(&format!("receiver {}", name.address())).expect_ok();
        // It is woken although it sleeps in the other.
        other.agent.tell("receive");
        one.agent.ask("send 1").expect_ok();
        assert_eq!(other.agent.wait_for_reply().expect_ok(), "1");
        one.agent.ask("send 2").expect_ok();
        one.agent.ask("send-long 3").expect_ok();
        assert_eq!(other.agent.ask("borrow").expect_ok(), "2");

        // Who has one in hand lives, although its number is somebody else's here.
        let mut third = start();
        third.agent.ask(&format!("receiver {}", name.address())).expect_ok();
        assert_eq!(third.agent.ask("receive 20000").expect_ok(), "3".repeat(20));
        third.agent.ask("receive 200").expect_error("Timeout");
        third.agent.tell("receive 20000");
        signal(other.init, SIGKILL);
        assert_eq!(third.agent.wait_for_reply().expect_ok(), "2", "what it died with");

        // A chunk that one died filling is free for who comes.
        one.agent.ask("loan 4").expect_ok();
        signal(one.init, SIGKILL);
        wait_until_gone(one.pid);
        third.agent.ask(&format!("sender {}", name.address())).expect_ok();
        for _ in 0..4 {
            third.agent.ask("send-long 5").expect_ok();
        }
        third.agent.ask("try-send 6").expect_ok();
    }
}
