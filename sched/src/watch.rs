//! A clock that watches the thread that reads it: how late each sleep ended, and holes, during which the thread wanted
//! to run and didn't.
//!
//! A thread that reads the clock in a loop gets the next reading some tens of nanoseconds later. If more than [`HOLE`]
//! passed between two readings without a sleep, the thread was not running: throttling, the fair server, a thread of
//! higher priority, an interrupt storm, firmware or a hypervisor had its CPU. The kernel's `hwlat` and `osnoise`
//! tracers (`Documentation/trace/osnoise-tracer.rst`) use the same method.
//!
//! Guarantees: a reading costs one subtraction more than the clock's own, a sleep two readings more; nothing allocates.
//! Not guaranteed: which of them had the CPU. Work of the thread itself that takes longer than [`HOLE`] between two
//! readings looks like a hole too.

use std::cell::Cell;
use std::time::Duration;

use crate::time::{Clock, Time};

/// Shortest time between two readings that counts as a hole: 100 us. In a release build no step of a cycle takes that
/// long, nor does an interrupt on a machine that is fit for realtime.
pub const HOLE: Duration = Duration::from_micros(100);

/// Holes that a clock has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holes {
    /// Number of holes.
    pub count: u64,
    /// The longest hole.
    pub longest: Duration,
    /// Total length.
    pub total: Duration,
}

/// A clock that watches the thread that reads it.
#[derive(Debug)]
pub struct WatchingClock<C> {
    inner: C,
    last: Cell<Time>,
    holes: Cell<Holes>,
    slept: Cell<Option<Duration>>,
}

impl<C: Clock> WatchingClock<C> {
    /// Starts to watch.
    pub fn new(inner: C) -> Self {
        let last = Cell::new(inner.now());
        Self { inner, last, holes: Cell::default(), slept: Cell::new(None) }
    }

    /// The holes since this was last called.
    pub fn take_holes(&self) -> Holes {
        self.holes.take()
    }

    /// How long after its deadline the last sleep ended, if there was one since this was last called.
    pub fn take_sleep(&self) -> Option<Duration> {
        self.slept.take()
    }

    #[cold]
    fn note_hole(&self, hole: Duration) {
        let Holes { count, longest, total } = self.holes.get();
        self.holes.set(Holes { count: count + 1, longest: longest.max(hole), total: total.saturating_add(hole) });
    }
}

impl<C: Clock> Clock for WatchingClock<C> {
    #[inline]
    fn now(&self) -> Time {
        let now = self.inner.now();
        let passed = now.since(self.last.replace(now));
        if passed > HOLE {
            self.note_hole(passed);
        }
        now
    }

    fn sleep_until(&self, deadline: Time) {
        if self.now() >= deadline {
            return;
        }
        self.inner.sleep_until(deadline);
        let woke = self.inner.now();
        self.last.set(woke);
        self.slept.set(Some(woke.since(deadline)));
    }

    fn suspended(&self, now: Time) -> Duration {
        self.inner.suspended(now)
    }

    fn relax(&self) {
        self.inner.relax();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::VirtualClock;

    #[test]
    fn a_sleep_is_no_hole_however_late_it_ends() {
        let clock = WatchingClock::new(VirtualClock::default());
        clock.inner.set_oversleep(Duration::from_millis(3));
        clock.sleep_until(Time(1_000_000));
        assert_eq!(clock.now(), Time(4_000_000));
        assert_eq!(clock.take_holes(), Holes::default());
        assert_eq!(clock.take_sleep(), Some(Duration::from_millis(3)));
        assert_eq!(clock.take_sleep(), None, "taken");
    }

    #[test]
    fn a_deadline_that_has_passed_is_no_sleep() {
        let clock = WatchingClock::new(VirtualClock::new(Time(10)));
        clock.sleep_until(Time(10));
        assert_eq!((clock.take_sleep(), clock.now()), (None, Time(10)));
    }

    #[test]
    fn time_that_passes_without_a_sleep_is_a_hole() {
        let clock = WatchingClock::new(VirtualClock::default());
        for lost in [HOLE, Duration::from_millis(50), Duration::from_millis(2)] {
            clock.inner.advance(lost);
            clock.now();
        }
        let (count, longest, total) = (2, Duration::from_millis(50), Duration::from_millis(52));
        assert_eq!(clock.take_holes(), Holes { count, longest, total });
        assert_eq!(clock.take_holes(), Holes::default(), "taken");
    }

    #[test]
    fn a_hole_before_a_sleep_is_not_lost_in_it() {
        let clock = WatchingClock::new(VirtualClock::default());
        clock.inner.advance(Duration::from_millis(1));
        clock.sleep_until(Time(5_000_000));
        assert_eq!(clock.take_holes().count, 1);
    }
}
