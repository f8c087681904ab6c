//! Whoever asks one SubDevice: one transaction after the other, each value checked against what was written before.
//!
//! A written value is unique in the run. After a write whose end isn't known, the old value and the new one are both right, until
//! one of them was read.

use super::reason::Reason;
use super::tally::Tally;
use std::collections::VecDeque;
use std::time::Duration;
use zerocat::{Pending, RequestError, SubDeviceHandle};

/// Time that a transaction has, with all its repetitions.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// Requests of a transaction, at most.
const ATTEMPTS: u32 = 4;
/// A request that has no end so long after its deadline never ends.
const LEAKED_AFTER: Duration = Duration::from_secs(1);
/// One in so many transactions is begun together with a request that is given up.
const CANCELS: u32 = 50;
/// Values of an object that are remembered, to know an old one.
const REMEMBERED: usize = 256;

/// Settings of 32 bits of the simulated servo, and a text longer than its mailbox.
const OBJECTS: [u16; 5] = [0x6081, 0x6083, 0x6084, 0x6085, TEXT];
const TEXT: u16 = 0x2000;
/// One in so many transactions is about the text.
const TEXTS: u32 = 6;

/// What is known of an object.
#[derive(Debug)]
struct Known {
    /// Values that it may have; empty before the first was read.
    possible: Vec<Vec<u8>>,
    /// First words of values that it had, which tell them apart. Its room is there from the start on, so that memory that grows is not
    /// the bench's own.
    past: VecDeque<[u8; 4]>,
}

impl Default for Known {
    fn default() -> Self {
        Self { possible: Vec::new(), past: VecDeque::from([[0; 4]; REMEMBERED]) }
    }
}

impl Known {
    /// It has a value now, and no other.
    fn settle(&mut self, value: Vec<u8>) {
        for old in self.possible.drain(..).filter(|old| *old != value) {
            self.past.pop_front();
            self.past.push_back(first_word(&old));
        }
        self.possible.push(value);
    }

    /// Whether it had this value, whole, before the present one.
    fn had(&self, value: &[u8]) -> bool {
        let word = first_word(value);
        self.past.contains(&word) && repeated(word, value.len()) == value
    }
}

#[derive(Debug)]
enum Request {
    Read(Pending<Vec<u8>>),
    Write(Pending<()>),
}

/// A transaction that goes on.
#[derive(Debug)]
struct Present {
    object: usize,
    /// What is written; `None`: it is read.
    value: Option<Vec<u8>>,
    since: Duration,
    attempts: u32,
    /// `None` while the bus thread had no room for it.
    request: Option<Request>,
}

/// One SubDevice, and whoever asks it.
#[derive(Debug)]
pub(super) struct Customer {
    handle: SubDeviceHandle,
    random: fastrand::Rng,
    known: [Known; OBJECTS.len()],
    present: Option<Present>,
    frozen: bool,
}

impl Customer {
    pub(super) fn new(handle: SubDeviceHandle, seed: u64, frozen: bool) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { handle, random, known: Default::default(), present: None, frozen }
    }

    /// Whether a transaction goes on.
    pub(super) const fn is_busy(&self) -> bool {
        self.present.is_some()
    }

    /// Takes an answer that has come, and asks for the next thing where `more` is to be asked.
    pub(super) fn turn(&mut self, now: Duration, more: bool, tally: &mut Tally) {
        if self.present.is_none() && more {
            self.begin(now, tally);
        }
        let Some(mut present) = self.present.take() else { return };
        let answer = match &present.request {
            None => {
                self.ask(&mut present, now);
                None
            }
            Some(Request::Read(pending)) => pending.try_take().map(|answer| answer.map(Some)),
            Some(Request::Write(pending)) => pending.try_take().map(|answer| answer.map(|()| None)),
        };
        match answer {
            None if now > present.since + DEADLINE + LEAKED_AFTER => tally.leaked += 1,
            None => self.present = Some(present),
            Some(Ok(value)) => self.succeed(present, value, now, tally),
            Some(Err(RequestError::Full)) => self.present = Some(Present { request: None, ..present }),
            Some(Err(error)) => self.fail(present, Reason::of(&error), now, tally),
        }
    }

    fn begin(&mut self, now: Duration, tally: &mut Tally) {
        let number = tally.begin();
        let text = self.random.u32(..TEXTS) == 0;
        let object = if text { OBJECTS.len() - 1 } else { self.random.usize(..OBJECTS.len() - 1) };
        let known = &self.known[object].possible;
        let writes = !known.is_empty() && self.random.bool();
        let value = writes.then(|| unique(number, known.first().map_or(4, Vec::len)));
        if self.random.u32(..CANCELS) == 0 {
            // Dropped, it is cancelled; whatever comes of it must not answer the transaction that follows.
            drop(self.handle.sdo_read_bytes(OBJECTS[self.random.usize(..OBJECTS.len())], 0));
            tally.cancelled += 1;
        }
        self.present = Some(Present { object, value, since: now, attempts: 0, request: None });
    }

    fn ask(&self, present: &mut Present, now: Duration) {
        let handle = self.handle.within((present.since + DEADLINE).saturating_sub(now));
        let index = OBJECTS[present.object];
        present.request = Some(match &present.value {
            None => Request::Read(handle.sdo_read_bytes(index, 0)),
            Some(value) => Request::Write(handle.sdo_write_bytes(index, 0, value.clone())),
        });
    }

    fn succeed(&mut self, present: Present, read: Option<Vec<u8>>, now: Duration, tally: &mut Tally) {
        let known = &mut self.known[present.object];
        if let Some(value) = &read {
            let right = known.possible.is_empty() || known.possible.contains(value);
            match right {
                true => {}
                false if known.had(value) => tally.duplicates += 1,
                false => tally.wrong_data += 1,
            }
            if !right {
                return self.present = None;
            }
        }
        known.settle(read.or(present.value).unwrap_or_default());
        tally.succeed(now.saturating_sub(present.since));
    }

    fn fail(&mut self, mut present: Present, reason: Reason, now: Duration, tally: &mut Tally) {
        if let Some(value) = &present.value
            && !self.known[present.object].possible.contains(value)
        {
            self.known[present.object].possible.push(value.clone());
        }
        present.attempts += 1;
        if present.attempts >= ATTEMPTS || now >= present.since + DEADLINE {
            return tally.fail(reason, self.frozen);
        }
        tally.repeat(reason);
        self.ask(&mut present, now);
        self.present = Some(present);
    }
}

/// A value of so many bytes that no other transaction has: its number, again and again.
fn unique(number: u64, len: usize) -> Vec<u8> {
    repeated(first_word(&number.to_le_bytes()), len)
}

fn repeated(word: [u8; 4], len: usize) -> Vec<u8> {
    word.into_iter().cycle().take(len).collect()
}

fn first_word(bytes: &[u8]) -> [u8; 4] {
    bytes.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_transactions_differ_whatever_their_length() {
        assert_ne!(unique(1, 4), unique(2, 4));
        assert_eq!(unique(0x0102, 6), [2, 1, 0, 0, 2, 1]);
    }

    #[test]
    fn after_a_write_without_an_end_both_values_may_be_read_and_then_only_that_one() {
        let mut known = Known::default();
        let [one, two] = [unique(1, 6), unique(2, 6)];
        known.settle(one.clone());
        known.possible.push(two.clone());
        known.settle(one.clone());
        assert_eq!(known.possible, [one]);
        assert!(
            known.had(&two) && !known.had(&[2, 0, 0, 0, 2, 9]),
            "a value whose parts don't go together was never there"
        );
    }
}
