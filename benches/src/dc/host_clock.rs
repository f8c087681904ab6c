//! The clocks of the machine that the MainDevice runs on, against true time: `CLOCK_MONOTONIC`, whose crystal wanders, and the
//! wall clock, which runs with it and is stepped.

use super::crystal::Crystal;
use zerocat_tasks::Reading;

/// What `CLOCK_MONOTONIC` shows when true time begins, in ns.
const UPTIME: f64 = 5e12;
/// What the wall clock has more than that.
const EPOCH: u64 = 1_800_000_000_000_000_000;

/// The machine's clocks. True time is in ns since the bench's beginning.
#[derive(Debug, Clone)]
pub(super) struct HostClock {
    crystal: Crystal,
    /// Both at the last change of the crystal.
    at: f64,
    monotonic: f64,
    wall_offset: u64,
}

impl HostClock {
    pub(super) const fn new(ppm: f64) -> Self {
        Self { crystal: Crystal::new(ppm), at: 0.0, monotonic: UPTIME, wall_offset: EPOCH }
    }

    fn rate(&self) -> f64 {
        1.0 + self.crystal.ppm() * 1e-6
    }

    /// What the monotonic clock shows at a true time.
    pub(super) fn monotonic(&self, at: f64) -> f64 {
        self.monotonic + (at - self.at) * self.rate()
    }

    /// True time at which the monotonic clock shows something.
    pub(super) fn at(&self, monotonic: f64) -> f64 {
        self.at + (monotonic - self.monotonic) / self.rate()
    }

    /// What the wall clock shows at a true time.
    pub(super) fn wall(&self, at: f64) -> u64 {
        self.wall_offset.saturating_add(whole(self.monotonic(at)))
    }

    /// Lets the crystal wander until a true time.
    pub(super) fn wander(&mut self, until: f64, random: &mut fastrand::Rng) {
        self.monotonic = self.monotonic(until);
        self.crystal.wander((until - self.at) / 1e9, random);
        self.at = until;
    }

    /// Steps the wall clock.
    pub(super) const fn step(&mut self, by: i64) {
        self.wall_offset = self.wall_offset.saturating_add_signed(by);
    }

    /// A reading of the wall clock between two of the monotonic one, beginning at a true time. Returns when it ended, too.
    pub(super) fn read_wall(&self, from: f64, random: &mut fastrand::Rng) -> (Reading, f64) {
        let mut call = || 30.0 - 40.0 * random.f64().max(1e-9).ln();
        let (shown, end) = (from + call(), from + call() + call());
        let (first, last) = (self.monotonic(from), self.monotonic(end.max(shown)));
        let half = (last - first) / 2.0;
        let reading = Reading { at: whole(first + half), shown: self.wall(shown), within: whole(half) };
        (reading, end.max(shown))
    }
}

/// Whole nanoseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are positive and fit")]
pub(super) fn whole(nanos: f64) -> u64 {
    nanos.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monotonic_time_is_that_of_its_true_time_while_the_crystal_wanders() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut clock = HostClock::new(-100.0);
        for n in 1..1000 {
            clock.wander(f64::from(n) * 1e8, &mut random);
            let at = f64::from(n) * 1e8 + 12_345.0;
            assert!((clock.at(clock.monotonic(at)) - at).abs() < 0.01);
        }
    }

    #[test]
    fn a_reading_of_the_wall_clock_is_true_within_what_it_says() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut clock = HostClock::new(100.0);
        clock.step(-1_000_000_000);
        for n in 0..1000 {
            let (reading, _) = clock.read_wall(f64::from(n) * 1e6, &mut random);
            let shown = reading.at + clock.wall_offset;
            assert!(shown.abs_diff(reading.shown) <= reading.within + 1, "{reading:?}");
        }
    }
}
