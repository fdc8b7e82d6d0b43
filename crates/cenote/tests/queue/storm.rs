//! A storm: senders and receivers work as fast as they can, one of them is killed at a random moment and replaced, a
//! thousand times, by all rules.

use std::time::{Duration, Instant};

use testkit::{Rng, watchdog};

use super::labour::Goods;
use super::scene::{DEPTH, Scene};
use super::workers::{Worker, kills, one_at_a_time, pause_below};
use super::{ALL_RULES, Rules};

#[test]
fn one_to_one_comes_through_deaths() {
    comes_through(Rules::OneToOne, 1, 1);
}

#[test]
fn many_to_one_comes_through_deaths() {
    comes_through(Rules::ManyToOne, 3, 1);
}

#[test]
fn one_to_many_comes_through_deaths() {
    comes_through(Rules::OneToMany, 1, 3);
}

#[test]
fn many_to_many_comes_through_deaths() {
    comes_through(Rules::ManyToMany, 2, 2);
}

#[test]
fn dropping_the_oldest_comes_through_deaths() {
    comes_through(Rules::DropOldest, 2, 2);
}

/// Each of the rules has its part of the deaths.
fn comes_through(rules: Rules, senders: usize, receivers: usize) {
    let kills = kills() / ALL_RULES.len();
    let _turn = one_at_a_time();
    let _watchdog = watchdog(Duration::from_secs(60) + Duration::from_millis(100) * kills as u32);
    let begin = Instant::now();
    let mut rng = Rng::new(3);
    let mut storm = Scene::new(rules, Goods::Bytes, senders, receivers);
    let mut workers: Vec<Worker> =
        (0..senders + receivers).map(|place| storm.start(place, &mut rng)).collect();
    for _ in 0..kills {
        // Those who live get on: some way, and for some time.
        storm.wait_for(rng.below(200));
        pause_below(Duration::from_millis(3), &mut rng);
        let place = rng.below(workers.len() as u64) as usize;
        workers.remove(place).kill();
        storm.bury(place);
        if rng.one_in(2) && storm.has_both_without(place) {
            // Without the help of a new one, who may be in the dead one's slot and so shows that it is dead.
            storm.wait_for(2 * DEPTH as u64);
        }
        workers.insert(place, storm.start(place, &mut rng));
    }
    storm.wait_for(200);
    for (place, worker) in workers.into_iter().enumerate() {
        worker.kill();
        storm.bury(place);
    }
    println!("{rules:?}: {} in {:.1?}", storm.end(), begin.elapsed());
}
