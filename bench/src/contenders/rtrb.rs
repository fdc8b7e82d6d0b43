//! `rtrb`, between two threads.

use rtrb::{Consumer, Producer, RingBuffer};

use super::threads::{Message, Ring};

pub(crate) struct Rtrb;

impl Ring for Rtrb {
    const NAME: &'static str = "rtrb";
    type Sender = Producer<Message>;
    type Receiver = Consumer<Message>;

    fn new(depth: usize) -> (Self::Sender, Self::Receiver) {
        RingBuffer::new(depth)
    }

    #[inline]
    fn push(sender: &mut Self::Sender, message: Message) -> bool {
        sender.push(message).is_ok()
    }

    #[inline]
    fn pop(receiver: &mut Self::Receiver) -> Option<Message> {
        receiver.pop().ok()
    }
}
