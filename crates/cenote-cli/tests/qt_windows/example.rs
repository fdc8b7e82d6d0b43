//! A window of Qt's `sharedmemory` example: a button, a picture below it, another button.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use testkit::system::goes_with_us;

use crate::desktop::{Area, Desktop, WindowId};
use crate::picture::Picture;
use crate::room::until;

/// From the window's upper and lower edge to the middle of a button.
const TO_BUTTON: usize = 23;

/// A running example. It is killed when this is dropped.
pub(crate) struct Example<'a> {
    desktop: &'a Desktop,
    process: Child,
    window: WindowId,
}

/// Where Debian has it, whatever the processor is.
pub(crate) fn program() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("qt5/examples/corelib/ipc/sharedmemory/sharedmemory"))
        .find(|program| program.is_file())
}

impl<'a> Example<'a> {
    /// Starts it with `command` and waits for its window, which goes to `corner`.
    pub(crate) fn start(desktop: &'a Desktop, command: &mut Command, corner: (usize, usize)) -> Self {
        // A look that does not depend on what else is installed.
        desktop.open(command).args(["-platform", "xcb", "-style", "fusion"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = goes_with_us(command, libc::SIGKILL).spawn().expect("the example starts");
        let mut example = Self { desktop, process, window: 0 };
        until("the example has a window", || {
            example.window = desktop.windows_of(example.pid()).first().copied().unwrap_or(0);
            example.window != 0
        });
        desktop.place(example.window, corner);
        example
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Presses `Load Image From File...` and answers its question.
    pub(crate) fn load(&self, file: &str) {
        let Area { corner: (x, y), size: (width, _) } = self.area();
        self.desktop.click((x + width / 2, y + TO_BUTTON));
        let mut question = None;
        until("the example asks for a file", || {
            question = self.windows().into_iter().find(|&window| window != self.window);
            question.is_some()
        });
        let question = question.expect("it is there");
        self.desktop.focus(question);
        self.desktop.type_text(file);
        self.desktop.press("Return");
        until("the example takes the answer", || !self.windows().contains(&question));
    }

    /// Presses `Display Image From Shared Memory`.
    pub(crate) fn click_display(&self) {
        let Area { corner: (x, y), size: (width, height) } = self.area();
        self.desktop.click((x + width / 2, y + height - TO_BUTTON));
    }

    /// Where in this window a picture is to be seen.
    pub(crate) fn places_of(&self, picture: &Picture) -> Vec<(usize, usize)> {
        let Area { corner, size } = self.area();
        self.desktop.screenshot().cut(corner, size).places_of(picture)
    }

    /// Waits until it shows the picture, once, and between its buttons. It draws when it is done with all
    /// else.
    pub(crate) fn until_it_shows(&self, picture: &Picture) {
        let mut places = Vec::new();
        until("the window shows the picture", || {
            places = self.places_of(picture);
            !places.is_empty()
        });
        let Area { size: (width, height), .. } = self.area();
        let rows = picture.pixels.len() / picture.width;
        let [(left, top)] = places[..] else { panic!("it is there more than once: {places:?}") };
        assert!(left.abs_diff((width - picture.width) / 2) <= 1, "{left} of {width} is not the middle");
        assert!(top.abs_diff((height - rows) / 2) <= 1, "{top} of {height} is not the middle");
    }

    /// Closes it in order.
    pub(crate) fn close(mut self) {
        self.desktop.focus(self.window);
        self.desktop.press("Escape");
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "the example ended with {status}");
    }

    /// Kills it, so that it cannot clean up.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    fn windows(&self) -> Vec<WindowId> {
        self.desktop.windows_of(self.pid())
    }

    fn area(&self) -> Area {
        self.desktop.area(self.window).expect("the window is there")
    }
}

impl Drop for Example<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
