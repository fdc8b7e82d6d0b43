//! What those do in the soak who read all that is published, from the first message on: they write down how many they have
//! read and missed. The others do what they do in the storm of topics.

use std::collections::HashMap;

use cenote::{Segment, Topic};
use testkit::Rng;

use super::scene::{DEPTH, Page};
use super::traffic::Reader;

/// How often it looks who of the publishers is alive.
const READ_PER_LOOK: u64 = 1024;

/// How it reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Copying,
    Borrowing,
    ReadOnly,
}

impl Way {
    fn named(name: &str) -> Self {
        let ways = [Self::Copying, Self::Borrowing, Self::ReadOnly];
        ways.into_iter().find(|way| format!("{way:?}") == name).expect("a way of that name")
    }

    fn topic(self, address: &str) -> Topic {
        let segment = Segment::options();
        let segment = if self == Self::ReadOnly { segment.read_only() } else { segment };
        Topic::<[u8]>::options().segment(&segment).attach(address).unwrap()
    }
}

/// Reads and stays: from which address, with which ledger and place there, how many publishers have pages before, what its
/// random numbers begin with, whether it is waited for, and how.
pub(crate) fn witness(words: &[&str]) {
    let [address, ledger, place, publishers, seed, waited_for, way] = words else { panic!("{words:?}") };
    let ledger = Segment::attach(*ledger).unwrap();
    let page = Page::of(&ledger, place.parse().unwrap());
    let publishers: usize = publishers.parse().unwrap();
    let mut rng = Rng::new(seed.parse().unwrap());
    let way = Way::named(way);
    let rx = way.topic(address).subscriber().unwrap();
    let mut reader = Reader::new(&rx, *waited_for == "waited-for" && way != Way::ReadOnly, true);
    page.is_ready();
    let (mut looked, mut dead) = (0, HashMap::new());
    loop {
        reader.read_one(way != Way::Borrowing, &mut rng);
        page.has_read(reader.read, rx.missed());
        if reader.read - looked >= READ_PER_LOOK {
            looked = reader.read;
            let living: Vec<u32> = (0..publishers).map(|place| Page::of(&ledger, place).sender()).collect();
            forget_the_dead(&mut reader, &mut dead, &living, looked + rx.missed());
        }
    }
}

/// Of whom nothing can come any more, as so much has come since they were found dead: so that a soak of a day needs no more
/// memory than a minute.
fn forget_the_dead(reader: &mut Reader<'_>, dead: &mut HashMap<u32, u64>, living: &[u32], told: u64) {
    reader.next.retain(|sender, _| {
        living.contains(sender) || told - *dead.entry(*sender).or_insert(told) <= 4 * DEPTH
    });
    dead.retain(|sender, _| reader.next.contains_key(sender));
}
