//! An iceoryx2 peer: one node with a publisher and a subscriber of one service, behind the line protocol of
//! `../README.md`. Its first argument is the folder that takes the place of `/tmp/iceoryx2`.

use std::error::Error;
use std::io::{self, BufRead, Write};

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

const NO_SERVICE: &str = "err NotFound no service is open";

/// What the process has of one service, closed in this order.
struct Ports {
    publisher: Publisher<ipc::Service, u64, ()>,
    subscriber: Subscriber<ipc::Service, u64, ()>,
    _node: Node<ipc::Service>,
}

impl Ports {
    fn open(service: &str, folder: &str) -> Result<Self, Box<dyn Error>> {
        let mut config = Config::default();
        config.global.set_root_path(&Path::new(folder.as_bytes())?);
        let node = NodeBuilder::new().config(&config).create::<ipc::Service>()?;
        let service =
            node.service_builder(&service.try_into()?).publish_subscribe::<u64>().open_or_create()?;
        let publisher = service.publisher_builder().create()?;
        Ok(Self { publisher, subscriber: service.subscriber_builder().create()?, _node: node })
    }

    fn send(&self, number: &str) -> Result<(), Box<dyn Error>> {
        self.publisher.loan_uninit()?.write_payload(number.parse()?).send()?;
        Ok(())
    }

    /// The next number that was sent.
    fn receive(&self) -> Result<Option<u64>, Box<dyn Error>> {
        Ok(self.subscriber.receive()?.map(|sample| *sample))
    }
}

fn said<T: ToString>(result: Result<T, Box<dyn Error>>) -> String {
    match result {
        Ok(value) => format!("ok {}", value.to_string()).trim_end().to_owned(),
        Err(error) => format!("err Unknown {error}"),
    }
}

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "/tmp/iceoryx2".to_owned());
    let mut ports: Option<Ports> = None;
    let mut output = io::stdout();
    writeln!(output, "ready")?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let reply = match (&words[..], &ports) {
            (["open", service], _) => said(Ports::open(service, &folder).map(|opened| {
                ports = Some(opened);
                ""
            })),
            (["send", number], Some(ports)) => said(ports.send(number).map(|()| "")),
            (["receive"], Some(ports)) => match ports.receive() {
                Ok(None) => "err NotFound nothing was sent".to_owned(),
                Ok(Some(number)) => format!("ok {number}"),
                Err(error) => format!("err Unknown {error}"),
            },
            (["send", _] | ["receive"], None) => NO_SERVICE.to_owned(),
            (["exit"], _) => {
                writeln!(output, "ok")?;
                break;
            }
            _ => "err Unsupported no such command".to_owned(),
        };
        writeln!(output, "{reply}")?;
    }
    Ok(())
}
