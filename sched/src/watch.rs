//! A clock that watches its thread: how late each sleep ended, and holes, which are times that passed between two
//! readings without a sleep.
//!
//! A thread that reads the clock over and over sees the next reading some tens of nanoseconds later. Where it sees it
//! after more than [`HOLE`], it was not running: throttling, the fair server, a thread of higher priority, an interrupt
//! storm, firmware or a hypervisor had its CPU. That is the method of the kernel's `hwlat` and `osnoise` tracers
//! (`Documentation/trace/osnoise-tracer.rst`) from within.
//!
//! Guarantees: a reading costs one subtraction more than the clock's own, a sleep two readings more; nothing
//! allocates. Not guaranteed: who had the CPU, and that a hole isn't the thread's own work, if that takes longer than
//! [`HOLE`] between two readings.

use std::cell::Cell;
use std::time::Duration;

use crate::time::{Clock, Time};

/// Shortest time between two readings without a sleep that is a hole: 100 us. No step of a cycle takes as long in a
/// release build, and neither does an interrupt on a machine that is fit for a cycle.
pub const HOLE: Duration = Duration::from_micros(100);

/// Holes that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holes {
    /// How many.
    pub count: u64,
    /// The longest.
    pub longest: Duration,
    /// All together.
    pub total: Duration,
}

/// A clock that watches the thread that reads it.
#[derive(Debug)]
pub struct WatchedClock<C> {
    clock: C,
    last: Cell<Time>,
    holes: Cell<Holes>,
    slept: Cell<Option<Duration>>,
}

impl<C: Clock> WatchedClock<C> {
    /// Watches from now on.
    pub fn new(clock: C) -> Self {
        let last = Cell::new(clock.now());
        Self { clock, last, holes: Cell::default(), slept: Cell::new(None) }
    }

    /// The holes since they were last taken.
    pub fn take_holes(&self) -> Holes {
        self.holes.take()
    }

    /// How long after its deadline the last sleep ended, if there was one since this was last taken.
    pub fn take_sleep(&self) -> Option<Duration> {
        self.slept.take()
    }

    #[cold]
    fn note_hole(&self, hole: Duration) {
        let Holes { count, longest, total } = self.holes.get();
        self.holes.set(Holes { count: count + 1, longest: longest.max(hole), total: total.saturating_add(hole) });
    }
}

impl<C: Clock> Clock for WatchedClock<C> {
    #[inline]
    fn now(&self) -> Time {
        let now = self.clock.now();
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
        self.clock.sleep_until(deadline);
        let woke = self.clock.now();
        self.last.set(woke);
        self.slept.set(Some(woke.since(deadline)));
    }

    fn suspended(&self, now: Time) -> Duration {
        self.clock.suspended(now)
    }

    fn relax(&self) {
        self.clock.relax();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::VirtualClock;

    #[test]
    fn a_sleep_is_no_hole_however_late_it_ends() {
        let watched = WatchedClock::new(VirtualClock::default());
        watched.clock.set_oversleep(Duration::from_millis(3));
        watched.sleep_until(Time(1_000_000));
        assert_eq!(watched.now(), Time(4_000_000));
        assert_eq!(watched.take_holes(), Holes::default());
        assert_eq!(watched.take_sleep(), Some(Duration::from_millis(3)));
        assert_eq!(watched.take_sleep(), None, "taken");
    }

    #[test]
    fn a_deadline_that_has_passed_is_no_sleep() {
        let watched = WatchedClock::new(VirtualClock::new(Time(10)));
        watched.sleep_until(Time(10));
        assert_eq!((watched.take_sleep(), watched.now()), (None, Time(10)));
    }

    #[test]
    fn time_that_passes_without_a_sleep_is_a_hole() {
        let watched = WatchedClock::new(VirtualClock::default());
        for lost in [HOLE, Duration::from_millis(50), Duration::from_millis(2)] {
            watched.clock.advance(lost);
            watched.now();
        }
        let (count, longest, total) = (2, Duration::from_millis(50), Duration::from_millis(52));
        assert_eq!(watched.take_holes(), Holes { count, longest, total });
        assert_eq!(watched.take_holes(), Holes::default(), "taken");
    }

    #[test]
    fn a_hole_before_a_sleep_is_not_lost_in_it() {
        let watched = WatchedClock::new(VirtualClock::default());
        watched.clock.advance(Duration::from_millis(1));
        watched.sleep_until(Time(5_000_000));
        assert_eq!(watched.take_holes().count, 1);
    }
}
