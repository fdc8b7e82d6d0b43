//! What another user may put into /dev/shm to have something done to what is elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::catalog::{Outcome, Reap};
use rustix::fs::{CWD, RenameFlags};
use testkit::names::{TempDir, unique};

use super::{Left, minutes};

/// Removed with all that is in it.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder and a link change places all the time, while all that is stale in the folder is reaped.
#[test]
fn what_a_link_in_the_place_of_a_folder_leads_to_is_not_reaped() {
    const FILES: usize = 20;
    let _watchdog = minutes();
    let room = Folder(Path::new("/dev/shm").join(unique("trap")));
    let elsewhere = TempDir::new();
    let (folder, link) = (room.0.join("folder"), room.0.join("link"));
    fs::create_dir_all(&folder).unwrap();
    symlink(elsewhere.path(), &link).unwrap();
    for number in 0..FILES {
        File::create_new(elsewhere.join(&format!("file-{number}"))).unwrap();
    }
    let done = AtomicBool::new(false);
    let (mut reaped, mut names) = (0, Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            // Relaxed: nothing else is told by it.
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            // Something to do, wherever the folder is just now.
            for place in [&folder, &link] {
                let _ = File::create_new(place.join("bait"));
            }
            let pattern = format!("file:{}/*", room.0.display());
            let found = Reap::new().matching(&pattern).unwrap().older(Duration::ZERO).run().unwrap();
            reaped += found.len();
        }
        done.store(true, Ordering::Relaxed);
    });
    names.extend(fs::read_dir(elsewhere.path()).unwrap().map(|file| file.unwrap().file_name()));
    names.retain(|name| name.to_str().is_some_and(|name| name.starts_with("file-")));
    assert!(reaped > 0, "nothing was tried");
    assert_eq!(names.len(), FILES, "{names:?}");
}

/// Whoever may write a segment can keep its door, and its maker can do so of thousands: each of them cost five seconds.
#[test]
fn doors_that_are_kept_are_not_waited_for_one_after_the_other() {
    const SEGMENTS: usize = 20;
    const DOOR: i64 = (1 << 62) - 1;
    let _watchdog = minutes();
    let prefix = unique("doors");
    let mut maker = testkit::agent::spawn();
    let addresses: Vec<String> = (0..SEGMENTS).map(|number| format!("cenote:{prefix}-{number}")).collect();
    let _left: Vec<Left> = addresses.iter().cloned().map(Left).collect();
    // One after the other, as an agent has one.
    for address in &addresses {
        maker.ask(&format!("create {address} 64")).expect_ok();
        maker.kill();
        maker.wait_until_gone();
        maker = testkit::agent::spawn();
    }
    let is_ours = |name: &str| name.contains(&prefix);
    let files = fs::read_dir("/dev/shm").unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| is_ours(&path.to_string_lossy()));
    let doors: Vec<File> = files.map(|path| File::options().write(true).open(path).unwrap()).collect();
    assert_eq!(doors.len(), SEGMENTS);
    doors.iter().for_each(|file| testkit::system::lock_byte(file, DOOR));
    let patience = Duration::from_millis(100);
    let begin = Instant::now();
    let reap = || Reap::new().matching(&format!("{prefix}-*")).unwrap().timeout(patience).run().unwrap();
    let found = reap();
    let took = begin.elapsed();
    assert!(
        found.len() == SEGMENTS && found.iter().all(|one| matches!(one.outcome, Outcome::Failed(_))),
        "{found:?}"
    );
    assert!(took < patience * SEGMENTS as u32 / 2, "{took:?}");
    drop(doors);
    assert!(reap().iter().all(|one| matches!(one.outcome, Outcome::Removed)));
}
