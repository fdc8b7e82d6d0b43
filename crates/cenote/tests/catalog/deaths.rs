//! A reaper that is killed at any step of a removal leaves the segment under its name, or nothing; or the next one mends it.

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use cenote::Segment;
use cenote::catalog::Reap;
use testkit::kill_points::{self, KillPoints, Operation, Point, Round, Step};
use testkit::names::ShmName;

use super::{minutes, until_reaped};

const OPERATIONS: [(&str, Operation); 1] = [("reap", |child| {
    let reap = Reap::new().matching(child.word(0)).unwrap().older(Duration::ZERO);
    child.steps(|| drop(reap.run().unwrap()));
})];

pub(crate) fn serve_if_asked() {
    kill_points::serve_if_asked(&OPERATIONS);
}

/// Before or after a call that changes names, and the pause between two: looking at all processes is thousands of others.
fn matters(point: &Point) -> bool {
    const CALLS: [i64; 4] =
        [libc::SYS_renameat2, libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_clock_nanosleep];
    let is_one = |step: &Option<Step>| matches!(step, Some(Step::Call(call)) if CALLS.contains(&call.number));
    is_one(&point.before) || is_one(&point.after)
}

#[test]
fn of_who_reaps() {
    let _watchdog = minutes();
    let mut put_aside = 0;
    // How many steps come before differs, since processes come and go: the points are counted among those that matter.
    for wanted in 1.. {
        let (count, last) = (Cell::new(0), Cell::new(0));
        let is_wanted = |point: &Point| {
            if point.number < last.replace(point.number) {
                count.set(0);
            }
            count.set(count.get() + usize::from(matters(point)));
            matters(point) && count.get() == wanted
        };
        let points = KillPoints::new("reap").only(is_wanted).limit(Duration::from_secs(30));
        let report = points.each(|round| put_aside += usize::from(die_and_mend(round)));
        if report.killed() == 0 {
            break;
        }
    }
    assert!(put_aside > 0, "none died while the name was aside");
}

/// True if it died while the segment had another name.
fn die_and_mend(round: &mut Round<'_>) -> bool {
    let name = ShmName::unique("death");
    let address = format!("posix:{}", name.name());
    drop(Segment::create(&*address, 64).unwrap());
    let aside = name.path().with_file_name(format!(".cenote-aside.{}", &name.name()[1..]));
    round.child(&[&address]);
    let was_aside = fs::exists(&aside).unwrap();
    if was_aside {
        Reap::new().matching("cenote:nothing-of-that-name").unwrap().run().unwrap();
        let mended = fs::exists(name.path()).unwrap() && !fs::exists(&aside).unwrap();
        let _ = fs::remove_file(&aside);
        assert!(mended, "nobody gave it its name back");
    }
    if fs::exists(name.path()).unwrap() {
        until_reaped(&address);
    }
    was_aside
}
