//! Crossbeam's `ArrayQueue`, between two threads.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use super::threads::{Message, Ring};

pub(crate) struct Crossbeam;

impl Ring for Crossbeam {
    const NAME: &'static str = "crossbeam";
    type Sender = Arc<ArrayQueue<Message>>;
    type Receiver = Arc<ArrayQueue<Message>>;

    fn new(depth: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(ArrayQueue::new(depth));
        (Arc::clone(&queue), queue)
    }

    #[inline]
    fn push(sender: &mut Self::Sender, message: Message) -> bool {
        sender.push(message).is_ok()
    }

    #[inline]
    fn pop(receiver: &mut Self::Receiver) -> Option<Message> {
        receiver.pop()
    }
}
