//! A process that has an end of a queue and does with it what it is told: the line protocol of `testkit::agent`, with
//! commands of its own.
//!
//! | command | reply | |
//! |---|---|---|
//! | `create ADDRESS MODE` | | a queue for all, of 300 bytes and 4 messages |
//! | `sender ADDRESS`, `receiver ADDRESS` | | becomes one |
//! | `send TEXT`, `send-long TEXT`, `try-send TEXT` | `ok`, `ok full` | the long one repeats it up to 300 bytes |
//! | `receive`, `receive MS` | `ok TEXT` | |
//! | `borrow`, `drop` | `ok TEXT` | has it in hand, until then |
//! | `loan TEXT`, `send-loan` | | fills one in place, and sends it |
//! | `count-up` | `ok` | sends numbers for ever |
//! | `fork` | `ok yes` | a child tries all that this process could, and is refused |
//! | `detach` | | |

use std::time::Duration;

use cenote::channel::{Borrowed, Loan};
use cenote::{ErrorKind, Queue, Receiver, Result, Segment, Sender};

const LONG: usize = 300;

#[derive(Default)]
struct Agent {
    /// They stay as long as this process does, so that what they have lent can lie beside them.
    made: Option<Queue>,
    sender: Option<&'static Sender>,
    receiver: Option<&'static Receiver>,
    borrowed: Option<Borrowed<'static>>,
    loan: Option<Loan<'static>>,
}

pub(crate) fn serve_if_asked() {
    let mut agent = Agent::default();
    testkit::agent::serve_own_if_asked(|words| agent.answer(words));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.iter().copied().take(20).collect()).expect("text")
}

impl Agent {
    fn sender(&self) -> &'static Sender {
        self.sender.expect("a sender")
    }

    fn receiver(&self) -> &'static Receiver {
        self.receiver.expect("a receiver")
    }

    fn answer(&mut self, words: &[&str]) -> Result<String> {
        match *words {
            ["create", address, mode] => {
                let mode = u32::from_str_radix(mode, 8).unwrap();
                let options = Queue::<[u8]>::options().message(LONG as u64).depth(4).spare(1);
                self.made = Some(options.segment(&Segment::options().mode(mode)).create(address)?);
            }
            ["sender", address] => {
                self.sender = Some(Box::leak(Box::new(Queue::<[u8]>::attach(address)?.sender()?)));
            }
            ["receiver", address] => {
                self.receiver = Some(Box::leak(Box::new(Queue::<[u8]>::attach(address)?.receiver()?)));
            }
            ["send", text] => self.sender().send(text.as_bytes())?,
            ["send-long", text] => self.sender().send(&long(text))?,
            ["try-send", text] => {
                let sent = self.sender().try_send(text.as_bytes())?;
                return Ok(if sent { "" } else { "full" }.to_owned());
            }
            ["receive"] => return self.receiver().receive().map(|bytes| text(&bytes)),
            ["receive", ms] => {
                let time = Duration::from_millis(ms.parse().unwrap());
                return self.receiver().receive_timeout(time).map(|bytes| text(&bytes));
            }
            ["borrow"] => {
                let borrowed = self.borrowed.insert(self.receiver().borrow()?);
                return borrowed.read_to_vec(..).map(|bytes| text(&bytes));
            }
            ["drop"] => self.borrowed = None,
            ["loan", text] => {
                let loan = self.loan.insert(self.sender().loan(LONG)?);
                loan.write_at(0, &long(text))?;
            }
            ["send-loan"] => self.loan.take().expect("a loan").send()?,
            ["count-up"] => {
                for number in 0_u64.. {
                    self.sender().send(format!("{number}").as_bytes())?;
                }
            }
            ["fork"] => return Ok(testkit::in_child(|| self.is_refused())),
            ["detach"] => self.made.take().expect("a queue").detach()?,
            _ => panic!("no such command: {words:?}"),
        }
        Ok(String::new())
    }

    /// Whether a forked child is refused everywhere.
    fn is_refused(&mut self) -> bool {
        fn with_lock_error<T>(result: Result<T>) -> bool {
            result.is_err_and(|error| error.kind() == ErrorKind::LockError)
        }
        let soon = Duration::from_millis(1);
        let sending = self.sender.is_none_or(|tx| {
            with_lock_error(tx.send(b"a child's"))
                && with_lock_error(tx.try_send(b"a child's"))
                && with_lock_error(tx.send_timeout(b"a child's", soon))
                && with_lock_error(tx.send(&long("a child's")))
                && with_lock_error(tx.loan(LONG))
        });
        let receiving = self.receiver.is_none_or(|rx| {
            with_lock_error(rx.try_receive())
                && with_lock_error(rx.receive_timeout(soon))
                && with_lock_error(rx.try_borrow())
        });
        let lent = self.loan.take().is_none_or(|loan| with_lock_error(loan.send()));
        // Frees nothing.
        self.borrowed = None;
        sending && receiving && lent
    }
}

fn long(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(LONG).collect()
}
