//! A process that has ends of a topic and does with them what it is told: the line protocol of `testkit::agent`, with
//! commands of its own.
//!
//! | command | reply | |
//! |---|---|---|
//! | `create ADDRESS MODE` | | a topic for all, of 300 bytes and 4 messages |
//! | `publisher ADDRESS`, `subscriber ADDRESS`, `reader ADDRESS` | | becomes one; a reader may only read |
//! | `another ADDRESS` | | subscribes once more, for what `fork` drops |
//! | `publish TEXT`, `publish-long TEXT`, `try-publish TEXT` | `ok`, `ok full` | the long one repeats it up to 300 bytes |
//! | `receive`, `receive MS` | `ok TEXT` | |
//! | `missed` | `ok NUMBER` | |
//! | `borrow`, `look`, `drop` | `ok TEXT` | has one more in hand, and looks at all of them, until then |
//! | `loan TEXT`, `send-loan` | | fills one in place, and publishes it |
//! | `count-up` | | publishes numbers for ever |
//! | `fork` | `ok yes` | a child tries all that this process could, is refused, and drops what it has |

use std::time::Duration;

use cenote::channel::{Loan, Sample};
use cenote::{ErrorKind, Publisher, Result, Segment, Subscriber, Topic};

const LONG: usize = 300;

#[derive(Default)]
struct Agent {
    /// They stay as long as this process does, so that what they have lent can lie beside them.
    made: Option<Topic>,
    publisher: Option<&'static Publisher>,
    subscriber: Option<&'static Subscriber>,
    another: Option<Subscriber>,
    samples: Vec<Sample<'static>>,
    loan: Option<Loan<'static>>,
}

pub(crate) fn serve_if_asked() {
    let mut agent = Agent::default();
    testkit::agent::serve_own_if_asked(|words| agent.answer(words));
}

/// All of it, as each message repeats what it begins with.
fn text(bytes: &[u8]) -> String {
    let begins = &bytes[..bytes.len().min(20)];
    assert!(bytes.iter().zip(begins.iter().cycle()).all(|(one, other)| one == other), "torn: {bytes:?}");
    String::from_utf8(begins.to_vec()).expect("text")
}

/// Twenty bytes repeat themselves if its letters do.
fn long(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(20).collect::<Vec<_>>().repeat(LONG / 20)
}

impl Agent {
    fn publisher(&self) -> &'static Publisher {
        self.publisher.expect("a publisher")
    }

    fn subscriber(&self) -> &'static Subscriber {
        self.subscriber.expect("a subscriber")
    }

    fn answer(&mut self, words: &[&str]) -> Result<String> {
        match *words {
            ["create", address, mode] => {
                let mode = u32::from_str_radix(mode, 8).unwrap();
                let options = Topic::<[u8]>::options().message(LONG as u64).depth(4).spare(2);
                self.made = Some(options.segment(&Segment::options().mode(mode)).create(address)?);
            }
            ["publisher", address] => {
                self.publisher = Some(Box::leak(Box::new(Topic::<[u8]>::attach(address)?.publisher()?)));
            }
            ["subscriber", address] => {
                self.subscriber = Some(Box::leak(Box::new(Topic::<[u8]>::attach(address)?.subscriber()?)));
            }
            ["reader", address] => {
                let options = Topic::<[u8]>::options().segment(&Segment::options().read_only());
                self.subscriber = Some(Box::leak(Box::new(options.attach(address)?.subscriber()?)));
            }
            ["another", address] => self.another = Some(Topic::<[u8]>::attach(address)?.subscriber()?),
            ["publish", text] => self.publisher().publish(text.as_bytes())?,
            ["publish-long", text] => self.publisher().publish(&long(text))?,
            ["try-publish", text] => {
                let published = self.publisher().try_publish(text.as_bytes())?;
                return Ok(if published { "" } else { "full" }.to_owned());
            }
            ["receive"] => return self.subscriber().receive().map(|bytes| text(&bytes)),
            ["receive", ms] => {
                let time = Duration::from_millis(ms.parse().unwrap());
                return self.subscriber().receive_timeout(time).map(|bytes| text(&bytes));
            }
            ["missed"] => return Ok(self.subscriber().missed().to_string()),
            ["borrow"] => {
                let sample = self.subscriber().borrow()?;
                let text = sample.read_to_vec(..).map(|bytes| text(&bytes));
                self.samples.push(sample);
                return text;
            }
            ["look"] => {
                let texts: Result<Vec<_>> = self
                    .samples
                    .iter()
                    .map(|sample| sample.read_to_vec(..).map(|bytes| text(&bytes)))
                    .collect();
                return texts.map(|texts| texts.join(" "));
            }
            ["drop"] => self.samples.clear(),
            ["loan", text] => {
                let loan = self.loan.insert(self.publisher().loan(LONG)?);
                loan.write_at(0, &long(text))?;
            }
            ["send-loan"] => self.loan.take().expect("a loan").send()?,
            ["count-up"] => {
                for number in 0_u64.. {
                    self.publisher().publish(format!("{number}").as_bytes())?;
                }
            }
            ["fork"] => return Ok(testkit::in_child(|| self.is_refused())),
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
        let publishing = self.publisher.is_none_or(|tx| {
            with_lock_error(tx.publish(b"a child's"))
                && with_lock_error(tx.try_publish(b"a child's"))
                && with_lock_error(tx.publish_timeout(b"a child's", soon))
                && with_lock_error(tx.publish(&long("a child's")))
                && with_lock_error(tx.loan(LONG))
        });
        let reading = self.subscriber.is_none_or(|rx| {
            // One with its hands full is refused for that.
            let is_full = self.samples.len() == 6;
            with_lock_error(rx.try_receive())
                && with_lock_error(rx.receive_timeout(soon))
                && (is_full || with_lock_error(rx.try_borrow()))
        });
        let lent = self.loan.take().is_none_or(|loan| with_lock_error(loan.send()));
        // Frees nothing, and takes nobody's record away.
        self.samples.clear();
        self.another = None;
        publishing && reading && lent
    }
}
