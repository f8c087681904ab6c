//! What a run of the bench comes to: distributions, from the times on that the aims are of.

use std::time::Duration;
use zerocat_engine::Distribution;

/// From this cycle on clocks and frames are judged: 2 s.
const SETTLED: u64 = 2_000;
/// From this cycle on stamps are: 10 s.
const STAMPS: u64 = 10_000;

/// The distributions.
#[derive(Debug)]
pub(super) struct Tally {
    period: i64,
    lead: i64,
    /// Time of the reference as it was seen last, in 64 bits.
    system: Option<u64>,
    /// Of 0x092C, without signs.
    pub(super) difference: Distribution,
    /// Of clocks against the reference, truly.
    pub(super) clocks: Distribution,
    /// Phase error of frames that are sent on their tick with the usual delay.
    pub(super) grid: Distribution,
    /// Phase error of frames as they were.
    pub(super) frames: Distribution,
    /// What of that is the machine's: lateness of the thread, and of sending against the usual.
    pub(super) machine: Distribution,
    /// Errors of stamps.
    pub(super) stamps: Distribution,
    /// Largest move of the grid for a tick, before it was locked once and after.
    pub(super) first_step: u64,
    pub(super) step: u64,
    /// Sum and number of the grid's phase errors.
    sum: (i64, i64),
}

impl Tally {
    pub(super) fn new(period: Duration, lead: Duration) -> Self {
        let nanos = |of: Duration| i64::try_from(of.as_nanos()).unwrap_or(i64::MAX);
        let [difference, clocks, grid, frames, machine, stamps] = std::array::from_fn(|_| Distribution::new());
        Self {
            period: nanos(period),
            lead: nanos(lead),
            system: None,
            difference,
            clocks,
            grid,
            frames,
            machine,
            stamps,
            first_step: 0,
            step: 0,
            sum: (0, 0),
        }
    }

    pub(super) fn moved(&mut self, shift: i64, ticks: u64, was_locked: bool) {
        let step = shift.unsigned_abs() / ticks.max(1);
        let largest = if was_locked { &mut self.step } else { &mut self.first_step };
        *largest = step.max(*largest);
    }

    /// A cycle: the reference's time when a frame would have passed that was sent on the tick, and when one really did.
    pub(super) fn phase(&mut self, cycle: u64, on_tick: u64, passed: u64, has_passed: bool) {
        let (on_tick, passed) = (self.extended(on_tick), self.extended(passed));
        self.system = Some(passed);
        if cycle < SETTLED {
            return;
        }
        let error = self.error(on_tick);
        self.sum = (self.sum.0 + error, self.sum.1 + 1);
        record(&mut self.grid, error.unsigned_abs());
        if has_passed {
            let error = self.error(passed).unsigned_abs();
            record(&mut self.frames, error);
        }
    }

    /// A time of the reference in 64 bits: the one that is nearest to the last. The first one counts as it is.
    fn extended(&self, time: u64) -> u64 {
        let Some(last) = self.system.filter(|last| time.abs_diff(*last) > 1 << 30) else { return time };
        let low = (time.wrapping_sub(last) << 32).cast_signed() >> 32;
        last.wrapping_add_signed(low)
    }

    /// How much later than wanted, to half a period to each side.
    fn error(&self, time: u64) -> i64 {
        let phase = i64::try_from(time % self.period.unsigned_abs()).unwrap_or(0);
        let late = (phase + self.lead).rem_euclid(self.period);
        if 2 * late >= self.period { late - self.period } else { late }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than a period, no sign")]
    pub(super) fn machine(&mut self, cycle: u64, late: f64) {
        if cycle >= SETTLED {
            record(&mut self.machine, late.abs() as u64);
        }
    }

    pub(super) fn clocks(&mut self, cycle: u64, difference: i64) {
        if cycle >= SETTLED {
            record(&mut self.clocks, difference.unsigned_abs());
        }
    }

    pub(super) fn difference(&mut self, cycle: u64, magnitude: u32) {
        if cycle >= SETTLED {
            record(&mut self.difference, magnitude.into());
        }
    }

    pub(super) fn stamped(&mut self, cycle: u64, error: u64) {
        if cycle >= STAMPS {
            record(&mut self.stamps, error);
        }
    }

    /// The mean phase error of the grid, in ns.
    pub(super) fn mean_phase(&self) -> Option<i64> {
        self.sum.0.checked_div(self.sum.1)
    }
}

fn record(into: &mut Distribution, nanos: u64) {
    into.record(Duration::from_nanos(nanos));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_folded_and_a_narrow_clock_wraps_without_a_jump() {
        let mut tally = Tally::new(Duration::from_millis(1), Duration::from_micros(300));
        let mut time = (1 << 32) - 10_300_000u64;
        time -= time % 1_000_000;
        for cycle in 0..20 {
            let passed = time + cycle * 1_000_000 + 700_250;
            let low = passed & u64::from(u32::MAX);
            tally.phase(SETTLED + cycle, low, low, true);
        }
        let grid = tally.grid.summary().unwrap();
        assert_eq!((grid.min, grid.max, grid.n, tally.mean_phase()), (250, 250, 20, Some(250)));
    }
}
