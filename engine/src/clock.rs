//! How far the reference clock is followed, as the counters say it.

use crate::counters::Counters;
use crate::steer::SteerState;
use std::time::Duration;

/// How far the reference clock is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClockState {
    /// The exchange has no reference clock.
    #[default]
    Off,
    /// The time is read, the grid isn't steered.
    Following,
    /// There are too few readings yet to steer by.
    Listening,
    /// The grid is moved towards its phase.
    Locking,
    /// The phase stays within the window.
    Locked,
    /// There are no readings; the grid goes on with the last frequency.
    Holdover,
    /// The reference doesn't answer, shows another time than it should, or hasn't been heard for too long.
    Lost,
}

impl ClockState {
    const ALL: [Self; 7] =
        [Self::Off, Self::Following, Self::Listening, Self::Locking, Self::Locked, Self::Holdover, Self::Lost];

    pub(crate) const fn word(self) -> u64 {
        self as u64
    }

    fn of_word(word: u64) -> Self {
        Self::ALL.into_iter().find(|state| state.word() == word).unwrap_or_default()
    }

    pub(crate) const fn of(steered: Option<SteerState>, lost: bool) -> Self {
        match steered {
            _ if lost => Self::Lost,
            None => Self::Following,
            Some(SteerState::Listening) => Self::Listening,
            Some(SteerState::Locking) => Self::Locking,
            Some(SteerState::Locked) => Self::Locked,
            Some(SteerState::Holdover) => Self::Holdover,
            Some(SteerState::Lost) => Self::Lost,
        }
    }
}

/// What the counters say of the reference clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ClockCounters {
    /// How far it is followed.
    pub state: ClockState,
    /// The reference's time at the last passage that was read, in ns, in 64 bits; 0 before the first one.
    pub time: u64,
    /// Cycles that brought no time of the reference.
    pub without_reading: u64,
    /// The magnitudes of all differences 0x092C, ORed, in ns: less than twice the largest. As it was read last.
    pub difference: u64,
    /// Cycles in which the difference was asked for and not all SubDevices that have one answered.
    pub difference_unknown: u64,
    /// Estimated phase error in ns: how much later than wanted frames that are sent on their tick pass the reference.
    pub error: i64,
    /// The largest of them while it was locked, without a sign.
    pub error_worst: u64,
    /// How much faster the reference is than the host's clock, in parts per billion.
    pub frequency_ppb: i64,
    /// How far readings usually are from what is expected, in ns.
    pub jitter: u64,
    /// Sum of all moves of the grid in ns.
    pub moved: i64,
    /// The largest move of the grid in ns.
    pub largest_move: u64,
    /// Times that the lock was lost.
    pub times_lost: u64,
    /// How long it took until it was locked for the first time; `None` before.
    pub lock_took: Option<Duration>,
}

impl Counters {
    /// What they say of the reference clock.
    #[must_use]
    pub fn clock(&self) -> ClockCounters {
        ClockCounters {
            state: ClockState::of_word(self.clock_state),
            time: self.clock_time,
            without_reading: self.clock_without_reading,
            difference: self.clock_difference,
            difference_unknown: self.clock_difference_unknown,
            error: self.clock_error.cast_signed(),
            error_worst: self.clock_error_worst,
            frequency_ppb: self.clock_frequency.cast_signed(),
            jitter: self.clock_jitter,
            moved: self.clock_moved.cast_signed(),
            largest_move: self.clock_largest_move,
            times_lost: self.clock_times_lost,
            lock_took: (self.clock_lock_took > 0).then(|| Duration::from_nanos(self.clock_lock_took)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_as_it_was_published() {
        for state in ClockState::ALL {
            assert_eq!(ClockState::of_word(state.word()), state);
        }
    }
}
