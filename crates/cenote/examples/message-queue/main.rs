//! A message queue between two programs, which stays when both have ended.
//!
//!     cargo run -q -p cenote --example message-queue -- send 1 Hello
//!     cargo run -q -p cenote --example message-queue -- receive
//!     cargo run -q -p cenote --example message-queue -- remove
//!
//! `send` leaves a message, and ends; `receive` takes so many, waiting for each; `work` takes one and has it in hand
//! until Enter is pressed. `classic.c` beside this does the same by `msgget`, `msgsnd` and `msgrcv`.

use std::error::Error;
use std::io;
use std::process::exit;

use cenote::{Queue, Segment};

const NAME: &str = "cookbook/messages";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut name = NAME.to_owned();
    if arguments.first().is_some_and(|first| first == "--at") && arguments.len() > 1 {
        name = arguments.drain(..2).next_back().unwrap_or_default();
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send", kind, text] => send(&name, kind.parse()?, text),
        ["receive"] => receive(&name, 1),
        ["receive", count] => receive(&name, count.parse()?),
        ["work"] => work(&name),
        ["remove"] => remove(&name),
        _ => {
            eprintln!("usage: message-queue [--at NAME] send KIND TEXT | receive [COUNT] | work | remove");
            exit(2)
        }
    }
}

/// Whoever comes first makes it, and it stays until somebody removes it.
fn queue(name: &str) -> cenote::Result<Queue> {
    let kept = Segment::options().keep();
    Queue::<[u8]>::options().segment(&kept).open_or_create(name) // msgget(IPC_CREAT)
}

fn send(name: &str, kind: u32, text: &str) -> Result<(), Box<dyn Error>> {
    let sender = queue(name)?.sender()?;
    sender.send_tagged(kind, text.as_bytes())?; // msgsnd
    println!("send: {kind} {text:?}");
    Ok(sender.detach()?)
}

fn receive(name: &str, count: u64) -> Result<(), Box<dyn Error>> {
    let receiver = queue(name)?.receiver()?;
    for _ in 0..count {
        let (kind, text) = receiver.receive_tagged()?; // msgrcv
        println!("receive: {kind} {:?}", String::from_utf8_lossy(&text));
    }
    Ok(receiver.detach()?)
}

fn work(name: &str) -> Result<(), Box<dyn Error>> {
    let receiver = queue(name)?.receiver()?;
    let message = receiver.borrow()?; // ours until it is dropped; if we die, somebody else's
    let text = message.read_to_vec(..)?;
    println!("work: has {} {:?}; Enter ends it", message.tag(), String::from_utf8_lossy(&text));
    io::stdin().read_line(&mut String::new())?;
    drop(message); // received
    println!("work: done");
    Ok(receiver.detach()?)
}

fn remove(name: &str) -> Result<(), Box<dyn Error>> {
    Segment::remove(name)?; // msgctl(IPC_RMID)
    println!("remove: done");
    Ok(())
}
