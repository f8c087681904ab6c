//! How the bus thread sleeps between two polls of the bus's futures.
//!
//! While frames that somebody waits for are out it naps, without timer slack, and looks whether one is back: shortly at first, and longer the longer none
//! is. With nothing out it sleeps until the next time that somebody waits for, and a request wakes it. The realtime thread makes no
//! system call for it, so it looks every ten milliseconds whether datagrams brought an event or mail. It does so at multiples of
//! that time, and waits that needn't be exact end there too ([`Datagrams::pause_about`]), so that one wake-up serves all.

use std::time::Duration;
use zerocat_bus::{ABOUT, Datagrams, Rest, is_woken, last_multiple};
use zerocat_engine::CountersReader;

/// Shortest nap while frames are out.
pub(crate) const NAP: Duration = Duration::from_micros(15);
/// Longest nap while frames are out.
const LONG_NAP: Duration = Duration::from_micros(300);
/// A nap is such a part of the time that was napped since the futures were polled.
const PART: u32 = 3;
/// Time from one look for events and mail to the next, while nothing else is to do: nobody wakes this thread for them.
const NEWS: Duration = ABOUT;
/// Longest sleep.
const LONGEST: Duration = Duration::from_millis(20);

/// The sleeps of a network in operation.
#[derive(Debug)]
pub(crate) struct Naps {
    counters: CountersReader,
}

impl Naps {
    pub(crate) const fn new(counters: CountersReader) -> Self {
        Self { counters }
    }

    /// Sleeps until the futures are to be polled again.
    pub(crate) fn rest(&self, datagrams: &Datagrams) {
        match datagrams.rest() {
            Rest::Brief(soonest) => nap(soonest, datagrams),
            Rest::Until(time) => self.sleep(time, datagrams),
            Rest::Long => self.sleep(Duration::MAX, datagrams),
        }
    }

    /// Until a time, a request, or news.
    fn sleep(&self, until: Duration, datagrams: &Datagrams) {
        let before = self.counters.read().news;
        let due = until.min(datagrams.now().saturating_add(LONGEST));
        while park(next_look(datagrams.now()).min(due), datagrams) == Parked::Through {
            if datagrams.now() >= due || self.counters.read().news != before {
                return;
            }
        }
    }
}

/// Until a frame is back, a request comes, or a time that somebody waits for.
fn nap(soonest: Option<Duration>, datagrams: &Datagrams) {
    let start = datagrams.now();
    let due = soonest.unwrap_or(Duration::MAX).min(start.saturating_add(NEWS));
    loop {
        let now = datagrams.now();
        let end = now.saturating_add(length(now.saturating_sub(start))).min(due);
        if park(end, datagrams) == Parked::Woken || is_woken() || datagrams.now() >= due {
            return;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Parked {
    /// As long as was wanted.
    Through,
    /// For a shorter time: a request woke the thread.
    Woken,
}

/// Sleeps until a time, and no less than the shortest nap.
fn park(end: Duration, datagrams: &Datagrams) -> Parked {
    let now = datagrams.now();
    let end = end.max(now.saturating_add(NAP));
    std::thread::park_timeout(end.saturating_sub(now));
    if datagrams.now() < end { Parked::Woken } else { Parked::Through }
}

/// Sleeps once, where there are no cycles yet.
pub(crate) fn rest(rest: Rest, now: Duration) {
    match rest {
        Rest::Brief(_) => std::thread::sleep(NAP),
        Rest::Until(time) => std::thread::park_timeout(time.saturating_sub(now).clamp(NAP, LONGEST)),
        Rest::Long => std::thread::park_timeout(LONGEST),
    }
}

/// How long to nap where no answer has come for so long.
fn length(waited: Duration) -> Duration {
    (waited / PART).clamp(NAP, LONG_NAP)
}

/// When to look for news next.
fn next_look(now: Duration) -> Duration {
    last_multiple(NEWS, now.saturating_add(NEWS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    #[test]
    fn naps_grow_while_nothing_comes_and_are_bounded() {
        let lengths = [0, 30, 90, 600, 3_000].map(|waited| length(US * waited).as_micros());
        assert_eq!(lengths, [15, 15, 30, 200, 300]);
    }

    #[test]
    fn looks_are_at_multiples_of_their_time() {
        let next = [0, 1, 9_999, 10_000, 10_001].map(|now| next_look(US * now).as_micros());
        assert_eq!(next, [10_000, 10_000, 10_000, 20_000, 20_000]);
    }
}
