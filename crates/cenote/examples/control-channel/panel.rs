//! The panel: one request, and a look at the data.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use cenote::Segment;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

use crate::door::{Connection, connect};
use crate::{Reply, address, line};

/// How long the service may take to be there, or to answer: longer than it gives to a panel that is silent, and has
/// the place that we wait for.
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(10);

/// Sends one line, and shows the reply.
pub(crate) async fn ask(name: &str, request: &str) -> Result<(), Box<dyn Error>> {
    let mut service = BufReader::new(connected(name).await?);
    let late = |_| format!("the service has not answered within {PATIENCE:?}");
    timeout(PATIENCE, service.write_all(format!("{request}\n").as_bytes())).await.map_err(late)??;
    let Some(reply) = timeout(PATIENCE, line(&mut service)).await.map_err(late)?? else {
        return Err("the service left without an answer".into());
    };
    match serde_json::from_slice(&reply)? {
        Reply::Ok(status) => println!("panel: {}", serde_json::to_string(&status)?),
        Reply::Error(why) => return Err(format!("the service refuses: {why}").into()),
    }
    Ok(())
}

async fn connected(name: &str) -> Result<Connection, Box<dyn Error>> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(service) = connect(name).await? {
            return Ok(service);
        }
        sleep(MOMENT).await;
    }
    Err(format!("there is no service within {PATIENCE:?}").into())
}

/// Shows that the data move.
pub(crate) fn data(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::options().read_only().attach(address(name))?;
    let first: u64 = segment.read_value(0)?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let now: u64 = segment.read_value(0)?;
        if now != first {
            println!("panel: the data go from {first} to {now}");
            return Ok(segment.detach()?);
        }
        thread::sleep(MOMENT);
    }
    Err(format!("the data stand still for {PATIENCE:?}").into())
}
