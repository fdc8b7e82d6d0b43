//! The courses of the topics: each has a scene of its own.

pub(crate) mod labour;
mod scene;
#[path = "../../../topic/traffic.rs"]
pub(crate) mod traffic;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use testkit::Rng;

use labour::Way;
use scene::{Crew, Rules, Scene};
use traffic::SOON;

use super::memory::Household;
use super::queues::{INSPECTION, PEACE};
use super::{Course, Stage};
use crate::message;
use crate::workers::Worker;

/// How often it is looked whether somebody is to die.
const LOOKING: Duration = Duration::from_millis(5);

/// Who works there. Two who read stay all the time: one in this way, and one who only reads; and the first publisher, or
/// nobody of them. The others are killed.
struct Plan {
    rules: Rules,
    publishers: usize,
    publisher_stays: bool,
    way: Way,
}

const fn plan(rules: Rules, publishers: usize, publisher_stays: bool, way: Way) -> Plan {
    Plan { rules, publishers, publisher_stays, way }
}

/// How many more read, in all ways, and are killed.
const OTHERS: usize = 2;

const PLANS: [Plan; 5] = [
    plan(Rules::One, 1, false, Way::Copying),
    plan(Rules::Many, 2, true, Way::Borrowing),
    plan(Rules::OneWaits, 1, false, Way::Borrowing),
    plan(Rules::OneWaits, 1, true, Way::Copying),
    plan(Rules::ManyWait, 2, true, Way::Borrowing),
];

pub(super) fn courses() -> Vec<Course> {
    let course = |(number, plan): (usize, Plan)| {
        let Plan { rules, publishers, publisher_stays, way } = plan;
        let stays = if publisher_stays { "the first and " } else { "" };
        Course {
            name: format!("topic, {rules:?}, {publishers} to {OTHERS}, {stays}two more to stay, {way:?}"),
            work: Box::new(move |stage, household| run(&plan, number as u64, stage, household)),
        }
    };
    PLANS.into_iter().enumerate().map(course).collect()
}

fn run(plan: &Plan, seed: u64, stage: &Stage, household: &mut Household) -> String {
    let mut rng = Rng::new(seed);
    let crew = Crew { publishers: plan.publishers, others: OTHERS };
    let mut scene = Scene::new(plan.rules, crew, plan.way);
    let mut workers = scene.start_all(&mut rng);
    let stays = |place: usize| crew.is_witness(place) || place == 0 && plan.publisher_stays;
    let mortal: Vec<usize> = (0..crew.places()).filter(|&place| !stays(place)).collect();
    let mut next_death = Instant::now();
    let mut next_inspection = Instant::now();
    let mut read = 0;
    let mut last = [(0, Instant::now()); Crew::WITNESSES];
    while !stage.is_over() {
        thread::sleep(LOOKING);
        let now = scene.read();
        // One that has died may have read more than it wrote down, but not less.
        stage.messages.fetch_add(now - read, Ordering::Relaxed);
        read = now;
        for (told, last) in scene.told_of().into_iter().zip(&mut last) {
            if told > last.0 {
                *last = (told, Instant::now());
            }
            assert!(last.1.elapsed() < 2 * SOON, "one who reads does not get on");
        }
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
        if last.iter().all(|(told, _)| *told > 0) && Instant::now() >= next_death {
            next_death = Instant::now() + Duration::from_nanos(rng.below(PEACE.as_nanos() as u64));
            let place = *rng.choose(&mortal);
            workers.remove(place).kill();
            scene.bury(place);
            stage.deaths.fetch_add(1, Ordering::Relaxed);
            workers.insert(place, scene.start(place, &mut rng));
        }
    }
    // First those who publish.
    let others = workers.split_off(crew.publishers);
    kill_all(&mut scene, workers, 0);
    scene.ends_told();
    let told = scene.last_words();
    kill_all(&mut scene, others, crew.publishers);
    scene.end(told)
}

fn kill_all(scene: &mut Scene, workers: Vec<Worker>, first: usize) {
    for (place, worker) in (first..).zip(workers) {
        worker.kill();
        scene.bury(place);
    }
}
