//! What another user may put into /dev/shm to have something done to what is elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::catalog::Reap;
use rustix::fs::{CWD, RenameFlags};
use testkit::names::{TempDir, unique};

use super::minutes;

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
