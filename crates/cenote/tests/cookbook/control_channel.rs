//! Recipe `control-channel`.

use std::io::{BufRead, BufReader, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use cenote::Segment;
use testkit::names;

use crate::minutes;
use crate::programs::{Program, Running, ours, programs};

const RECIPE: &str = "control-channel";

/// The classic panel is a program for Windows.
const CLASSIC: &[&str] = if cfg!(windows) { &[RECIPE] } else { &[] };

/// A service under a name that no other test uses. What a killed one leaves is removed when this is dropped.
struct Service {
    name: String,
    running: Option<Running>,
}

impl Service {
    fn start() -> Self {
        let mut service = Self { name: names::unique("service"), running: None };
        service.start_again();
        service
    }

    fn start_again(&mut self) {
        let mut running = ours(RECIPE).start(&["--name", &self.name, "service"]);
        running.until("service: ready");
        self.running = Some(running);
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    #[track_caller]
    fn ask(&self, panel: &Program, what: &[&str]) -> String {
        panel.run(&[&["--name", &self.name], what].concat())
    }

    #[track_caller]
    fn refuses(&self, panel: &Program, what: &[&str], why: &str) {
        let said = panel.run_refused(&[&["--name", &self.name], what].concat());
        assert!(said.contains("the service refuses: ") && said.contains(why), "{panel:?} {what:?}: {said}");
    }

    /// A panel of no manners: a bare connection. On Windows the pipe has no instance for the next one, for a moment.
    fn connect(&self) -> impl Read + Write + use<> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            #[cfg(windows)]
            let connected =
                std::fs::File::options().read(true).write(true).open(format!(r"\\.\pipe\{}", self.name));
            #[cfg(unix)]
            let connected = std::os::unix::net::UnixStream::connect(self.socket());
            match connected {
                Ok(panel) => return panel,
                Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[cfg(unix)]
    fn socket(&self) -> std::path::PathBuf {
        let folder = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, Into::into);
        folder.join(format!("{}.sock", self.name))
    }

    fn address(&self) -> String {
        if cfg!(windows) { format!(r"windows:Local\{}", self.name) } else { format!("posix:/{}", self.name) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.running.take());
        // Only a killed one has left them.
        let _ = Segment::remove(self.address());
        #[cfg(unix)]
        let _ = std::fs::remove_file(self.socket());
    }
}

/// What a panel says of a configuration.
fn said(rate: u32, label: &str, changes: u32) -> String {
    format!("panel: {{\"rate\":{rate},\"label\":\"{label}\",\"changes\":{changes}}}\n")
}

#[test]
fn panels_read_and_change_the_configuration_see_the_data_and_stop_the_service() {
    let _watchdog = minutes();
    for panel in programs(RECIPE, CLASSIC) {
        let mut service = Service::start();
        assert_eq!(service.ask(&panel, &["status"]), said(10, "unnamed", 0), "{panel:?}");
        assert_eq!(service.ask(&panel, &["configure", "200", "Nord & Süd"]), said(200, "Nord & Süd", 1));
        let label = r#"{"do":"configure","label":"only this"}"#;
        assert_eq!(service.ask(&panel, &["say", label]), said(200, "only this", 2));
        assert_eq!(service.ask(&ours(RECIPE), &["status"]), said(200, "only this", 2), "all see the same");
        let moved = service.ask(&panel, &["data"]);
        assert!(moved.starts_with("panel: the data go from "), "{panel:?}: {moved}");
        service.ask(&panel, &["stop"]);
        let finished = service.running.take().unwrap().finish();
        assert!(finished.ends_with("service: stopped\n"), "{finished}");
        #[cfg(unix)]
        assert!(!service.socket().exists());
        assert!(Segment::attach(service.address()).is_err(), "{panel:?} has left the data");
    }
}

#[test]
fn a_bad_request_is_answered_with_an_error_and_changes_nothing() {
    let _watchdog = minutes();
    let service = Service::start();
    let long = "x".repeat(4097);
    let deep = "[".repeat(2000);
    for panel in programs(RECIPE, CLASSIC) {
        for (what, why) in [
            (&["configure", "0", "zero"][..], "a rate is 1 to 1000, and not 0"),
            (&["configure", "1001", "much"], "a rate is 1 to 1000, and not 1001"),
            (&["configure", "5", ""], "a label has 1 to 32 characters"),
            (&["configure", "5", "a label of more than 32 characters"], "a label has 1 to 32 characters"),
            (&["configure", "5", "two\ttabs"], "none of them a control character"),
            (&["say", "hello"], "this is no request"),
            (&["say", ""], "this is no request"),
            (&["say", &deep], "this is no request"),
            (&["say", r#"{"do":"dance"}"#], "unknown variant `dance`"),
            (&["say", r#"{"do":"configure","rate":-1}"#], "this is no request"),
            (&["say", r#"{"do":"configure","rate":5,"speed":5}"#], "unknown field `speed`"),
            (&["say", r#"{"do":"configure","rate":5}{"do":"stop"}"#], "trailing characters"),
            (&["say", &long], "a request has no more than 4096 bytes"),
        ] {
            service.refuses(&panel, what, why);
        }
        assert_eq!(service.ask(&panel, &["status"]), said(10, "unnamed", 0), "{panel:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_too_and_the_next_line_counts() {
    let _watchdog = minutes();
    let service = Service::start();
    let mut panel = BufReader::new(service.connect());
    panel.get_mut().write_all(b"\xff\xfe{\0}\n{\"do\":\"status\"}\n").unwrap();
    let mut reply = String::new();
    panel.read_line(&mut reply).unwrap();
    assert!(reply.starts_with("{\"error\":\"this is no request"), "{reply}");
    reply.clear();
    panel.read_line(&mut reply).unwrap();
    assert!(reply.starts_with("{\"ok\":{"), "{reply}");
}

#[test]
fn panels_that_die_or_never_end_their_line_stop_nobody() {
    let _watchdog = minutes();
    let service = Service::start();
    let started = Instant::now();
    let mut silent = service.connect();
    silent.write_all(b"{\"do\":\"conf").unwrap();
    let mut dying = service.connect();
    dying.write_all(b"{\"do\":\"configure\",\"rate\":500").unwrap();
    drop(dying);
    for _ in 0..20 {
        drop(service.connect());
    }
    for panel in programs(RECIPE, CLASSIC) {
        assert_eq!(service.ask(&panel, &["status"]), said(10, "unnamed", 0), "{panel:?}");
    }
    // The silent one is sent away when its time is over, and no sooner.
    let left = silent.read(&mut [0; 1]);
    assert!(matches!(left, Ok(0) | Err(_)), "{left:?}");
    assert!(started.elapsed() >= Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(service.ask(&ours(RECIPE), &["status"]), said(10, "unnamed", 0));
}

#[test]
fn silent_panels_in_all_places_are_sent_away_and_the_next_one_is_served() {
    let _watchdog = minutes();
    let service = Service::start();
    let silent: Vec<_> = (0..16).map(|_| service.connect()).collect();
    let reply = service.ask(&ours(RECIPE), &["status"]);
    assert_eq!(reply, said(10, "unnamed", 0));
    drop(silent);
}

#[test]
fn a_second_service_is_refused_and_one_that_follows_a_killed_one_is_not() {
    let _watchdog = minutes();
    let mut service = Service::start();
    let said_of_it = ours(RECIPE).run_refused(&["--name", &service.name, "service"]);
    assert!(said_of_it.contains("there is such a service already"), "{said_of_it}");
    assert_eq!(service.ask(&ours(RECIPE), &["configure", "5", "first"]), said(5, "first", 1));
    service.kill();
    service.start_again();
    assert_eq!(service.ask(&ours(RECIPE), &["status"]), said(10, "unnamed", 0));
}
