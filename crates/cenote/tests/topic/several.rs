//! Several who come and go, in turns: none is overlooked.

use cenote::{Subscriber, Topic};

use super::{Name, Rules, minute};

const LONG: [u8; 300] = [7; 300];

fn attach(name: &Name) -> Topic {
    Topic::<[u8]>::attach(name.address()).unwrap()
}

fn subscriber(name: &Name) -> Subscriber {
    attach(name).subscriber().unwrap()
}

/// The slots are had anew, the lowest first: who comes to one must not hide who has a higher one.
#[test]
fn who_comes_to_a_place_below_others_hides_nobody() {
    let _watchdog = minute();
    for rules in [Rules::OneWaits, Rules::ManyWait] {
        let name = Name::unique("topic");
        let tx = rules.options().message(300).depth(4).create(name.address()).unwrap().publisher().unwrap();
        let (low, high) = (subscriber(&name), subscriber(&name));
        drop(low);
        let low = subscriber(&name);
        for number in 0..4 {
            tx.publish(&[number]).unwrap();
            assert_eq!(low.receive().unwrap(), [number]);
        }
        assert!(!tx.try_publish(b"more").unwrap(), "{rules:?}: nobody waits for the other one");
        assert_eq!(attach(&name).statistics().unwrap().subscribers.len(), 2);
        assert_eq!(high.receive().unwrap(), [0]);
        assert!(tx.try_publish(b"more").unwrap());
        assert_eq!((high.missed(), low.missed()), (0, 0));
    }
    // The same where they are not waited for, but have something in hand.
    let name = Name::unique("topic");
    let options = Rules::One.options().message(300).depth(2).spare(6);
    let tx = options.create(name.address()).unwrap().publisher().unwrap();
    let (low, high) = (subscriber(&name), subscriber(&name));
    tx.publish(&[1; 300]).unwrap();
    let sample = high.borrow().unwrap();
    drop(low);
    let _low = subscriber(&name);
    (0..50).for_each(|_| tx.publish(&LONG).unwrap());
    assert_eq!(sample.read_to_vec(..).unwrap(), [1; 300]);
}
