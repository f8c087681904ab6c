//! The sync manager watchdog (ETG.1000.4, 6.3; ET1100 data sheet, section II, 0x0400 to 0x0443).
//!
//! It runs from the first completed write to a sync manager that triggers it. Without such a write for its time it
//! expires once, counts, and runs again with the next write.

use std::time::Duration;

/// Divider after power-on: a tick is 100 us.
pub(crate) const DEFAULT_DIVIDER: u16 = 2498;
/// Ticks after power-on: 100 ms.
pub(crate) const DEFAULT_TICKS: u16 = 1000;

/// State of the watchdog.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watchdog {
    time: Duration,
    running_since: Option<Duration>,
    expired: bool,
    count: u8,
}

impl Watchdog {
    /// Sets its time from the registers. No ticks switch it off.
    pub(crate) fn set_time(&mut self, divider: u16, ticks: u16) {
        let tick = Duration::from_nanos(40 * (u64::from(divider) + 2));
        self.time = tick * u32::from(ticks);
        if self.time.is_zero() {
            self.expired = false;
            self.running_since = None;
        }
    }

    /// A sync manager that triggers it was written.
    pub(crate) fn trigger(&mut self, now: Duration) {
        self.expired = false;
        self.running_since = (!self.time.is_zero()).then_some(now);
    }

    /// Returns whether it expired just now.
    pub(crate) fn check(&mut self, now: Duration) -> bool {
        let Some(since) = self.running_since else { return false };
        if now.saturating_sub(since) < self.time {
            return false;
        }
        self.running_since = None;
        self.expired = true;
        self.count = self.count.saturating_add(1);
        true
    }

    /// It expired and was not triggered since.
    pub(crate) const fn expired(&self) -> bool {
        self.expired
    }

    /// Times that it expired, as the register shows it.
    pub(crate) const fn count(&self) -> u8 {
        self.count
    }

    pub(crate) fn clear_count(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn defaults_are_a_hundred_milliseconds() {
        let mut watchdog = Watchdog::default();
        watchdog.set_time(DEFAULT_DIVIDER, DEFAULT_TICKS);
        watchdog.trigger(MS);
        assert!(!watchdog.check(MS * 100));
        assert!(watchdog.check(MS * 101));
        assert!(!watchdog.check(MS * 500), "expires once");
        assert_eq!(watchdog.count(), 1);
    }

    #[test]
    fn no_ticks_switch_it_off() {
        let mut watchdog = Watchdog::default();
        watchdog.set_time(DEFAULT_DIVIDER, 0);
        watchdog.trigger(MS);
        assert!(!watchdog.check(MS * 1_000_000));
    }

    #[test]
    fn does_not_run_before_the_first_write() {
        let mut watchdog = Watchdog::default();
        watchdog.set_time(DEFAULT_DIVIDER, DEFAULT_TICKS);
        assert!(!watchdog.check(MS * 1_000_000));
    }
}
