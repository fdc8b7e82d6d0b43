//! Containers that share `/dev/shm` publish and subscribe: all call themselves by the same number, and deaths in one are seen
//! in the others.

use cenote::{Topic, WhenFull};
use testkit::containers::{Container, has_containers, wait_until_gone};
use testkit::system::signal;

use super::{Name, Rules, minute};

const SIGKILL: i32 = 9;

#[test]
fn messages_pass_between_containers_and_survive_them() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    for of_one in [true, false] {
        let start = if of_one { Container::of_one } else { Container::of_two };
        let (name, mut one, mut other, mut third) =
            (Name::unique("topic"), start(), Container::of_one(), start());
        let address = name.address();
        one.agent.ask(&format!("create {address} 600")).expect_ok();
        one.agent.ask(&format!("publisher {address}")).expect_ok();
        other.agent.ask(&format!("subscriber {address}")).expect_ok();
        third.agent.ask(&format!("reader {address}")).expect_ok();
        // It is woken although it sleeps in another.
        other.agent.tell("receive");
        one.agent.ask("publish 1").expect_ok();
        assert_eq!(other.agent.wait_for_reply().expect_ok(), "1");
        assert_eq!(third.agent.ask("receive 20000").expect_ok(), "1");

        // Who has one in hand lives, although its number is somebody else's here.
        one.agent.ask("publish-long 2").expect_ok();
        assert_eq!(other.agent.ask("borrow").expect_ok(), "2".repeat(20));
        for _ in 0..20 {
            one.agent.ask("publish-long 3").expect_ok();
        }
        assert_eq!(other.agent.ask("look").expect_ok(), "2".repeat(20));

        // What those had who die with all that is in theirs is free for who comes.
        one.agent.ask("loan 4").expect_ok();
        signal(one.init, SIGKILL);
        wait_until_gone(one.pid);
        signal(other.init, SIGKILL);
        wait_until_gone(other.pid);
        let tx = Topic::<[u8]>::attach(address).unwrap().publisher().unwrap();
        let all: Vec<_> = (0..6).map(|_| tx.loan(300).unwrap()).collect();
        drop(all);
        tx.publish(b"5").unwrap();
        let last = (0..5).map(|_| third.agent.ask("receive 20000").expect_ok().to_owned());
        assert!(last.into_iter().any(|text| text == "5"));
    }
}

#[test]
fn who_died_in_a_container_is_not_waited_for() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let options = rules.options().message(300).depth(4).when_full(WhenFull::Wait);
        let tx = options.create(name.address()).unwrap().publisher().unwrap();
        let mut other = Container::of_one();
        other.agent.ask(&format!("subscriber {}", name.address())).expect_ok();
        (0..4).for_each(|_| tx.publish(b"1").unwrap());
        assert!(!tx.try_publish(b"1").unwrap(), "it lives");
        signal(other.init, SIGKILL);
        wait_until_gone(other.pid);
        assert!(tx.try_publish(b"1").unwrap());
    }
}
