//! The service: it has a configuration that panels change, and data that they look at.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cenote::Segment;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use crate::door::Door;
use crate::{LINE_LIMIT, MOST, Reply, Request, Status, address, line};

/// So many panels are served at once; more wait until one of them leaves, or has been silent for too long.
const PANELS: usize = 16;

/// What panels share.
struct Service {
    status: Mutex<Status>,
    stop: Notify,
}

pub(crate) async fn run(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::open_or_create(address(name), 8)?;
    // Kept to the end, and freed by the system if we do not come so far.
    let Some(_alone) = segment.try_lock()? else { return Err("there is such a service already".into()) };
    let door = Door::open(name)?;
    let status = Status { rate: 10, label: "unnamed".to_owned(), changes: 0 };
    let service = Arc::new(Service { status: Mutex::new(status), stop: Notify::new() });
    println!("service: ready");
    tokio::select! {
        error = receive(door, &service) => return Err(error.into()),
        error = work(&segment, &service) => return Err(error.into()),
        () = service.stop.notified() => {}
    }
    println!("service: stopped");
    if cfg!(unix) {
        Segment::remove(address(name))?;
    }
    Ok(())
}

/// Brings new data, as often as the configuration says.
async fn work(segment: &Segment, service: &Service) -> cenote::Error {
    for tick in 1_u64.. {
        if let Err(error) = segment.write_value(0, &tick) {
            return error;
        }
        let rate = service.status().rate;
        sleep(Duration::from_secs(1) / rate).await;
    }
    unreachable!("there are more numbers than that")
}

/// Lets panels in. Each is served on its own: none can hold up another one.
async fn receive(mut door: Door, service: &Arc<Service>) -> io::Error {
    let places = Arc::new(Semaphore::new(PANELS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return io::ErrorKind::Other.into() };
        match door.accept().await {
            Ok(stream) => {
                let service = Arc::clone(service);
                tokio::spawn(async move {
                    // How it ended is the panel's matter.
                    let _ = serve(stream, &service).await;
                    drop(place);
                });
            }
            Err(error) => return error,
        }
    }
}

/// Answers a panel's requests until it leaves.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, service: &Service) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let line = match timeout(LINE_LIMIT, line(&mut stream)).await? {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                // Nobody knows where the next request begins.
                let refusal = Reply::Error(format!("a request has no more than {MOST} bytes"));
                return send(&mut stream, &refusal).await;
            }
            Err(error) => return Err(error),
        };
        let request = serde_json::from_slice(&line);
        let stops = matches!(request, Ok(Request::Stop));
        let reply = match request {
            Ok(request) => service.answer(request),
            Err(error) => Reply::Error(format!("this is no request: {error}")),
        };
        send(&mut stream, &reply).await?;
        if stops {
            // With us goes what the panel has not read yet: let it leave first.
            let _ = timeout(LINE_LIMIT, stream.read_u8()).await;
            service.stop.notify_one();
            return Ok(());
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    // A panel that does not read must not keep its place.
    timeout(LINE_LIMIT, stream.write_all(&line)).await?
}

impl Service {
    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of a request, or nothing of it.
    fn answer(&self, request: Request) -> Reply {
        let mut status = self.status();
        if let Request::Configure { rate, label } = request {
            if let Some(rate) = rate.filter(|rate| !(1..=1000).contains(rate)) {
                return Reply::Error(format!("a rate is 1 to 1000, and not {rate}"));
            }
            let is_good = |label: &String| {
                (1..=32).contains(&label.chars().count()) && !label.chars().any(char::is_control)
            };
            if label.as_ref().is_some_and(|label| !is_good(label)) {
                return Reply::Error(
                    "a label has 1 to 32 characters, none of them a control character".into(),
                );
            }
            status.rate = rate.unwrap_or(status.rate);
            status.label = label.unwrap_or_else(|| status.label.clone());
            status.changes = status.changes.wrapping_add(1);
        }
        Reply::Ok(status.clone())
    }
}
