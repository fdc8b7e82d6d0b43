//! Serving it by HTTP until interrupted. Each request gets what is found after it came.
//!
//! Whoever connects has a thread and a connection, both for a short time and of a number that is bounded: who is slow, or says
//! nothing, is in nobody's way.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::http::{self, Answer, Heard, Request};
use super::{gather, metric};
use crate::failure::Failure;
use crate::output;
use crate::platform::Interrupts;

/// How often to look whether the server still serves.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const PATH: &str = "/metrics";
/// So many are listened to at once. When another comes, the one who has been there longest has to go.
const MOST_GUESTS: usize = 64;
/// How long a request may take to come, and its answer to be taken.
const TO_ASK: Duration = Duration::from_secs(5);
const TO_TAKE: Duration = Duration::from_secs(10);
/// When nobody can be let in, it is tried again so often, in as much time.
const TRIES: u32 = 100;
const BEFORE_A_TRY: Duration = Duration::from_millis(100);

pub(super) fn run(address: SocketAddr, beyond_loopback: bool) -> Result<(), Failure> {
    if !address.ip().is_loopback() && !beyond_loopback {
        return Err(Failure::usage(
            format!("other machines may reach {address}, and whoever does can read what is here"),
            "listen on 127.0.0.1 or [::1], or say --beyond-loopback",
        ));
    }
    // Before any thread is started: they are not to get the signals.
    let interrupts = Interrupts::new(false)?;
    let (listener, address) = listen(address).map_err(|error| {
        Failure::new(
            format!("cannot listen on {address}: {error}"),
            "take another port; 0 is any that is free",
        )
    })?;
    let serving = thread::spawn(move || serve(&listener));
    output::line(format!("serving http://{address}{PATH}"))?;
    while !interrupts.come_within(LOOKS_EVERY)? {
        if serving.is_finished() {
            let error = serving.join().unwrap_or_else(|_| ErrorKind::Other.into());
            let hint = "see how many files this process may open, and start it anew";
            return Err(Failure::io("cannot take connections any more", &error, hint));
        }
    }
    // Its threads only look at things, and end with the process.
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Lets in whoever comes, until nobody can be let in any more: why not.
fn serve(listener: &TcpListener) -> io::Error {
    let house = Arc::new(House::default());
    let mut failures = 0;
    let mut number = 0;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                failures = 0;
                number += 1;
                house.let_in(number, stream);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                failures += 1;
                if failures == TRIES {
                    return error;
                }
                // Mostly there are too many files open.
                house.make_room();
                thread::sleep(BEFORE_A_TRY);
            }
        }
    }
}

/// Who is there, and what was found last.
#[derive(Default)]
struct House {
    /// In the order in which they came.
    guests: Mutex<Vec<Guest>>,
    page: Mutex<Option<Page>>,
}

/// Somebody who asks, or takes an answer.
struct Guest {
    number: u64,
    stream: Arc<TcpStream>,
    /// Whether it has asked and waits for us: then it stays.
    waits: bool,
}

/// What was found, and since when that was looked for.
struct Page {
    since: Instant,
    answer: Answer,
}

impl House {
    fn let_in(self: &Arc<Self>, number: u64, stream: TcpStream) {
        let stream = Arc::new(stream);
        let mut guests = self.guests();
        if guests.len() >= MOST_GUESTS && !send_away_oldest(&mut guests) {
            return;
        }
        guests.push(Guest { number, stream: Arc::clone(&stream), waits: false });
        drop(guests);
        let house = Arc::clone(self);
        let started = thread::Builder::new().spawn(move || {
            house.talk_to(number, &stream);
            house.forget(number);
        });
        if started.is_err() {
            self.forget(number);
        }
    }

    fn make_room(&self) {
        send_away_oldest(&mut self.guests());
    }

    fn forget(&self, number: u64) {
        self.guests().retain(|guest| guest.number != number);
    }

    fn set_waits(&self, number: u64, waits: bool) {
        if let Some(guest) = self.guests().iter_mut().find(|guest| guest.number == number) {
            guest.waits = waits;
        }
    }

    fn talk_to(&self, number: u64, stream: &TcpStream) {
        let (answer, without_text) = match http::listen_to(stream, Instant::now() + TO_ASK) {
            Heard::Request(request) => {
                self.set_waits(number, true);
                let answer = self.answer_to(&request);
                self.set_waits(number, false);
                (answer, request.is_head())
            }
            Heard::Nonsense(answer) => (answer, false),
            Heard::Nothing => return,
        };
        // Whoever asked may be gone.
        let _ = http::answer(stream, &answer, without_text, Instant::now() + TO_TAKE);
    }

    fn answer_to(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", PATH) => self.page(Instant::now()),
            ("GET" | "HEAD", _) => Answer::plain(404, format!("there is only {PATH} here\n")),
            _ => Answer::plain(405, "this can only be read\n"),
        }
    }

    /// What is found after `asked`. One looks at a time: who came before that began gets the same.
    fn page(&self, asked: Instant) -> Answer {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = page.as_ref().filter(|known| known.since >= asked) {
            return known.answer.clone();
        }
        let since = Instant::now();
        let answer = match gather::families() {
            Ok(families) => {
                let content_type = metric::CONTENT_TYPE;
                Answer { status: 200, content_type, text: metric::text(&families) }
            }
            Err(failure) => {
                failure.report();
                Answer::plain(500, "what is here cannot be looked at: stderr of cenote says why\n")
            }
        };
        *page = Some(Page { since, answer: answer.clone() });
        answer
    }

    fn guests(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that talks to it sees the connection end. False if all wait for us.
fn send_away_oldest(guests: &mut Vec<Guest>) -> bool {
    let oldest = guests.iter().position(|guest| !guest.waits);
    oldest.map(|at| guests.remove(at).stream.shutdown(std::net::Shutdown::Both)).is_some()
}
