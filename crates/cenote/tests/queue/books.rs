//! What became of each message, of all senders that there ever were: kept only as long as something can still become of
//! it, so that a soak of a day needs no more memory than a minute.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::message::Id;

#[derive(Default)]
pub(crate) struct Books {
    /// Of those senders of whom a message may still come.
    accounts: BTreeMap<u32, Account>,
    /// How many senders there ever were.
    senders: u32,
    /// How many messages the dead ones had acknowledged.
    pub(crate) sent_by_dead: u64,
    /// How many somebody is done with.
    pub(crate) all_done: u64,
    /// What somebody died with who may have been done with it.
    perhaps: BTreeSet<Id>,
    /// How many of these never came again.
    pub(crate) died_with: u64,
    /// How many of those that were acknowledged nobody has seen, nor will.
    pub(crate) missing: u64,
    /// How many came late.
    pub(crate) late: u64,
    /// Of receivers, and of those of them that may have died with a copy; and of senders.
    pub(crate) dead_receivers: u64,
    pub(crate) dead_copiers: u64,
    pub(crate) dead_senders: u64,
}

/// A sender's.
#[derive(Default)]
struct Account {
    /// What became of all before this one is known.
    known: u64,
    /// Which of those from there on somebody is done with.
    done: VecDeque<bool>,
    /// How many it had acknowledged when it died.
    sent: Option<u64>,
    /// Those before this one came long ago or never will, when it is settled next.
    mark: u64,
}

impl Account {
    fn is_done(&self, number: u64) -> bool {
        number < self.known || self.done.get((number - self.known) as usize) == Some(&true)
    }

    /// What is known from the beginning on needs no place.
    fn pass_known(&mut self) {
        while self.done.front() == Some(&true) {
            self.done.pop_front();
            self.known += 1;
        }
    }

    /// One behind the last that somebody is done with, or which may come.
    fn end(&self) -> u64 {
        let seen = self.known + self.done.len() as u64;
        // Of a dead one, what it sent last may have been acknowledged to nobody.
        self.sent.map_or(seen, |sent| sent + 1)
    }
}

impl Books {
    /// A new sender's number.
    pub(crate) fn open(&mut self) -> u32 {
        let sender = self.senders;
        self.senders += 1;
        self.accounts.insert(sender, Account::default());
        sender
    }

    /// Somebody is done with it: for the first time.
    pub(crate) fn done(&mut self, id: Id) {
        let account = self.accounts.get_mut(&id.sender);
        let account = account.unwrap_or_else(|| panic!("{id:?} came when nothing of its sender could"));
        assert!(!account.is_done(id.number), "{id:?} came twice, or when it no longer could");
        assert!(account.sent.is_none_or(|sent| id.number <= sent), "{id:?} was never sent");
        let place = (id.number - account.known) as usize;
        if account.done.len() <= place {
            account.done.resize(place + 1, false);
        }
        account.done[place] = true;
        account.pass_known();
        self.all_done += 1;
    }

    pub(crate) fn sender_died(&mut self, sender: u32, sent: u64) {
        let account = self.accounts.get_mut(&sender).expect("it was alive");
        assert!(account.end() <= sent + 1, "more came of sender {sender} than the {sent} that it sent");
        account.sent = Some(sent);
        self.sent_by_dead += sent;
        self.dead_senders += 1;
    }

    pub(crate) fn receiver_died(&mut self, in_hand: Vec<Id>, late: u64, copies: bool) {
        self.late += late;
        self.dead_receivers += 1;
        self.dead_copiers += u64::from(copies);
        let is_open =
            |id: &Id| self.accounts.get(&id.sender).is_some_and(|account| !account.is_done(id.number));
        self.perhaps.extend(in_hand.into_iter().filter(is_open));
    }

    pub(crate) fn deaths(&self) -> u64 {
        self.dead_senders + self.dead_receivers
    }

    /// Marks what is to be settled next: all that was sent before something that came, and all of the dead.
    pub(crate) fn mark(&mut self) {
        self.accounts.values_mut().for_each(|account| account.mark = account.end());
    }

    /// Nothing of what was marked will come any more, if it has not.
    pub(crate) fn settle(&mut self) {
        for (&sender, account) in &mut self.accounts {
            for number in account.known..account.mark {
                if account.is_done(number) {
                    continue;
                }
                if self.perhaps.remove(&Id { sender, number }) {
                    self.died_with += 1;
                } else if account.sent.is_none_or(|sent| number < sent) {
                    self.missing += 1;
                }
            }
            let passed = account.mark.saturating_sub(account.known);
            account.done.drain(..account.done.len().min(passed as usize));
            account.known = account.known.max(account.mark);
            account.pass_known();
            // Much may have come while somebody was slow.
            account.done.shrink_to(1 << 16);
        }
        let known = &self.accounts;
        let is_over = |id: &Id| known.get(&id.sender).is_none_or(|account| account.is_done(id.number));
        self.perhaps.retain(|id| !is_over(id));
        self.accounts.retain(|_, account| account.sent.is_none_or(|sent| account.mark <= sent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(sender: u32, number: u64) -> Id {
        Id { sender, number }
    }

    #[test]
    fn what_never_came_is_missing_once_it_is_settled() {
        let mut books = Books::default();
        assert_eq!((books.open(), books.open()), (0, 1));
        [0, 1, 3, 4, 6].into_iter().for_each(|number| books.done(id(0, number)));
        books.mark();
        books.done(id(0, 2));
        books.settle();
        assert_eq!((books.missing, books.all_done), (1, 6));
        // It died with one in hand, and one was sent that it had not acknowledged.
        books.done(id(0, 9));
        books.sender_died(0, 9);
        books.receiver_died(vec![id(0, 7), id(0, 3)], 0, false);
        books.mark();
        books.settle();
        assert_eq!((books.missing, books.died_with, books.sent_by_dead), (2, 1, 9));
        assert_eq!((books.accounts.len(), books.perhaps.len()), (1, 0));
    }

    #[test]
    #[should_panic(expected = "came twice")]
    fn what_comes_twice_is_noticed() {
        let mut books = Books::default();
        books.open();
        books.done(id(0, 1));
        books.done(id(0, 1));
    }

    #[test]
    #[should_panic(expected = "no longer could")]
    fn what_comes_when_it_was_settled_is_noticed() {
        let mut books = Books::default();
        books.open();
        books.done(id(0, 1));
        books.mark();
        books.settle();
        books.done(id(0, 0));
    }
}
