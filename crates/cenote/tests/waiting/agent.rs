//! A process that has ends of channels and does with them what it is told: the line protocol of `testkit::agent`, with
//! commands of its own.
//!
//! | command | reply | |
//! |---|---|---|
//! | `sender ADDRESS`, `publisher ADDRESS` | | becomes one |
//! | `receiver ADDRESS`, `subscriber ADDRESS`, `reader ADDRESS` | | has one more to wait for; the last is read-only |
//! | `send TEXT` | | |
//! | `count TO` | | sends the numbers below, of 8 bytes |
//! | `hold` | | takes a message, and keeps it in hand |
//! | `count-up` | | sends numbers for ever |
//! | `any MS` | `ok WHICH TEXT` | waits for all it has |
//! | `idle MS` | `ok MICROSECONDS` | the time of a processor that this took: nothing comes |
//! | `echo` | | sends what it receives, for ever |
//! | `worker` | | see `crowd.rs` |
//! | `descriptor` | | of its first end |
//! | `poll MS` | `ok TEXT` | by its descriptor, which it arms again |
//! | `idle-poll MS` | `ok MICROSECONDS` | as `idle` |
//! | `undescribe` | | |
//! | `threads` | `ok COUNT` | of this process |
//! | `fork` | `ok yes` | a child is refused, and drops its copy |
//! | `no-waitv` | | the system is one without futex_waitv(2) from here on |
#![allow(unsafe_code)]

use std::io::{BufRead, Write, stdin, stdout};
use std::os::fd::AsRawFd;
use std::time::Duration;

use cenote::channel::{Descriptor, Source};
use cenote::{
    ErrorKind, Publisher, Queue, Receiver, Result, Segment, Sender, Subscriber, Topic, wait_for_any,
};

use super::crowd;
use super::descriptor::poll;

enum End {
    Receiver(Receiver),
    Subscriber(Subscriber),
}

impl End {
    fn source(&self) -> &dyn Source {
        match self {
            Self::Receiver(end) => end,
            Self::Subscriber(end) => end,
        }
    }

    fn try_receive(&self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Receiver(end) => end.try_receive(),
            Self::Subscriber(end) => end.try_receive(),
        }
    }
}

#[derive(Default)]
struct Agent {
    sender: Option<Sender>,
    publisher: Option<Publisher>,
    ends: Vec<End>,
    descriptor: Option<Descriptor>,
}

pub(crate) fn serve_if_asked() {
    if std::env::var_os("CENOTE_TEST_AGENT").is_none() {
        return;
    }
    // The harness has begun a line of its own.
    say("\nready");
    let mut agent = Agent::default();
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        if line == "exit" {
            break;
        }
        let words: Vec<&str> = line.split(' ').collect();
        say(&match agent.answer(&words) {
            Ok(text) if text.is_empty() => "ok".to_owned(),
            Ok(text) => format!("ok {text}"),
            Err(error) => format!("err {} {error}", error.kind()),
        });
    }
    drop(agent);
    std::process::exit(0);
}

fn say(line: &str) {
    let mut output = stdout().lock();
    // Whoever started us may be gone.
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or("-".to_owned(), |bytes| String::from_utf8(bytes).expect("text"))
}

fn millis(ms: &str) -> Duration {
    Duration::from_millis(ms.parse().unwrap())
}

impl Agent {
    fn answer(&mut self, words: &[&str]) -> Result<String> {
        match *words {
            ["sender", address] => self.sender = Some(Queue::<[u8]>::attach(address)?.sender()?),
            ["publisher", address] => self.publisher = Some(Topic::<[u8]>::attach(address)?.publisher()?),
            ["receiver", address] => {
                self.ends.push(End::Receiver(Queue::<[u8]>::attach(address)?.receiver()?));
            }
            ["subscriber", address] => {
                self.ends.push(End::Subscriber(Topic::<[u8]>::attach(address)?.subscriber()?));
            }
            ["reader", address] => {
                let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
                self.ends.push(End::Subscriber(options.attach(address)?.subscriber()?));
            }
            ["send", text] => self.send(text.as_bytes())?,
            ["count", to] => {
                (0..to.parse::<u64>().unwrap()).try_for_each(|number| self.send(&number.to_ne_bytes()))?;
            }
            ["count-up"] => (0_u64..).try_for_each(|number| self.send(&number.to_ne_bytes()))?,
            ["hold"] => {
                let End::Receiver(end) = &self.ends[0] else { panic!("a receiver holds") };
                // For as long as this process lives.
                std::mem::forget(end.borrow()?);
            }
            ["any", ms] => {
                let which = self.wait_for_any(millis(ms))?;
                return self.ends[which].try_receive().map(|bytes| format!("{which} {}", text(bytes)));
            }
            ["idle", ms] => {
                let before = processor_time();
                let error = self.wait_for_any(millis(ms)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Timeout);
                return Ok((processor_time() - before).as_micros().to_string());
            }
            ["echo"] => loop {
                self.wait_for_any(Duration::MAX)?;
                if let Some(bytes) = self.ends[0].try_receive()? {
                    self.send(&bytes)?;
                }
            },
            ["worker"] => {
                let [End::Receiver(control), End::Receiver(jobs), End::Receiver(go)] = &self.ends[..] else {
                    panic!("a worker has three queues")
                };
                crowd::work(control, jobs, go, self.sender.as_ref().unwrap())?;
            }
            ["descriptor"] => {
                self.descriptor = Some(match &self.ends[0] {
                    End::Receiver(end) => end.descriptor()?,
                    End::Subscriber(end) => end.descriptor()?,
                });
            }
            ["poll", ms] => {
                let descriptor = self.descriptor.as_ref().unwrap();
                assert!(poll(descriptor.as_raw_fd(), millis(ms)), "nothing has come");
                let received = self.ends[0].try_receive()?;
                descriptor.arm(self.ends[0].source())?;
                return Ok(text(received));
            }
            ["idle-poll", ms] => {
                let before = processor_time();
                assert!(!poll(self.descriptor.as_ref().unwrap().as_raw_fd(), millis(ms)));
                return Ok((processor_time() - before).as_micros().to_string());
            }
            ["undescribe"] => self.descriptor = None,
            ["threads"] => {
                return Ok(std::fs::read_dir("/proc/self/task").unwrap().count().to_string());
            }
            ["fork"] => return Ok(self.fork()),
            ["no-waitv"] => refuse_waitv(),
            _ => panic!("no such command: {words:?}"),
        }
        Ok(String::new())
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        match (&self.sender, &self.publisher) {
            (Some(sender), _) => sender.send(bytes),
            (None, publisher) => publisher.as_ref().expect("an end that sends").publish(bytes),
        }
    }

    fn wait_for_any(&self, time: Duration) -> Result<usize> {
        let sources: Vec<_> = self.ends.iter().map(End::source).collect();
        wait_for_any(&sources, Some(time))
    }

    /// Whether a forked child is refused.
    fn fork(&mut self) -> String {
        // SAFETY: the child takes no lock that another thread may hold, and leaves by _exit.
        let pid = unsafe { libc::fork() };
        assert_ne!(pid, -1, "fork fails");
        if pid == 0 {
            let descriptor = self.descriptor.take().unwrap();
            let source = self.ends[0].source();
            let is_refused = descriptor.arm(source).is_err_and(|error| error.kind() == ErrorKind::LockError)
                // There is an error to be seen.
                && wait_for_any(&[source], Some(Duration::ZERO)).is_ok()
                && self.ends[0].try_receive().is_err_and(|error| error.kind() == ErrorKind::LockError);
            drop(descriptor);
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(i32::from(!is_refused)) };
        }
        let mut status = 0;
        // SAFETY: waits for our own child; `status` is ours to write.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(waited, pid, "waitpid fails");
        if status == 0 { "yes" } else { "no" }.to_owned()
    }
}

/// What this process has had of the processors, in itself and in the system.
fn processor_time() -> Duration {
    // SAFETY: numbers alone, for which zeros are valid.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `used` is ours to write.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut used) };
    let time = |of: libc::timeval| Duration::new(of.tv_sec as u64, of.tv_usec as u32 * 1000);
    time(used.ru_utime) + time(used.ru_stime)
}

/// By a filter of this thread's, and of those that it starts.
fn refuse_waitv() {
    const NUMBER: u32 = libc::SYS_futex_waitv as u32;
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let refused = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, NUMBER),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refused),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: it takes numbers.
    let allowed = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: the program outlives the call.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!((allowed, set), (0, 0), "{}", std::io::Error::last_os_error());
}
