//! A bounded queue from whoever must not wait, as the bus thread, to a thread or a future that does.
//!
//! Guarantees: pushing never waits; what a full queue has no room for is lost and counted, the oldest or the newest; things come out in
//! the order in which they were pushed; once it is closed, what waits is still there to be taken. One future at a time is woken; threads
//! are all.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What a full queue loses for a new thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loses {
    /// The thing that waits longest.
    Oldest,
    /// The new thing.
    Newest,
}

/// Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing came in time.
    TimedOut,
    /// Nothing will come.
    Ended,
}

#[derive(Debug)]
struct Waiting<T> {
    things: VecDeque<T>,
    lost: u64,
    closed: bool,
    waker: Option<Waker>,
}

/// A bounded queue.
#[derive(Debug)]
pub struct Bounded<T> {
    most: usize,
    loses: Loses,
    waiting: Mutex<Waiting<T>>,
    arrived: Condvar,
}

impl<T> Bounded<T> {
    /// A queue in which at most so many things wait.
    #[must_use]
    pub const fn new(most: usize, loses: Loses) -> Self {
        let waiting = Waiting { things: VecDeque::new(), lost: 0, closed: false, waker: None };
        Self { most, loses, waiting: Mutex::new(waiting), arrived: Condvar::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what waits and wakes whoever waits for it.
    fn change<R>(&self, change: impl FnOnce(&mut Waiting<T>) -> R) -> R {
        let (changed, waker) = {
            let mut waiting = self.waiting();
            (change(&mut waiting), waiting.waker.take())
        };
        self.arrived.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
        changed
    }

    /// Has a thing wait. Returns whether there was room for it, so that nothing was lost.
    pub fn push(&self, thing: T) -> bool {
        self.change(|waiting| {
            let room = waiting.things.len() < self.most;
            if !room {
                waiting.lost = waiting.lost.saturating_add(1);
                if self.loses == Loses::Newest {
                    return false;
                }
                waiting.things.pop_front();
            }
            waiting.things.push_back(thing);
            room
        })
    }

    /// Nothing comes any more.
    pub fn close(&self) {
        self.change(|waiting| waiting.closed = true);
    }

    /// Takes the thing that waits longest, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.waiting().things.pop_front()
    }

    /// Takes the thing that waits longest; waits for one on this thread.
    ///
    /// # Errors
    /// None came in time, or none will come.
    pub fn take_within(&self, within: Duration) -> Result<T, Nothing> {
        let nothing = |waiting: &mut Waiting<T>| waiting.things.is_empty() && !waiting.closed;
        let waited = self.arrived.wait_timeout_while(self.waiting(), within, nothing);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match waiting.things.pop_front() {
            Some(thing) => Ok(thing),
            None if waiting.closed => Err(Nothing::Ended),
            None => Err(Nothing::TimedOut),
        }
    }

    /// Takes the thing that waits longest, in a future; `None` where none will come.
    pub fn poll_take(&self, context: &Context<'_>) -> Poll<Option<T>> {
        let mut waiting = self.waiting();
        match waiting.things.pop_front() {
            Some(thing) => Poll::Ready(Some(thing)),
            None if waiting.closed => Poll::Ready(None),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Things that were lost because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.waiting().lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_loses_the_oldest_or_the_newest_and_counts_it() {
        let oldest = Bounded::new(2, Loses::Oldest);
        assert_eq!([1, 2, 3].map(|n| oldest.push(n)), [true, true, false]);
        assert_eq!((oldest.lost(), oldest.take(), oldest.take(), oldest.take()), (1, Some(2), Some(3), None));
        let newest = Bounded::new(2, Loses::Newest);
        assert_eq!([1, 2, 3].map(|n| newest.push(n)), [true, true, false]);
        assert_eq!((newest.lost(), newest.take(), newest.take(), newest.take()), (1, Some(1), Some(2), None));
    }

    #[test]
    fn what_waits_is_taken_also_once_it_is_closed() {
        let queue = Bounded::new(2, Loses::Newest);
        let context = Context::from_waker(Waker::noop());
        assert_eq!(queue.take_within(Duration::ZERO), Err(Nothing::TimedOut));
        assert_eq!(queue.poll_take(&context), Poll::Pending);
        queue.push(1);
        queue.push(2);
        queue.close();
        assert_eq!(queue.take_within(Duration::ZERO), Ok(1));
        assert_eq!(queue.poll_take(&context), Poll::Ready(Some(2)));
        assert_eq!(queue.take_within(Duration::ZERO), Err(Nothing::Ended));
        assert_eq!(queue.poll_take(&context), Poll::Ready(None));
    }
}
