//! As much of HTTP as it takes to be asked for a page: the head of one request is read, in bounded time and space; it is
//! answered, and the connection ends. RFC 9110 and RFC 9112.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant, SystemTime};

/// No head of a request for a page is as long.
const LONGEST_HEAD: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
/// How long, and for how much, it is waited for the other side's end, so that it gets all of its answer.
const FAREWELL: Duration = Duration::from_secs(1);
const LONGEST_REST: usize = 64 << 10;

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// What somebody asks for.
pub(super) struct Request {
    pub(super) method: String,
    /// Without what follows a question mark.
    pub(super) path: String,
}

impl Request {
    /// Whether nothing of the page itself is to be sent.
    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// What somebody gets.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn plain(status: u16, text: impl Into<String>) -> Self {
        Self { status, content_type: PLAIN, text: text.into() }
    }
}

/// What came of listening to somebody.
pub(super) enum Heard {
    Request(Request),
    /// It cannot be understood, or takes too long: this is to be said.
    Nonsense(Answer),
    /// Nobody is there any more, or nobody has said anything.
    Nothing,
}

/// Listens until `end`.
pub(super) fn listen_to(mut stream: &TcpStream, end: Instant) -> Heard {
    let mut bytes = [0; LONGEST_HEAD];
    let mut len = 0;
    loop {
        let Some(left) = time_left(end) else { return too_late(len) };
        if stream.set_read_timeout(Some(left)).is_err() {
            return Heard::Nothing;
        }
        len += match stream.read(&mut bytes[len..]) {
            Ok(0) => return Heard::Nothing,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if is_timeout(&error) => return too_late(len),
            Err(_) => return Heard::Nothing,
        };
        match parse(&bytes[..len]) {
            Some(heard) => return heard,
            None if len == LONGEST_HEAD => return too_long(),
            None => {}
        }
    }
}

/// `None`: it has no end yet.
fn parse(bytes: &[u8]) -> Option<Heard> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => None,
        Ok(httparse::Status::Complete(_)) => {
            let method = request.method.unwrap_or_default().to_owned();
            let target = request.path.unwrap_or_default();
            // A proxy may be asked for the whole of it, with the machine's name.
            let path = match target.strip_prefix("http://").map(|rest| rest.find('/').map(|at| &rest[at..])) {
                Some(path) => path.unwrap_or("/"),
                None => target,
            };
            let path = path.split('?').next().unwrap_or_default().to_owned();
            Some(Heard::Request(Request { method, path }))
        }
        Err(httparse::Error::TooManyHeaders) => Some(too_long()),
        Err(_) => Some(Heard::Nonsense(Answer::plain(400, "this is no request that can be understood\n"))),
    }
}

fn too_long() -> Heard {
    Heard::Nonsense(Answer::plain(431, "a request for a page is not as long\n"))
}

fn too_late(said: usize) -> Heard {
    if said == 0 { Heard::Nothing } else { Heard::Nonsense(Answer::plain(408, "this took too long\n")) }
}

/// Answers, until `end` at most, and takes leave.
pub(super) fn answer(
    stream: &TcpStream,
    answer: &Answer,
    without_text: bool,
    end: Instant,
) -> io::Result<()> {
    let mut bytes = head(answer).into_bytes();
    if !without_text {
        bytes.extend_from_slice(answer.text.as_bytes());
    }
    write_all(stream, &bytes, end)?;
    // Closing while something of the request is unread could take the answer away from who has not read it yet.
    stream.shutdown(Shutdown::Write)?;
    wait_for_the_end(stream, end.min(Instant::now() + FAREWELL));
    Ok(())
}

fn head(answer: &Answer) -> String {
    let Answer { status, content_type, text } = answer;
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(*status));
    let mut header = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    };
    header("Date", &httpdate::fmt_http_date(SystemTime::now()));
    header("Content-Type", content_type);
    header("Content-Length", &text.len().to_string());
    header("Connection", "close");
    if *status == 405 {
        header("Allow", "GET, HEAD");
    }
    head.push_str("\r\n");
    head
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    }
}

fn write_all(mut stream: &TcpStream, mut bytes: &[u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = time_left(end).ok_or(ErrorKind::TimedOut)?;
        stream.set_write_timeout(Some(left))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for_the_end(mut stream: &TcpStream, end: Instant) {
    let (mut bytes, mut rest) = ([0; 1 << 10], LONGEST_REST);
    while let Some(left) = time_left(end).filter(|_| rest > 0) {
        if stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => rest = rest.saturating_sub(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// More than none: a time limit of zero is none.
fn time_left(end: Instant) -> Option<Duration> {
    end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_understood_once_they_are_whole() {
        let heard = |text: &str| match parse(text.as_bytes()) {
            Some(Heard::Request(request)) => format!("{} {}", request.method, request.path),
            Some(Heard::Nonsense(answer)) => answer.status.to_string(),
            Some(Heard::Nothing) => "nothing".to_owned(),
            None => "more".to_owned(),
        };
        for (text, expected) in [
            ("GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /metrics"),
            ("HEAD http://machine:9841/metrics HTTP/1.1\r\n\r\n", "HEAD /metrics"),
            ("GET http://machine HTTP/1.0\r\n\r\n", "GET /"),
            ("GET * HTTP/1.1\r\n\r\n", "GET *"),
            ("", "more"),
            ("GET /metrics HTTP/1.1\r\nHost", "more"),
            ("\0\u{1}\r\n\r\n", "400"),
            ("GET /metrics SMTP\r\n\r\n", "400"),
        ] {
            assert_eq!(heard(text), expected, "{text:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(heard(&many), "431");
    }
}
