//! How the bus thread sleeps between two polls of the bus's futures.
//!
//! While frames that somebody waits for are out it naps, without timer slack, and looks whether one is back: shortly at first, and longer
//! the longer none is. With nothing out it sleeps until the next time that somebody waits for, and a request wakes it. The realtime
//! thread makes no system call for it, so it looks every 20 ms whether datagrams brought an event or mail. It does so at multiples
//! of that time, and waits that needn't be exact end there too ([`Datagrams::pause_about`]), so that one wake-up serves all: each costs
//! some 10 us of a CPU, and where CPUs are virtual up to 70.

use std::time::Duration;
use zerocat_bus::{ABOUT, Datagrams, Rest, is_woken, last_multiple};

/// Shortest nap while frames are out.
pub(crate) const NAP: Duration = Duration::from_micros(15);
/// Longest nap while frames are out.
const LONG_NAP: Duration = Duration::from_micros(300);
/// A nap is such a part of the time that was napped since the futures were polled.
const PART: u32 = 3;

/// Sleeps until the futures of a network in operation are to be polled again.
pub(crate) fn rest(datagrams: &Datagrams) {
    match datagrams.rest() {
        Rest::Brief(soonest) => nap(soonest, datagrams),
        Rest::Until(time) => drop(park(time.min(next_look(datagrams.now())), datagrams)),
        Rest::Long => drop(park(next_look(datagrams.now()), datagrams)),
    }
}

/// Until a frame is back, a request comes, or a time that somebody waits for.
fn nap(soonest: Option<Duration>, datagrams: &Datagrams) {
    let start = datagrams.now();
    let due = soonest.unwrap_or(Duration::MAX).min(start.saturating_add(ABOUT));
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
pub(crate) fn rest_without_cycles(datagrams: &Datagrams) {
    match datagrams.rest() {
        Rest::Brief(_) => std::thread::sleep(NAP),
        Rest::Until(time) => std::thread::park_timeout(time.saturating_sub(datagrams.now()).clamp(NAP, ABOUT)),
        Rest::Long => std::thread::park_timeout(ABOUT),
    }
}

/// How long to nap where no answer has come for so long.
fn length(waited: Duration) -> Duration {
    (waited / PART).clamp(NAP, LONG_NAP)
}

/// When to look for news next.
fn next_look(now: Duration) -> Duration {
    last_multiple(ABOUT, now.saturating_add(ABOUT))
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
        let next = [0, 1, 19_999, 20_000, 20_001].map(|now| next_look(US * now).as_micros());
        assert_eq!(next, [20_000, 20_000, 20_000, 40_000, 40_000]);
    }
}
