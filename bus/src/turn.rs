//! Who takes part in a turn of the bus thread: an actor for which nothing has changed rests.
//!
//! A turn polls the futures of those who don't rest, so a bus in OP of which nobody wants anything costs next to nothing, however
//! many SubDevices it has.
//!
//! Guarantees: an actor rests only after a turn that found nothing to do and left nothing to do, so what one of its futures
//! leaves for another is seen to; work, mail that the frames tell of, and the times that it waits for end its rest.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use crate::soonest::Soonest;

/// An actor's futures, as one that never ends.
pub(crate) struct Turn<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    /// What the frames told of its mailbox in the last turn.
    sign: Option<bool>,
    /// Until when it rests, unless there is something to do.
    rest: Option<Duration>,
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("sign", &self.sign).field("rest", &self.rest).finish_non_exhaustive()
    }
}

impl<'a> Turn<'a> {
    pub(crate) fn of(future: impl Future<Output = ()> + 'a) -> Self {
        Self { future: Box::pin(future), sign: None, rest: None }
    }

    /// Takes the turn, where there may be something to do, and returns whether it did. `sign`: whether the mailbox has mail, as
    /// the frames tell; `is_busy`: whether there is work, begun or not.
    pub(crate) fn take(
        &mut self,
        (now, soonest): (Duration, &Soonest),
        sign: Option<bool>,
        is_busy: impl Fn() -> bool,
        context: &mut Context<'_>,
    ) -> bool {
        let changed = std::mem::replace(&mut self.sign, sign) != sign;
        let busy = changed || sign == Some(true) || is_busy();
        if let Some(until) = self.rest.filter(|until| !busy && now < *until) {
            soonest.note(until);
            return false;
        }
        // It never ends.
        let (_, until) = soonest.apart(|| self.future.as_mut().poll(context));
        self.rest = (!busy && !is_busy()).then(|| until.unwrap_or(Duration::MAX));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::task::{Poll, Waker};

    const MS: Duration = Duration::from_millis(1);
    const EMPTY: Option<bool> = Some(false);
    const FULL: Option<bool> = Some(true);

    /// An actor that waits for the next 100 ms.
    #[derive(Default)]
    struct Bench {
        soonest: Soonest,
        now_ms: Cell<u32>,
        busy: Cell<bool>,
    }

    impl Bench {
        fn turn(&self) -> Turn<'_> {
            Turn::of(std::future::poll_fn(|_| {
                self.soonest.note((self.now_ms.get() / 100 + 1) * 100 * MS);
                Poll::Pending
            }))
        }

        /// Whether the actor takes its turn at a time. However that is, the time that it waits for is known.
        fn take(&self, turn: &mut Turn<'_>, at: u32, sign: Option<bool>) -> bool {
            self.now_ms.set(at);
            let mut context = Context::from_waker(Waker::noop());
            let took = turn.take((at * MS, &self.soonest), sign, || self.busy.get(), &mut context);
            assert_eq!(self.soonest.take(), Some((at / 100 + 1) * 100 * MS));
            took
        }
    }

    #[test]
    fn it_rests_from_a_turn_without_work_to_the_time_that_it_waits_for() {
        let bench = Bench::default();
        let mut turn = bench.turn();
        let turns = [0, 1, 2, 50, 99, 100, 101, 199, 200].map(|at| bench.take(&mut turn, at, None));
        assert_eq!(turns, [true, false, false, false, false, true, false, false, true]);
    }

    #[test]
    fn work_ends_its_rest_and_one_more_turn_follows() {
        let bench = Bench::default();
        let mut turn = bench.turn();
        let turns = [false, false, true, true, false, false].map(|busy| {
            bench.busy.set(busy);
            bench.take(&mut turn, 1, None)
        });
        assert_eq!(turns, [true, false, true, true, true, false]);
    }

    #[test]
    fn work_that_a_turn_leaves_keeps_it_from_resting() {
        let bench = Bench::default();
        let mut turn = Turn::of(std::future::poll_fn(|_| {
            bench.soonest.note(100 * MS);
            bench.busy.set(true);
            Poll::Pending
        }));
        assert!(bench.take(&mut turn, 0, None));
        bench.busy.set(false);
        assert!(bench.take(&mut turn, 0, None));
    }

    #[test]
    fn mail_and_a_sign_that_changes_end_its_rest() {
        let bench = Bench::default();
        let mut turn = bench.turn();
        let turns = [None, None, EMPTY, EMPTY, EMPTY, FULL, FULL, EMPTY, EMPTY, EMPTY, None, None, None]
            .map(|sign| bench.take(&mut turn, 1, sign));
        let wanted = [true, false, true, true, false, true, true, true, true, false, true, true, false];
        assert_eq!(turns, wanted);
    }
}
