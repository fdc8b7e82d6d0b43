//! Queues, made, attached and used at both ends while another process writes nonsense over them.

use std::io::Write;
use std::time::Duration;

use cenote::channel::Loan;
use cenote::{ErrorKind, Queue, QueueOptions, Result, Segment, WhenFull, wait_for_any};
use testkit::Rng;

use crate::operations::TIME;
use crate::victim::Victim;

const MOMENT: Duration = Duration::from_millis(1);
const LONG: usize = 300;
/// How many messages one may find, at most: what the attacker says does not end.
const SOME: usize = 20;

/// One of all sorts, in the same memory as the others' if it can be.
fn options(rng: &mut Rng) -> QueueOptions {
    let full = *rng.choose(&[WhenFull::Wait, WhenFull::Fail, WhenFull::DropOldest]);
    let options = Queue::<[u8]>::options().message(LONG as u64).depth(4).spare(1).when_full(full);
    let options = if rng.one_in(2) { options.one_sender() } else { options };
    let options = if rng.one_in(2) { options.one_receiver() } else { options };
    options.segment(&Segment::options().timeout(TIME))
}

fn queue(victim: &mut Victim) -> Result<Queue> {
    options(&mut victim.rng).open_or_create(victim.address.as_str())
}

/// Errors of one do not keep the next one from being done: the first is told.
fn all<const N: usize>(results: [Result<()>; N]) -> Result<bool> {
    results.into_iter().collect::<Result<Vec<()>>>().map(|_| true)
}

pub(crate) fn send(victim: &mut Victim) -> Result<bool> {
    let tx = queue(victim)?.sender()?;
    for _ in 0..3 {
        all([
            tx.try_send(b"short").map(drop),
            tx.send_tagged_timeout(1, &[7; LONG], MOMENT),
            tx.loan(LONG).and_then(fill).and_then(Loan::send),
            tx.loan(8).and_then(|loan| loan.try_send(2)).map(drop),
        ])?;
    }
    tx.detach().map(|()| true)
}

fn fill(mut loan: Loan<'_>) -> Result<Loan<'_>> {
    let _ = loan.write_all(&[5; LONG]);
    loan.write_at(1, b"x")?;
    Ok(loan)
}

pub(crate) fn receive(victim: &mut Victim) -> Result<bool> {
    let rx = queue(victim)?.receiver()?;
    for _ in 0..SOME {
        let Some((_, message)) = rx.try_receive_tagged()? else { break };
        assert!(message.len() <= rx.segment().len());
    }
    for _ in 0..SOME {
        let Some(borrowed) = rx.try_borrow()? else { break };
        let mut bytes = [0; 8];
        let len = bytes.len().min(borrowed.len());
        borrowed.read_at(0, &mut bytes[..len])?;
    }
    let descriptor = rx.descriptor()?;
    let waits = [
        rx.receive_timeout(MOMENT).map(drop),
        wait_for_any(&[&rx, &rx], Some(MOMENT)).map(drop),
        descriptor.arm(&rx),
    ];
    for result in waits {
        match result {
            Err(error) if error.kind() != ErrorKind::Timeout => return Err(error),
            _ => {}
        }
    }
    rx.detach().map(|()| true)
}

/// Both ends in one process, which stay a while.
pub(crate) fn pass(victim: &mut Victim) -> Result<bool> {
    let queue = queue(victim)?;
    let attach = || Queue::<[u8]>::options().segment(&Segment::options().timeout(TIME));
    let tx = attach().attach(victim.address.as_str())?.sender()?;
    let rx = attach().attach(victim.address.as_str())?.receiver()?;
    for round in 0..SOME {
        let len = if round % 2 == 0 { 16 } else { LONG };
        let results = [
            tx.send_timeout(&vec![9; len], MOMENT),
            rx.receive_timeout(MOMENT).map(drop),
            queue.statistics().map(|told| assert!(told.deepest <= told.capacity)),
        ];
        all(results)?;
    }
    Ok(true)
}

/// Of a type, whose bytes are looked at.
pub(crate) fn typed(victim: &mut Victim) -> Result<bool> {
    let options = || {
        let options = Queue::<[bool; 8]>::options().depth(2).when_full(WhenFull::Fail);
        options.segment(&Segment::options().timeout(TIME))
    };
    let queue = options().open_or_create(victim.address.as_str())?;
    let tx = options().attach(victim.address.as_str())?.sender()?;
    tx.try_send(&[true; 8])?;
    let told = queue.statistics()?;
    assert!(told.deepest <= told.capacity);
    queue.receiver()?.try_receive().map(|_| true)
}
