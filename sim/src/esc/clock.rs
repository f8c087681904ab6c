//! The clock of an ESC and the loop that makes it follow the reference clock (ETG.1000.4, 6.8; ET1100 data sheet,
//! section I, 9.1).
//!
//! The clock counts nanoseconds. Its crystal has a drift. The loop corrects the speed and, a little with each system
//! time that comes, the phase. The data sheet says what the speed counter does and how much it can correct, but not by
//! which rule: here it is a critically damped loop of second order whose bandwidth falls with the speed counter start.
//! The clock is never set back, and never runs more than a tenth faster or slower. It may count in steps of several
//! nanoseconds, and its loop may be faster, slower, or correct small differences by one nanosecond at a time
//! ([`Habits`]).
//!
//! Not modelled: the filter of the speed counter (0x0935 is kept and has no effect).

/// Speed counter start after power-on.
pub(super) const SPEED_COUNTER_START: u16 = 0x1000;
/// Least and greatest start.
const STARTS: (u16, u16) = (0x0080, 0x3fff);
/// What the start exceeds the greatest difference by.
const MARGIN: f64 = 127.0;
/// Part of a difference that is corrected at once, times the start.
const GAIN: f64 = 512.0;
/// Differences that are corrected by one nanosecond at a time, by the rule that does so.
const SMALL: f64 = 50.0;

/// What differs from one ESC to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habits {
    /// Bit 31 of the difference says that the local copy is ahead, not behind.
    pub(crate) ahead_is_set: bool,
    /// Nanoseconds in which it counts.
    pub(crate) step: u64,
    /// How fast the loop is, times what is usual.
    pub(crate) bandwidth: f64,
    /// Small differences are corrected by one nanosecond at a time.
    pub(crate) stepwise: bool,
    /// The loop corrects at all.
    pub(crate) follows: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { ahead_is_set: false, step: 1, bandwidth: 1.0, stepwise: false, follows: true }
    }
}

/// A clock.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    wide: bool,
    /// How much faster than true time the crystal is.
    drift: f64,
    /// How much faster the loop makes it.
    correction: f64,
    /// True time at which the clock showed `base`, and what it showed beyond whole nanoseconds.
    at: u64,
    base: u64,
    part: f64,
    start: u16,
    habits: Habits,
    /// Mean difference to the reference clock, and what it showed at the last system time that came.
    mean: Option<f64>,
    compared: Option<u64>,
}

impl Clock {
    /// A clock of 64 bits (`wide`) or 32 that shows `base` at the time `at`, and is `ppm` too fast.
    pub(crate) fn new(wide: bool, ppm: f64, base: u64, at: u64) -> Self {
        let start = SPEED_COUNTER_START;
        let (mean, compared) = (None, None);
        let (part, correction, habits) = (0.0, 0.0, Habits::default());
        Self { wide, drift: ppm * 1e-6, correction, at, base, part, start, habits, mean, compared }
    }

    /// The same with other habits.
    pub(crate) const fn with(self, habits: Habits) -> Self {
        Self { habits, ..self }
    }

    /// Whether it has 64 bits.
    pub(crate) const fn is_wide(&self) -> bool {
        self.wide
    }

    /// A time in the width of this clock.
    pub(crate) const fn cut(&self, time: u64) -> u64 {
        if self.wide { time } else { time & 0xffff_ffff }
    }

    /// What it shows at a time, not cut to its width. The time may lie a little before the last one.
    pub(crate) fn local(&self, now: u64) -> u64 {
        let exact = self.exact(now).0;
        exact - exact % self.habits.step.max(1)
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "years are less than 2^53 us")]
    fn exact(&self, now: u64) -> (u64, f64) {
        let elapsed = now.wrapping_sub(self.at).cast_signed();
        let beyond = self.part + elapsed as f64 * (self.drift + self.correction);
        let whole = beyond.floor();
        (self.base.wrapping_add_signed(elapsed).wrapping_add_signed(whole as i64), beyond - whole)
    }

    fn rebase(&mut self, now: u64) {
        (self.base, self.part) = self.exact(now);
        self.at = now;
    }

    /// Changes the drift of the crystal.
    pub(crate) fn set_drift(&mut self, ppm: f64, now: u64) {
        self.rebase(now);
        self.drift = ppm * 1e-6;
    }

    /// Whether the loop corrects from now on. What it has learned stays.
    pub(crate) const fn set_following(&mut self, follows: bool) {
        self.habits.follows = follows;
    }

    /// Sets the speed counter start. The loop begins anew.
    pub(crate) fn set_start(&mut self, start: u16, now: u64) {
        self.rebase(now);
        self.start = start.clamp(STARTS.0, STARTS.1);
        self.correction = 0.0;
        self.mean = None;
        self.compared = None;
    }

    /// Takes `difference`, by which the local copy of the system time was ahead of the reference clock when a frame
    /// passed, and corrects speed and phase. `depth` is that of the filter of the difference.
    #[expect(clippy::cast_precision_loss, reason = "intervals are less than 2^53 ns")]
    pub(crate) fn follow(&mut self, difference: i32, depth: u8, now: u64) {
        let difference = f64::from(difference);
        let mean = self.mean.unwrap_or(difference);
        self.mean = Some(mean + (difference - mean) / f64::from(1u32 << depth.min(15)));
        self.rebase(now);
        let before = self.compared.replace(self.base);
        let interval = before.map_or(0, |before| self.base.wrapping_sub(before).cast_signed()) as f64;
        if interval <= 0.0 || !self.habits.follows {
            return;
        }
        let gain = (self.habits.bandwidth * GAIN / f64::from(self.start)).min(0.5);
        let (mut step, most) = (difference * gain, interval / 10.0);
        if step.abs() <= most {
            let fastest = self.fastest();
            self.correction = (self.correction - step * gain / 4.0 / interval).clamp(-fastest, fastest);
        }
        if self.habits.stepwise && difference.abs() < SMALL {
            step = step.clamp(-1.0, 1.0);
        }
        self.part -= step.clamp(-most, most);
    }

    /// Mean difference as the register shows it: sign in bit 31, set when the local copy is behind, or when it is ahead.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn difference(&self) -> u32 {
        let mean = self.mean.unwrap_or(0.0).round();
        let magnitude = (mean.abs() as u32).min(0x7fff_ffff);
        let set = if self.habits.ahead_is_set { mean > 0.0 } else { mean < 0.0 };
        if set { magnitude | 0x8000_0000 } else { magnitude }
    }

    /// Present start of the speed counter.
    pub(crate) const fn start(&self) -> u16 {
        self.start
    }

    /// Speed counter difference: positive where the clock is made faster.
    #[expect(clippy::cast_possible_truncation, reason = "the correction is limited to what the register can say")]
    pub(crate) fn speed_difference(&self) -> i16 {
        // correction = d / (5 * (start + d + 2) * (start - d + 2)), solved for d.
        let (c, n) = (self.correction, f64::from(self.start) + 2.0);
        let difference = if c == 0.0 { 0.0 } else { ((1.0 + 100.0 * c * c * n * n).sqrt() - 1.0) / (10.0 * c) };
        difference.round() as i16
    }

    fn fastest(&self) -> f64 {
        let (d, n) = ((f64::from(self.start) - MARGIN).max(0.0), f64::from(self.start) + 2.0);
        d / (5.0 * (n + d) * (n - d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a clock follow true time, asked every `period` ns; returns the last differences.
    fn followed(clock: &mut Clock, period: u64, times: u64) -> Vec<i64> {
        let mut last = Vec::new();
        for n in 1..=times {
            let now = n * period;
            let difference = clock.local(now).wrapping_sub(now).cast_signed();
            clock.follow(i32::try_from(difference).unwrap(), 4, now);
            if n + 100 > times {
                last.push(difference);
            }
        }
        last
    }

    #[test]
    fn drift_is_parts_per_million() {
        let clock = Clock::new(true, -12.5, 1000, 0);
        assert_eq!(clock.local(1_000_000_000), 1_000_000_000 + 1000 - 12_500);
    }

    #[test]
    fn thirty_two_bits_wrap() {
        let clock = Clock::new(false, 0.0, 0, 0);
        assert_eq!(clock.cut(clock.local((1 << 32) + 5)), 5);
    }

    #[test]
    fn the_loop_settles_at_every_usual_period() {
        for period in [62_500, 1_000_000, 10_000_000] {
            for ppm in [-200.0, 3.0, 150.0] {
                let mut clock = Clock::new(true, ppm, 5000, 0);
                let last = followed(&mut clock, period, 2000);
                assert!(last.iter().all(|difference| difference.abs() <= 2), "{period} {ppm} {last:?}");
            }
        }
    }

    #[test]
    fn the_loop_settles_whatever_the_habits_of_the_esc() {
        for bandwidth in [0.3, 1.0, 3.0] {
            for (stepwise, step) in [(false, 1), (true, 1), (false, 10), (true, 10)] {
                let habits = Habits { bandwidth, stepwise, step, ..Habits::default() };
                let mut clock = Clock::new(true, 100.0, 5000, 0).with(habits);
                let last = followed(&mut clock, 1_000_000, 10_000);
                let most = 2 + 2 * i64::try_from(step).unwrap();
                assert!(last.iter().all(|difference| difference.abs() <= most), "{habits:?} {last:?}");
            }
        }
    }

    #[test]
    fn a_clock_may_count_in_steps() {
        let clock = Clock::new(true, 0.0, 7, 0).with(Habits { step: 10, ..Habits::default() });
        assert_eq!([0, 2, 3, 12, 13].map(|now| clock.local(now)), [0, 0, 10, 10, 20]);
    }

    #[test]
    fn the_speed_counter_says_how_much_the_crystal_is_off() {
        let mut clock = Clock::new(true, 80.0, 0, 0);
        followed(&mut clock, 1_000_000, 2000);
        let (d, n) = (f64::from(clock.speed_difference()), f64::from(clock.start()) + 2.0);
        let ppm = 1e6 * d / (5.0 * (n + d) * (n - d));
        assert!((ppm + 80.0).abs() < 0.5, "{ppm}");
    }

    #[test]
    fn the_clock_never_runs_back() {
        let mut clock = Clock::new(true, 0.0, 1_000_000_000, 0);
        let mut before = 0;
        for n in 1..100 {
            clock.follow(500_000_000, 4, n * 1_000_000);
            assert!(clock.local(n * 1_000_000) > before);
            before = clock.local(n * 1_000_000);
        }
    }

    #[test]
    fn a_difference_behind_has_bit_31_or_one_ahead() {
        let mut clock = Clock::new(true, 0.0, 0, 0);
        clock.follow(-7, 4, 1);
        assert_eq!(clock.difference(), 0x8000_0007);
        let ahead = Habits { ahead_is_set: true, ..Habits::default() };
        assert_eq!(clock.clone().with(ahead).difference(), 7);
        clock.set_start(0x1000, 2);
        assert_eq!(clock.difference(), 0);
    }
}
