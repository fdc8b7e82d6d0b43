//! Serving it by HTTP until interrupted. Each request looks anew.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use super::{gather, metric};
use crate::failure::Failure;
use crate::output;
use crate::platform::Interrupts;

/// How often to look whether the server still serves.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const PATH: &str = "/metrics";
const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) fn run(address: SocketAddr, beyond_loopback: bool) -> Result<(), Failure> {
    if !address.ip().is_loopback() && !beyond_loopback {
        return Err(Failure::usage(
            format!("other machines may reach {address}, and whoever does can read what is here"),
            "listen on 127.0.0.1 or [::1], or say --beyond-loopback",
        ));
    }
    // Before any thread is started: they are not to get the signals.
    let interrupts = Interrupts::new(false)?;
    let (server, address) = listen(address).map_err(|error| {
        Failure::new(
            format!("cannot listen on {address}: {error}"),
            "take another port; 0 is any that is free",
        )
    })?;
    let server = Arc::new(server);
    let serving = thread::spawn({
        let server = Arc::clone(&server);
        move || serve(&server)
    });
    output::line(format!("serving http://{address}{PATH}"))?;
    while !interrupts.come_within(LOOKS_EVERY)? {
        if serving.is_finished() {
            break;
        }
    }
    let has_failed = serving.is_finished();
    server.unblock();
    match serving.join() {
        Ok(error) if has_failed => {
            let hint = "see how many connections there are, and start it anew";
            Err(Failure::io("cannot take connections any more", &error, hint))
        }
        _ => Ok(()),
    }
}

fn listen(address: SocketAddr) -> Result<(Server, SocketAddr), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    Ok((Server::from_listener(listener, None)?, address))
}

/// Answers one after the other, as two at once would only look at the same things: until it is asked to end, or why it cannot go
/// on.
fn serve(server: &Server) -> io::Error {
    loop {
        match server.recv() {
            Ok(request) => answer(request),
            Err(error) => return error,
        }
    }
}

fn answer(request: Request) {
    let path = request.url().split('?').next().unwrap_or_default();
    let (status, content_type, text) = match (request.method(), path) {
        (Method::Get | Method::Head, PATH) => match gather::families() {
            Ok(families) => (200, metric::CONTENT_TYPE, metric::text(&families)),
            Err(failure) => {
                failure.report();
                (500, PLAIN, "what is here cannot be looked at: stderr of cenote says why\n".to_owned())
            }
        },
        (Method::Get | Method::Head, _) => (404, PLAIN, format!("there is only {PATH} here\n")),
        _ => (405, PLAIN, "this can only be read\n".to_owned()),
    };
    let mut response = Response::from_string(text).with_status_code(status);
    if let Ok(header) = Header::from_bytes("Content-Type", content_type) {
        response.add_header(header);
    }
    if status == 405
        && let Ok(header) = Header::from_bytes("Allow", "GET, HEAD")
    {
        response.add_header(header);
    }
    // Whoever asked may be gone.
    let _ = request.respond(response);
}
