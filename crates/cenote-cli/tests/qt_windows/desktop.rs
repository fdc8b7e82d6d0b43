//! An X server without a screen (Xvfb), and a person's hands on it (xdotool).
//!
//! What it shows is read from the file that it draws into, which is in the format of xwd(1).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use testkit::system::{goes_with_us, signal};

use crate::picture::Picture;
use crate::room::{becomes_so, until};

/// One server at a time: a machine that is short of processors would only make all of them late.
static ONLY: Mutex<()> = Mutex::new(());

/// A running X server. It is ended when this is dropped, with its socket and its lock file.
pub(crate) struct Desktop {
    server: Child,
    /// Without its colon.
    display: String,
    folder: PathBuf,
    _only: MutexGuard<'static, ()>,
}

/// A window, as the X server numbers them.
pub(crate) type WindowId = u32;

/// Where a window is, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) corner: (usize, usize),
    pub(crate) size: (usize, usize),
}

impl Desktop {
    /// Starts a server on a display that nobody uses. It draws into `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new("Xvfb");
        // It says the number on its stdout when it is ready for programs. At SIGTERM it takes its files away.
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
            "-noreset",
            "-fbdir",
        ]);
        command.arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = goes_with_us(&mut command, libc::SIGTERM).spawn().expect("Xvfb starts");
        let said = server.stdout.take().expect("its output is a pipe");
        let mut desktop = Self { server, display: String::new(), folder: folder.to_owned(), _only: only };
        BufReader::new(said).read_line(&mut desktop.display).expect("Xvfb says where it is");
        desktop.display.truncate(desktop.display.trim_end().len());
        assert!(!desktop.display.is_empty(), "Xvfb ended: {:?}", desktop.server.wait());
        desktop
    }

    /// Lets `command` appear here.
    pub(crate) fn open<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", format!(":{}", self.display))
    }

    /// The visible windows of a process.
    pub(crate) fn windows_of(&self, pid: u32) -> Vec<WindowId> {
        let said = self.hands(&["search", "--onlyvisible", "--pid", &pid.to_string()]);
        said.lines().map(|line| line.parse().expect("a number")).collect()
    }

    /// Where a window is, as far as it is there.
    pub(crate) fn area(&self, window: WindowId) -> Option<Area> {
        let said = self.hands(&["getwindowgeometry", "--shell", &window.to_string()]);
        let value = |name| said.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        Some(Area { corner: (value("X=")?, value("Y=")?), size: (value("WIDTH=")?, value("HEIGHT=")?) })
    }

    /// Moves a window, and waits until it is there.
    pub(crate) fn place(&self, window: WindowId, corner: (usize, usize)) {
        self.hands(&["windowmove", &window.to_string(), &corner.0.to_string(), &corner.1.to_string()]);
        until("the window is moved", || self.area(window).is_some_and(|area| area.corner == corner));
    }

    /// Clicks on a place of the whole screen.
    pub(crate) fn click(&self, (x, y): (usize, usize)) {
        self.hands(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Lets a window have the keyboard. Nobody else does that where no window manager runs.
    pub(crate) fn focus(&self, window: WindowId) {
        let name = window.to_string();
        until("the window has the keyboard", || {
            self.hands(&["windowfocus", &name]);
            self.hands(&["getwindowfocus"]).trim_end() == name
        });
    }

    /// Types a text into the window that has the keyboard.
    pub(crate) fn type_text(&self, text: &str) {
        self.hands(&["type", "--delay", "1", text]);
    }

    /// Presses a key, by its name.
    pub(crate) fn press(&self, key: &str) {
        self.hands(&["key", key]);
    }

    /// What is on the screen.
    pub(crate) fn screenshot(&self) -> Picture {
        let file = fs::read(self.folder.join("Xvfb_screen0")).expect("the screen is a file");
        // The header is of 25 words in big-endian order, a name, and a table of colours.
        let word = |index: usize| {
            let bytes = file[4 * index..][..4].try_into().expect("four bytes");
            u32::from_be_bytes(bytes) as usize
        };
        let [header, width, height, order, bits, stride, colours] = [0, 4, 5, 7, 11, 12, 19].map(word);
        assert_eq!((bits, word(14), word(15), word(16)), (32, 0xff_00_00, 0xff_00, 0xff), "24-bit colour");
        let pixel = |bytes: &[u8]| {
            let bytes = bytes.try_into().expect("four bytes");
            let pixel = if order == 0 { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
            pixel & 0xff_ff_ff
        };
        let rows = file[header + 12 * colours..].chunks_exact(stride).take(height);
        let pixels = rows.flat_map(|row| row.chunks_exact(4).take(width).map(pixel)).collect();
        Picture { width, pixels }
    }

    /// Runs xdotool. It fails where a window has just gone or does not take the keyboard yet; who asks sees
    /// that.
    fn hands(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("xdotool");
        self.open(&mut command).args(arguments).stdin(Stdio::null());
        let output = goes_with_us(&mut command, libc::SIGKILL).output().expect("xdotool starts");
        String::from_utf8(output.stdout).expect("it says text")
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        signal(self.server.id(), libc::SIGTERM);
        if becomes_so(|| self.server.try_wait().is_ok_and(|status| status.is_some())) {
            return;
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
        // Without them the number is free. They were its own as long as it ran.
        let _ = fs::remove_file(format!("/tmp/.X11-unix/X{}", self.display));
        let _ = fs::remove_file(format!("/tmp/.X{}-lock", self.display));
    }
}
