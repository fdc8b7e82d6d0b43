//! Qt's own packaged `sharedmemory` example, in real windows on a real X server, and the command beside it:
//! what one puts into the segment, the other shows, pixel by pixel, under the same lock.
#![cfg(target_os = "linux")]

mod desktop;
mod example;
mod picture;
mod room;

use picture::Picture;
use room::{AT, Room, until};

#[test]
fn the_window_shows_what_the_command_put() {
    let Some(room) = Room::new() else { return };
    let picture = Picture::new(1);
    let put = room.hold(&["image", "put", AT, &room.file(&picture), "--hold"]);
    let window = room.example();
    assert_eq!(window.places_of(&picture), [], "nobody has asked for it");
    window.click_display();
    window.until_it_shows(&picture);
    // It has detached: the segment is the command's alone, and goes with it.
    assert_eq!(room.holders(), [put.pid()]);
    put.interrupt();
    room.cenote(&["show", AT]).not_found();
    window.close();
    room.assert_empty();
}

#[test]
fn the_command_gets_what_the_window_loaded() {
    let Some(room) = Room::new() else { return };
    let window = room.example();
    for picture in [Picture::new(2), Picture::new(3)] {
        // The second time, it removes its first segment and makes another.
        window.load(&room.file(&picture));
        window.until_it_shows(&picture);
        assert_eq!(room.get(), picture);
        assert_eq!(room.holders(), [window.pid()]);
    }
    window.close();
    room.cenote(&["show", AT]).not_found();
    room.assert_empty();
}

#[test]
fn two_windows_and_the_command_take_turns() {
    let Some(room) = Room::new() else { return };
    let (first, second) = (Picture::new(4), Picture::small(5));
    let (loads, displays) = (room.example(), room.example());
    loads.load(&room.file(&first));
    loads.until_it_shows(&first);
    assert_eq!(room.get(), first);
    assert_eq!(room.holders(), [loads.pid()]);

    let lock = room.lock();
    displays.click_display();
    until("the window waits for the lock", || room.waiters() == Some(1));
    // What changes while it waits is what it will show. By Qt's rules nobody else could attach now; by those
    // of System V, anybody can.
    room.cenote(&["image", "put", &room.as_sysv(), &room.file(&second), "--no-lock"]).ok();
    assert_eq!(room.waiters(), Some(1));
    assert_eq!((displays.places_of(&first), displays.places_of(&second)), (vec![], vec![]));
    lock.release();
    displays.until_it_shows(&second);
    assert_eq!(displays.places_of(&first), []);
    assert_eq!(room.get(), second);

    loads.close();
    displays.close();
    room.assert_empty();
}

#[test]
fn a_killed_window_leaves_what_the_command_reads_and_removes() {
    let Some(room) = Room::new() else { return };
    let picture = Picture::new(6);
    let window = room.example();
    window.load(&room.file(&picture));
    window.until_it_shows(&picture);
    window.kill();
    assert_eq!(room.get(), picture);
    assert_eq!(room.holders(), <[u32; 0]>::default());
    assert_eq!(room.objects().len(), 4, "{:?}", room.objects());
    room.cenote(&["rm", AT]).ok();
    room.assert_empty();
    // What a killed window leaves keeps the next one from loading; nothing does any more.
    let next = room.example();
    next.load(&room.file(&picture));
    next.until_it_shows(&picture);
    assert_eq!(room.holders(), [next.pid()]);
    next.close();
    room.assert_empty();
}
