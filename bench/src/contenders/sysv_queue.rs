//! Two message queues of System V.
#![allow(unsafe_code)]

use super::pieces::{Carrier, Pieces, expect_whole};
use super::several::Several;
use super::sysv::{MODE, check, refused, remove_queue};
use super::{Abilities, Contender};
use crate::harness::Fault;
use crate::harness::plan::{Config, Wait};

/// `msgmax`, as every system has it.
const MOST_WORDS: usize = 8192 / 8;
const KIND: u64 = 1;

pub(crate) struct SysvQueue;

pub(crate) struct Queues {
    from: i32,
    to: i32,
    flags: i32,
    /// The kind of the message, and the message: as the calls want it.
    message: Vec<u64>,
    /// The first side made the queues, and removes them.
    remove: Option<i32>,
}

impl Queues {
    fn open(config: &Config, flags: i32) -> Result<[i32; 2], Fault> {
        let mut queues = [0; 2];
        for (index, queue) in queues.iter_mut().enumerate() {
            // SAFETY: numbers alone.
            *queue = check("msgget", unsafe { libc::msgget(config.key + index as i32, flags | MODE) })?;
        }
        Ok(queues)
    }

    fn new(config: &Config, from: i32, to: i32, remove: Option<i32>) -> Self {
        let flags = if config.wait == Wait::Spin { libc::IPC_NOWAIT } else { 0 };
        Self { from, to, flags, message: vec![KIND; 1 + config.words().min(MOST_WORDS)], remove }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        if let Some(key) = self.remove {
            remove_queue(key);
            remove_queue(key + 1);
        }
    }
}

impl Carrier for Queues {
    fn most(&self) -> usize {
        MOST_WORDS
    }

    fn send_piece(&mut self, words: &[u64]) -> Result<bool, Fault> {
        self.message[0] = KIND;
        self.message[1..=words.len()].copy_from_slice(words);
        let start = self.message.as_ptr().cast();
        // SAFETY: a kind and as many bytes as it is told, which live through the call.
        match unsafe { libc::msgsnd(self.to, start, size_of_val(words), self.flags) } {
            0 => Ok(true),
            _ => refused("msgsnd"),
        }
    }

    fn receive_piece(&mut self, words: &mut [u64]) -> Result<bool, Fault> {
        let start = self.message.as_mut_ptr().cast();
        // SAFETY: room for a kind and as many bytes as it is told, ours, which live through the call.
        let came = unsafe { libc::msgrcv(self.from, start, size_of_val(words), 0, self.flags) };
        if came < 0 {
            return refused("msgrcv");
        }
        words.copy_from_slice(&self.message[1..=words.len()]);
        expect_whole(came as usize, words)
    }
}

impl Contender for SysvQueue {
    const NAME: &'static str = "sysv_queue";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Queues;
    type Link = Pieces<Queues>;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Queues, String), Fault> {
        let [out, back] = Queues::open(config, libc::IPC_CREAT | libc::IPC_EXCL)?;
        Ok((Queues::new(config, back, out, Some(config.key)), String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Pieces<Queues>, Fault> {
        let [out, back] = Queues::open(config, 0)?;
        Ok(Pieces::new(config, Queues::new(config, out, back, None)))
    }

    fn accept(config: &Config, listening: Queues) -> Result<Pieces<Queues>, Fault> {
        Ok(Pieces::new(config, listening))
    }

    fn sweep(config: &Config) {
        remove_queue(config.key);
        remove_queue(config.key + 1);
    }
}
