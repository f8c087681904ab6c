//! Points on `CLOCK_MONOTONIC`, and the clock as a parameter, so that the same code runs under a virtual one.

use std::time::Duration;

/// A point in time, in nanoseconds of `CLOCK_MONOTONIC` (or of a virtual clock).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// Time since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This point plus a duration, saturating.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// This point minus a duration, saturating at 0.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// A duration in whole nanoseconds, saturating after 584 years.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A clock that can be read and slept on.
pub trait Clock {
    /// Now.
    fn now(&self) -> Time;
    /// Sleeps until `deadline`; returns at once if it has passed. May return late, never early.
    fn sleep_until(&self, deadline: Time);
    /// Called between two polls of a busy wait.
    fn relax(&self);
}

/// `CLOCK_MONOTONIC`, slept on with absolute `clock_nanosleep`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;
