//! Points in time on `CLOCK_MONOTONIC`, and the clock as a parameter, so that the same code runs under a virtual clock.

use std::cell::Cell;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_getres, clock_gettime, clock_nanosleep};

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
    /// How long the machine has been suspended in all, at a time that was read just now. Zero for a clock that knows of
    /// no suspension.
    fn suspended(&self, _now: Time) -> Duration {
        Duration::ZERO
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Time {
        (**self).now()
    }
    fn sleep_until(&self, deadline: Time) {
        (**self).sleep_until(deadline);
    }
    fn relax(&self) {
        (**self).relax();
    }
    fn suspended(&self, now: Time) -> Duration {
        (**self).suspended(now)
    }
}

/// `CLOCK_MONOTONIC`, slept on with absolute `clock_nanosleep`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl MonotonicClock {
    /// The resolution that the kernel gives for `CLOCK_MONOTONIC`: 1 ns with high-resolution timers, a jiffy without.
    #[must_use]
    pub fn resolution() -> Duration {
        clock_getres(ClockId::CLOCK_MONOTONIC).map_or(Duration::from_nanos(1), Duration::from)
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Time {
        Time(read(ClockId::CLOCK_MONOTONIC))
    }

    fn sleep_until(&self, deadline: Time) {
        let at = TimeSpec::from_duration(Duration::from_nanos(deadline.0));
        // A signal ends the sleep early; the deadline is absolute, so sleeping again loses nothing. No other error is
        // possible: the clock exists and the nanoseconds are below 10^9.
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at) == Err(Errno::EINTR) {}
    }

    fn relax(&self) {
        std::hint::spin_loop();
    }

    fn suspended(&self, now: Time) -> Duration {
        suspended_at(now)
    }
}

/// One clock in nanoseconds. Through the vDSO: no system call where the clock source is a hardware counter.
fn read(clock: ClockId) -> u64 {
    // Linux always has both clocks that this crate reads, so the call can't fail.
    clock_gettime(clock).map_or(0, |at| nanos(Duration::from(at)))
}

/// How long the machine has been suspended since it was started: during that time `CLOCK_BOOTTIME` runs on and
/// `CLOCK_MONOTONIC` stands still.
#[must_use]
pub fn suspended() -> Duration {
    suspended_at(MonotonicClock.now())
}

/// The same from a reading of `CLOCK_MONOTONIC` that was taken just now. Through the vDSO, as every reading here.
fn suspended_at(now: Time) -> Duration {
    Time(read(ClockId::CLOCK_BOOTTIME)).since(now)
}

/// `CLOCK_MONOTONIC` and the wall clock at the same moment.
///
/// The system steps and slews the wall clock, so a pair becomes stale: read a new one from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPair {
    /// The monotonic clock.
    pub monotonic: Time,
    /// The wall clock (`CLOCK_REALTIME`) at that moment, in nanoseconds since 1970-01-01 UTC.
    pub realtime: u64,
    /// The two readings are no further apart than this.
    pub uncertainty: Duration,
}

impl ClockPair {
    /// Reads both clocks five times and keeps the reading with the smallest uncertainty.
    #[must_use]
    pub fn read() -> Self {
        let mut best = Self::read_once();
        for _ in 1..5 {
            let next = Self::read_once();
            if next.uncertainty < best.uncertainty {
                best = next;
            }
        }
        best
    }

    fn read_once() -> Self {
        let before = MonotonicClock.now();
        let realtime = read(ClockId::CLOCK_REALTIME);
        let after = MonotonicClock.now();
        let gap = after.since(before);
        let half = gap / 2;
        Self { monotonic: before.after(half), realtime, uncertainty: gap - half }
    }

    /// The wall clock at a monotonic time by this pair, in nanoseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn realtime_at(&self, time: Time) -> u64 {
        if time.0 >= self.monotonic.0 {
            self.realtime.saturating_add(time.0 - self.monotonic.0)
        } else {
            self.realtime.saturating_sub(self.monotonic.0 - time.0)
        }
    }
}

/// A clock that moves only when somebody sleeps or relaxes on it or advances it: for tests and simulated time.
#[derive(Debug)]
pub struct VirtualClock {
    now: Cell<u64>,
    relax: u64,
    oversleep: Cell<u64>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new(Time(0))
    }
}

impl VirtualClock {
    /// A clock that starts at `start` and moves by 100 ns with each [`Clock::relax`].
    #[must_use]
    pub const fn new(start: Time) -> Self {
        Self { now: Cell::new(start.0), relax: 100, oversleep: Cell::new(0) }
    }

    /// Sets how far one [`Clock::relax`] moves it; at least 1 ns, so that a busy wait ends.
    #[must_use]
    pub fn with_relax(mut self, step: Duration) -> Self {
        self.relax = nanos(step).max(1);
        self
    }

    /// From now on each sleep ends this long after its deadline, as on a busy machine.
    pub fn set_oversleep(&self, late: Duration) {
        self.oversleep.set(nanos(late));
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.set(self.now.get().saturating_add(nanos(by)));
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        Time(self.now.get())
    }

    fn sleep_until(&self, deadline: Time) {
        if deadline.0 > self.now.get() {
            self.now.set(deadline.0.saturating_add(self.oversleep.get()));
        }
    }

    fn relax(&self) {
        self.now.set(self.now.get().saturating_add(self.relax));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_wakes_early() {
        let deadline = MonotonicClock.now().after(Duration::from_micros(200));
        MonotonicClock.sleep_until(deadline);
        assert!(MonotonicClock.now() >= deadline);
    }

    #[test]
    fn a_deadline_in_the_past_is_no_error() {
        let before = MonotonicClock.now();
        MonotonicClock.sleep_until(Time(0));
        MonotonicClock.sleep_until(before);
        assert!(MonotonicClock.now() >= before);
    }

    #[test]
    fn the_resolution_is_known() {
        assert!(MonotonicClock::resolution() > Duration::ZERO);
    }

    #[test]
    fn a_pair_maps_times_on_both_sides_of_itself() {
        let pair = ClockPair { monotonic: Time(1_000), realtime: 5_000_000, uncertainty: Duration::ZERO };
        assert_eq!(pair.realtime_at(Time(1_000)), 5_000_000);
        assert_eq!(pair.realtime_at(Time(1_500)), 5_000_500);
        assert_eq!(pair.realtime_at(Time(400)), 4_999_400);
    }

    #[test]
    fn a_read_pair_lies_between_two_readings() {
        let before = MonotonicClock.now();
        let pair = ClockPair::read();
        let after = MonotonicClock.now();
        assert!(before <= pair.monotonic && pair.monotonic <= after);
        assert!(pair.realtime > 1_500_000_000_000_000_000, "wall clock before 2017: {}", pair.realtime);
    }

    #[test]
    fn a_virtual_clock_moves_only_when_told() {
        let clock = VirtualClock::new(Time(10)).with_relax(Duration::from_nanos(3));
        assert_eq!(clock.now(), Time(10));
        clock.relax();
        assert_eq!(clock.now(), Time(13));
        clock.sleep_until(Time(50));
        clock.sleep_until(Time(20));
        assert_eq!(clock.now(), Time(50));
        clock.set_oversleep(Duration::from_nanos(5));
        clock.sleep_until(Time(60));
        assert_eq!(clock.now(), Time(65));
        clock.advance(Duration::from_nanos(1));
        assert_eq!(clock.now(), Time(66));
    }

    #[test]
    fn times_saturate() {
        assert_eq!(Time(5).since(Time(9)), Duration::ZERO);
        assert_eq!(Time(5).before(Duration::from_nanos(9)), Time(0));
        assert_eq!(Time(u64::MAX).after(Duration::from_nanos(1)), Time(u64::MAX));
    }
}
