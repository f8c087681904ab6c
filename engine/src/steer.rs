//! The law that keeps frames at a constant phase to a reference clock, as a pure value: no clock, no thread, no allocation.
//!
//! In every cycle it takes when the frame would have passed the reference clock had it been sent on its tick, in the reference's
//! time, and says by how many nanoseconds the grid is to be moved. A frame that is sent late says how late the thread was and
//! nothing of the clocks, so the caller takes that out; what is left is a delay between the kick and the wire, which is never less
//! than some value and now and then much more.
//!
//! The phase and the frequency of the host's clock against the reference are estimated (an alpha-beta filter whose gains begin as
//! those of a least-squares line through all readings, and end at a constant; a reading that is far from what was expected counts
//! as one that is less far). The grid is moved by what the estimate says, never by more than a bound. So what a single reading says
//! never moves it, the filter knows of every move, and nothing winds up while moves are bounded.
//!
//! Guarantees: no move is larger than [`SteerSettings::first_step`], after it was locked once than [`SteerSettings::step`], for each
//! period that has passed; without readings the grid goes on with the last frequency; from any phase the shorter way is taken, less
//! than a whole period.

use std::time::Duration;
use zerocat_sched::time::nanos;

/// Readings whose median the filter begins with: a late one among the first would weigh for long.
const FIRST: usize = 15;
/// Part of the estimated error that a cycle corrects, before it was locked once and after.
const GAINS: (f64, f64) = (0.25, 0.0625);
/// The filter forgets with a time constant of somewhat less than a second: slow against jitter, quick against what a crystal's
/// frequency does with temperature (1 ppm a minute is 15 ns of lag).
const FORGETS_PER_SECOND: f64 = 1.5;
/// Bounds of what a reading weighs in the end, at very fast and very slow rates.
const LEAST_WEIGHT: (f64, f64) = (0.0005, 0.05);
/// Readings count as no further from what was expected than so many times their usual distance.
const CLIP: f64 = 2.5;
/// What the usual distance is at least, in ns: the stamps of an ESC have steps of 10.
const LEAST_SCALE: f64 = 20.0;
/// Clocks differ by no more than so much: crystals are within 100 ppm, and that of a host is slewed by up to 500
/// (`adjtimex(2)`).
const GREATEST_FREQUENCY: f64 = 1e-3;
/// Readings in a row that are far to one side before they no longer count as jitter.
const ONE_SIDED: u64 = 8;
/// Time for which readings are all far to one side before the estimate begins anew.
const ASTRAY: Duration = Duration::from_millis(200);
/// Time without readings after which what is held is no longer trusted.
const HOLDS: Duration = Duration::from_secs(10);
/// Time that the error must stay within the window to be locked, and readings at least.
const SETTLES: (Duration, u64) = (Duration::from_millis(100), 20);

/// What the grid is steered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteerSettings {
    /// Period of the grid and of SYNC, in whole nanoseconds.
    pub period: Duration,
    /// From the frame's passage of the reference clock to the next multiple of the period in its time, where SYNC0 without a shift
    /// is.
    pub lead: Duration,
    /// Largest move of the grid in a cycle before it was locked once.
    pub first_step: Duration,
    /// Largest move in a cycle after that.
    pub step: Duration,
    /// The estimated error must stay below this to be locked; the lock is lost at four times as much.
    pub window: Duration,
}

impl SteerSettings {
    /// Usual bounds: a fiftieth of the period, then a thousandth; a window of a five-hundredth of it, between 1 us and 20 us.
    #[must_use]
    pub fn usual(period: Duration, lead: Duration) -> Self {
        let window = (period / 500).clamp(Duration::from_micros(1), Duration::from_micros(20));
        Self { period, lead, first_step: period / 50, step: period / 1000, window }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SteerState {
    /// There was no reading yet, or too few.
    #[default]
    Listening,
    /// The grid is moved towards its phase.
    Locking,
    /// The phase stays within the window.
    Locked,
    /// There are no readings: the grid goes on with the last frequency.
    Holdover,
    /// There were none for too long, or they were all far from what was expected.
    Lost,
}

/// The first readings, until there are enough for a median.
#[derive(Debug, Clone, Copy)]
struct First {
    errors: [i64; FIRST],
    count: usize,
}

impl First {
    const NONE: Self = Self { errors: [0; FIRST], count: 0 };

    /// Takes one in. `Some` with their median and their usual distance from it once there are enough.
    fn take(&mut self, error: i64, period: i64) -> Option<(f64, f64)> {
        // All on the side of the first one, or those about half a period away would be on both.
        let anchor = self.errors[0];
        let error =
            if self.count == 0 { error } else { anchor.saturating_add(folded(error.saturating_sub(anchor), period)) };
        *self.errors.get_mut(self.count)? = error;
        self.count += 1;
        if self.count < FIRST {
            return None;
        }
        let median = median(&mut self.errors);
        let mut distances = self.errors.map(|error| error.saturating_sub(median).saturating_abs());
        Some((float(median), float(self::median(&mut distances))))
    }
}

fn median(values: &mut [i64; FIRST]) -> i64 {
    values.sort_unstable();
    values[FIRST / 2]
}

/// The controller.
#[derive(Debug, Clone)]
pub struct Steering {
    settings: SteerSettings,
    state: SteerState,
    first: First,
    /// Estimated phase error in ns: positive where frames pass the reference too late.
    error: f64,
    /// Estimated growth of the error in a period, of the grid that isn't moved.
    frequency: f64,
    /// Usual distance of a reading from what was expected.
    scale: f64,
    /// Readings that the estimate is made of.
    readings: f64,
    /// Part of a nanosecond that is left of the last move.
    rest: f64,
    /// Readings in a row that were far to one side; negative for the early one.
    astray: i64,
    /// Cycles in a row within the window.
    settled: u64,
    /// Ticks since the last reading.
    without: u64,
    was_locked: bool,
    /// Ticks since it began, until it was locked for the first time.
    lock_took: u64,
    times_lost: u64,
    worst: f64,
    largest_move: u64,
}

impl Steering {
    /// Before the first reading.
    #[must_use]
    pub const fn new(settings: SteerSettings) -> Self {
        Self {
            settings,
            state: SteerState::Listening,
            first: First::NONE,
            error: 0.0,
            frequency: 0.0,
            scale: LEAST_SCALE,
            readings: 0.0,
            rest: 0.0,
            astray: 0,
            settled: 0,
            without: 0,
            was_locked: false,
            lock_took: 0,
            times_lost: 0,
            worst: 0.0,
            largest_move: 0,
        }
    }

    /// Takes in a cycle, `ticks` after the last one. `passed` is when its frame would have passed the reference clock had it been
    /// sent on its tick, in ns of the reference's system time; `None` where it didn't come back, or is not to be trusted. Returns
    /// by how many ns the grid is to be moved, later if that is positive.
    pub fn cycle(&mut self, ticks: u64, passed: Option<u64>) -> i64 {
        if !self.was_locked {
            self.lock_took = self.lock_took.saturating_add(ticks);
        }
        self.error += self.frequency * float_of(ticks);
        match passed {
            Some(passed) => self.take(self.phase_error(passed)),
            None => self.go_without(ticks),
        }
        let moved = self.step(ticks);
        self.judge();
        moved
    }

    /// Error of a reading: how much later than wanted the frame passed, folded to half a period to each side.
    fn phase_error(&self, passed: u64) -> i64 {
        let period = self.period().cast_unsigned().max(1);
        let phase = (passed % period).cast_signed();
        let lead = (nanos(self.settings.lead) % period).cast_signed();
        folded(phase.saturating_add(lead), self.period())
    }

    fn period(&self) -> i64 {
        nanos(self.settings.period).cast_signed()
    }

    fn take(&mut self, error: i64) {
        self.without = 0;
        if self.readings < 1.0 {
            let Some((median, distance)) = self.first.take(error, self.period()) else { return };
            self.error = median;
            self.scale = distance.max(LEAST_SCALE);
            self.readings = float_of(FIRST as u64);
            return;
        }
        let innovation = folded_float(float(error) - self.error, float(self.period()));
        if self.is_astray(innovation) {
            return self.begin_anew();
        }
        let clipped = innovation.clamp(-CLIP * self.scale, CLIP * self.scale);
        // Readings that are all far to one side are of another phase, not of more jitter.
        if self.astray.unsigned_abs() < ONE_SIDED {
            let usual = innovation.abs().min(4.0 * self.scale);
            self.scale = (self.scale + (usual - self.scale) / 64.0).max(LEAST_SCALE);
        }
        self.readings += 1.0;
        let (phase, frequency) = self.weights();
        self.error += phase * clipped;
        let bound = GREATEST_FREQUENCY * float(self.period());
        self.frequency = (self.frequency + frequency * clipped).clamp(-bound, bound);
    }

    /// What a reading weighs for phase and frequency: those of a line through all readings, in the end constant ones with
    /// critical damping.
    fn weights(&self) -> (f64, f64) {
        let n = self.readings;
        let least = (FORGETS_PER_SECOND * self.settings.period.as_secs_f64()).clamp(LEAST_WEIGHT.0, LEAST_WEIGHT.1);
        let line = n * (n + 1.0);
        let (phase, frequency) = ((4.0 * n - 2.0) / line, 6.0 / line);
        (phase.max(least), frequency.max(least * least / (2.0 - least)))
    }

    /// Whether readings have been far from what was expected, and all to one side, for so long that the estimate begins anew.
    fn is_astray(&mut self, innovation: f64) -> bool {
        let far = innovation.abs() > 8.0 * self.scale && innovation.abs() > float_of(nanos(self.settings.window));
        let side = if innovation < 0.0 { -1 } else { 1 };
        self.astray = match far {
            true if self.astray.signum() == -side => side,
            true => self.astray.saturating_add(side),
            false => 0,
        };
        self.astray.unsigned_abs() >= self.cycles_in(ASTRAY).max(SETTLES.1)
    }

    fn begin_anew(&mut self) {
        self.lose();
        self.first = First::NONE;
        (self.readings, self.astray, self.settled) = (0.0, 0, 0);
    }

    fn lose(&mut self) {
        self.times_lost += u64::from(matches!(self.state, SteerState::Locked | SteerState::Holdover));
        self.state = SteerState::Lost;
        self.settled = 0;
    }

    fn cycles_in(&self, time: Duration) -> u64 {
        nanos(time) / self.period().cast_unsigned().max(1)
    }

    fn go_without(&mut self, ticks: u64) {
        self.without = self.without.saturating_add(ticks);
        if self.without > self.cycles_in(HOLDS).max(SETTLES.1) && self.readings >= 1.0 {
            self.begin_anew();
        }
    }

    fn judge(&mut self) {
        let window = float_of(nanos(self.settings.window));
        let error = self.error.abs();
        if self.readings < 1.0 {
            return;
        }
        if self.state == SteerState::Locked || self.state == SteerState::Holdover {
            self.worst = self.worst.max(error);
            if error > 4.0 * window {
                return self.lose();
            }
            self.state = if self.without > 3 { SteerState::Holdover } else { SteerState::Locked };
            return;
        }
        self.state = SteerState::Locking;
        self.settled = if error < window && self.without == 0 { self.settled + 1 } else { 0 };
        if self.settled >= self.cycles_in(SETTLES.0).max(SETTLES.1) {
            self.state = SteerState::Locked;
            self.was_locked = true;
        }
    }

    /// The move of this cycle, of which the estimate is told. What the clocks drifted in ticks that were skipped is made good at
    /// once.
    fn step(&mut self, ticks: u64) -> i64 {
        if self.readings < 1.0 && self.frequency == 0.0 {
            return 0;
        }
        let (gain, bound) =
            if self.was_locked { (GAINS.1, self.settings.step) } else { (GAINS.0, self.settings.first_step) };
        // While nothing is known of the phase the grid goes on with the last frequency.
        let skipped = self.frequency * float_of(ticks.saturating_sub(1));
        let error = if self.readings < 1.0 { 0.0 } else { self.error - skipped };
        let bound = float_of(nanos(bound).saturating_mul(ticks));
        let wanted = (self.rest - self.frequency - skipped - gain * error).clamp(-bound, bound);
        let whole = wanted.trunc();
        self.rest = wanted - whole;
        self.error += whole;
        #[expect(clippy::cast_possible_truncation, reason = "within the bound, which is less than a period")]
        let whole = whole as i64;
        self.largest_move = self.largest_move.max(whole.unsigned_abs());
        whole
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> SteerState {
        self.state
    }

    /// Estimated phase error in ns: how much later than wanted a frame that is sent on its tick passes the reference clock.
    #[must_use]
    pub fn error_ns(&self) -> i64 {
        whole(self.error)
    }

    /// The largest of them while it was locked.
    #[must_use]
    pub fn worst_ns(&self) -> u64 {
        whole(self.worst).unsigned_abs()
    }

    /// How much faster the reference clock is than the host's, in parts per billion.
    #[must_use]
    pub fn frequency_ppb(&self) -> i64 {
        whole(self.frequency * 1e9 / float(self.period().max(1)))
    }

    /// How far readings usually are from what was expected, in ns: the jitter of the way from the kick to the wire.
    #[must_use]
    pub fn jitter_ns(&self) -> u64 {
        whole(self.scale).unsigned_abs()
    }

    /// How long it took until it was locked for the first time, `None` before.
    #[must_use]
    pub fn lock_took(&self) -> Option<Duration> {
        let took = self.lock_took.saturating_mul(self.period().cast_unsigned());
        self.was_locked.then(|| Duration::from_nanos(took))
    }

    /// Times that a lock was lost.
    #[must_use]
    pub const fn times_lost(&self) -> u64 {
        self.times_lost
    }

    /// The largest move so far, in ns.
    #[must_use]
    pub const fn largest_move_ns(&self) -> u64 {
        self.largest_move
    }
}

/// A difference folded to half a period to each side.
const fn folded(difference: i64, period: i64) -> i64 {
    let rest = difference.rem_euclid(if period > 0 { period } else { 1 });
    if rest * 2 >= period { rest - period } else { rest }
}

fn folded_float(difference: f64, period: f64) -> f64 {
    difference - period * (difference / period).round()
}

#[expect(clippy::cast_precision_loss, reason = "differences within a few periods")]
const fn float(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts and bounds far below 2^53")]
const fn float_of(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
#[path = "steer_tests.rs"]
mod tests;
