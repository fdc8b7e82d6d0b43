//! The courses of the queues: each has a scene of its own.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use testkit::Rng;

use super::memory::Household;
use super::{Course, Stage};
use crate::Rules;
use crate::labour::Goods;
use crate::scene::Scene;
use crate::traffic::SOON;
use crate::workers::Worker;

/// How long it is between two deaths, at most.
pub(super) const PEACE: Duration = Duration::from_millis(400);
/// How often the ledger is looked at, and how often all else.
const LOOKING: Duration = Duration::from_millis(1);
pub(super) const INSPECTION: Duration = Duration::from_secs(1);

/// Who works there, and who of them stays: of the senders the first, of the receivers the first, or both.
struct Plan {
    rules: Rules,
    goods: Goods,
    senders: usize,
    receivers: usize,
    stay: Stay,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stay {
    Sender,
    Receiver,
    Both,
}

const fn plan(rules: Rules, goods: Goods, senders: usize, receivers: usize, stay: Stay) -> Plan {
    Plan { rules, goods, senders, receivers, stay }
}

/// All rules; bytes of all lengths, and values in cells and in chunks; somebody stays, and somebody dies, on either side.
const PLANS: [Plan; 9] = [
    plan(Rules::OneToOne, Goods::Bytes, 1, 1, Stay::Sender),
    plan(Rules::OneToOne, Goods::Short, 1, 1, Stay::Receiver),
    plan(Rules::ManyToOne, Goods::Bytes, 3, 1, Stay::Both),
    plan(Rules::ManyToOne, Goods::Long, 2, 1, Stay::Sender),
    plan(Rules::OneToMany, Goods::Bytes, 1, 3, Stay::Both),
    plan(Rules::ManyToMany, Goods::Bytes, 2, 2, Stay::Both),
    plan(Rules::ManyToMany, Goods::Short, 2, 2, Stay::Both),
    plan(Rules::DropOldest, Goods::Bytes, 2, 2, Stay::Both),
    plan(Rules::Fail, Goods::Bytes, 2, 2, Stay::Both),
];

pub(super) fn courses() -> Vec<Course> {
    let course = |(number, plan): (usize, Plan)| {
        let Plan { rules, goods, senders, receivers, stay } = plan;
        Course {
            name: format!("{rules:?}, {goods:?}, {senders} to {receivers}, {stay:?} to stay"),
            work: Box::new(move |stage, household| run(&plan, number as u64, stage, household)),
        }
    };
    PLANS.into_iter().enumerate().map(course).collect()
}

fn run(plan: &Plan, seed: u64, stage: &Stage, household: &mut Household) -> String {
    let mut rng = Rng::new(seed);
    let mut scene = Scene::new(plan.rules, plan.goods, plan.senders, plan.receivers);
    let mut workers: Vec<Worker> = (0..scene.places()).map(|place| scene.start(place, &mut rng)).collect();
    let stays = |place: usize| match plan.stay {
        Stay::Sender => place == 0,
        Stay::Receiver => place == plan.senders,
        Stay::Both => place == 0 || place == plan.senders,
    };
    let mortal: Vec<usize> = (0..scene.places()).filter(|&place| !stays(place)).collect();
    let mut next_death = Instant::now();
    let mut next_inspection = Instant::now();
    let mut last = (0, Instant::now());
    while !stage.is_over() {
        thread::sleep(LOOKING);
        scene.look();
        let done = scene.books.all_done;
        stage.messages.fetch_add(done - last.0, Ordering::Relaxed);
        if done > last.0 {
            last = (done, Instant::now());
        }
        assert!(last.1.elapsed() < 2 * SOON, "nobody gets on: {:?}", scene.statistics());
        if Instant::now() >= next_inspection {
            next_inspection = Instant::now() + INSPECTION;
            scene.is_counted();
            for worker in &mut workers {
                let ended = worker.process().try_wait().unwrap();
                assert!(ended.is_none(), "a worker has ended by itself: {ended:?}");
            }
            let staying = workers.iter_mut().enumerate().filter(|&(place, _)| stays(place));
            household.look(staying.map(|(_, worker)| worker.process().id()), &scene.files(), stage);
        }
        // Nobody dies before those who stay are at work.
        if done > 0 && Instant::now() >= next_death {
            next_death = Instant::now() + Duration::from_nanos(rng.below(PEACE.as_nanos() as u64));
            let place = *rng.choose(&mortal);
            workers.remove(place).kill();
            scene.bury(place);
            stage.deaths.fetch_add(1, Ordering::Relaxed);
            workers.insert(place, scene.start(place, &mut rng));
        }
    }
    for (place, worker) in workers.into_iter().enumerate() {
        worker.kill();
        scene.bury(place);
    }
    scene.end()
}
