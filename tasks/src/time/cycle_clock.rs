//! What a cycle says of the reference clock, on its way from those who take samples to the keeper of time.
//!
//! Guarantees: nobody waits, and nothing grows; each cycle counts once, whoever takes its sample first, and in the order of
//! cycles. Not guaranteed: that every reading arrives; some hundred a second are plenty.

use std::sync::Mutex;
use zerocat_engine::{NewestHeader, SampleHeader};

/// Readings that wait. The keeper looks 50 times a second.
const WAITING: usize = 1024;

/// When a cycle was, by the clocks that are read in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CycleClock {
    /// Its number on the grid.
    pub cycle: u64,
    /// Its tick, in nanoseconds of `CLOCK_MONOTONIC`.
    pub tick: u64,
    /// When its frames were posted, in nanoseconds of `CLOCK_MONOTONIC`.
    pub posted: u64,
    /// When its last frame was back, in nanoseconds of `CLOCK_MONOTONIC`.
    pub received: u64,
    /// Time of the reference clock when its first frame passed it, in nanoseconds; `None` without one.
    pub clock: Option<u64>,
}

impl CycleClock {
    /// Of the cycle of a sample.
    #[must_use]
    pub const fn of(header: &SampleHeader) -> Self {
        let SampleHeader { cycle, at, posted, received, clock, .. } = *header;
        Self { cycle, tick: at.0, posted: posted.0, received: received.0, clock }
    }

    /// Of the cycle of the newest sample.
    #[must_use]
    pub const fn of_newest(header: &NewestHeader) -> Self {
        let NewestHeader { cycle, at, posted, received, clock, .. } = *header;
        Self { cycle, tick: at.0, posted: posted.0, received: received.0, clock }
    }
}

/// Readings that wait for the keeper.
#[derive(Debug)]
pub(super) struct Noted(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    readings: Vec<CycleClock>,
    /// The cycle of the last one that was noted.
    last: Option<u64>,
}

impl Noted {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Waiting { readings: Vec::with_capacity(WAITING), last: None }))
    }

    /// Notes a reading of a cycle that is newer than all before, if nobody else is at it just now.
    pub(super) fn note(&self, of: CycleClock) {
        let Ok(mut waiting) = self.0.try_lock() else { return };
        if waiting.readings.len() < WAITING && waiting.last.is_none_or(|last| of.cycle > last) {
            waiting.last = Some(of.cycle);
            waiting.readings.push(of);
        }
    }

    /// Moves what waits to the end of `into`.
    pub(super) fn take(&self, into: &mut Vec<CycleClock>) {
        let Ok(mut waiting) = self.0.try_lock() else { return };
        into.append(&mut waiting.readings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_noted_once_and_in_order_and_no_more_than_have_room() {
        let (noted, mut taken) = (Noted::new(), Vec::new());
        let at = |cycle| CycleClock { cycle, tick: 0, posted: 0, received: 0, clock: Some(1) };
        [3, 3, 2, 5].into_iter().for_each(|cycle| noted.note(at(cycle)));
        noted.take(&mut taken);
        assert_eq!(taken, [at(3), at(5)]);
        taken.clear();
        (0..3000).for_each(|cycle| noted.note(at(cycle)));
        noted.take(&mut taken);
        assert_eq!((taken.len(), taken[0]), (WAITING, at(6)));
    }
}
