//! How one clock runs against another: offset and rate, from readings of both.
//!
//! A reading says what one clock showed at a time of the other, and within how much of that time. Of each stretch of time the
//! mean of the readings that were taken fastest is kept, and a line is laid through as much of the past as one line explains:
//! where a clock changes its rate, older readings are forgotten and the stretches are short again. A clock that was
//! stepped is told from one that runs faster by how far it jumped, and only where a second reading agrees.
//!
//! Pure: no clock is read here. Not known: how much longer one way of a reading is than the other. All readings share
//! that error, which is at most half of the fastest one.

use super::floor::Floor;
use super::stretch::Stretch;
use std::collections::VecDeque;
use std::time::Duration;

/// Readings that are kept.
const KEPT: usize = 64;
/// The shortest and the longest stretch. The past is [`KEPT`] of the longest ones at most: crystals change their rate by some parts per
/// million a minute, and no line explains more of that to within 100 ns.
const STRETCH: [u64; 2] = [5_000_000, 100_000_000];
/// Stretches that the past is cut into while they grow.
const PARTS: u64 = 16;
/// Error of a reading that was as fast as the fastest, in nanoseconds: resolution of clocks, jitter of a few instructions.
const FLOOR: u64 = 100;
/// How far the line itself may be off without having bent, in nanoseconds.
const LINE: u64 = 300;
/// How many readings in succession must be off the line to tell that it bends.
const OFF: u32 = 2;

/// One clock read at a time of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Time of the clock that is known, in nanoseconds.
    pub at: u64,
    /// What the other clock showed, in nanoseconds.
    pub shown: u64,
    /// It showed that no further from `at` than this, in nanoseconds.
    pub within: u64,
}

/// A line through readings: from a time of the known clock to the other's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    at: u64,
    shown: u64,
    /// What the other clock gains on the known one, per nanosecond.
    gain: f64,
}

impl Line {
    /// Of clocks that run at the same rate.
    #[must_use]
    pub const fn even(at: u64, shown: u64) -> Self {
        Self { at, shown, gain: 0.0 }
    }

    /// What the other clock shows at a time of the known one; held within `u64`.
    #[must_use]
    pub fn shown_at(&self, at: u64) -> u64 {
        let shown = i128::from(self.shown) + i128::from(self.passed(at));
        u64::try_from(shown.max(0)).unwrap_or(u64::MAX)
    }

    /// What the other clock gains on the known one, in parts per million.
    #[must_use]
    pub fn gain_ppm(&self) -> f64 {
        self.gain * 1e6
    }

    /// Time of the other clock until a time of the known one.
    fn passed(&self, at: u64) -> i64 {
        let passed = between(self.at, at);
        passed.saturating_add(round(self.gain * float(passed)))
    }

    /// By how much a reading is off the line, in nanoseconds.
    fn off(&self, reading: &Reading) -> i64 {
        between(self.shown, reading.shown).saturating_sub(self.passed(reading.at))
    }
}

/// What a reading said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The clock runs on.
    Runs,
    /// It seems to have been stepped: the next reading decides.
    Doubtful,
    /// It was stepped, before the time of the doubtful reading.
    Stepped {
        /// Time of the known clock of the first reading behind the step.
        at: u64,
        /// What the other clock showed in it.
        shown: u64,
        /// By how much the other clock was stepped, in nanoseconds.
        by: i64,
    },
}

/// What a clock may do without having been stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Jump between two readings.
    pub jump: Duration,
    /// Change of its rate, in parts per million.
    pub rate_ppm: u32,
}

/// The relation of one clock to another.
#[derive(Debug, Clone)]
pub struct Relation {
    allowance: Allowance,
    line: Line,
    /// What stands for each stretch, oldest first.
    kept: VecDeque<Reading>,
    stretch: Stretch,
    floor: Floor,
    newest: Reading,
    doubtful: Option<Reading>,
    /// Readings in succession that were off the line.
    off: u32,
}

impl Relation {
    /// From a first reading. Both clocks are taken to run at the same rate until others say otherwise.
    #[must_use]
    pub fn new(first: Reading, allowance: Allowance) -> Self {
        let line = Line::even(first.at, first.shown);
        let kept = VecDeque::with_capacity(KEPT);
        let (stretch, floor) = (Stretch::new(first), Floor::new(first.at, first.within));
        Self { allowance, line, kept, stretch, floor, newest: first, doubtful: None, off: 0 }
    }

    /// The line as it is known now.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.line
    }

    /// Takes a reading. One that is no later than the one before is taken for a step of the known clock, if the next one
    /// goes on from it.
    pub fn take(&mut self, reading: Reading) -> Said {
        if let Some(doubtful) = self.doubtful.take()
            && self.runs_on(&doubtful, &reading)
        {
            return self.step(doubtful, reading);
        }
        if !self.runs_on(&self.newest, &reading) || !self.is_near(&reading) {
            self.doubtful = Some(reading);
            return Said::Doubtful;
        }
        self.add(reading);
        Said::Runs
    }

    /// Whether nothing but time passed between two readings.
    fn runs_on(&self, from: &Reading, to: &Reading) -> bool {
        let line = Line { at: from.at, shown: from.shown, gain: self.line.gain };
        let bound = self.allowed(to.at.saturating_sub(from.at));
        let bound = bound.saturating_add(from.within).saturating_add(to.within);
        to.at > from.at && line.off(to).unsigned_abs() <= bound
    }

    fn is_near(&self, reading: &Reading) -> bool {
        let bound = self.allowed(reading.at.saturating_sub(self.line.at));
        self.line.off(reading).unsigned_abs() <= bound.saturating_add(reading.within).saturating_add(self.newest.within)
    }

    /// How far the clock may be from where it is expected after a time.
    fn allowed(&self, passed: u64) -> u64 {
        let Allowance { jump, rate_ppm } = self.allowance;
        let jump = u64::try_from(jump.as_nanos()).unwrap_or(u64::MAX);
        jump.saturating_add(passed.saturating_mul(rate_ppm.into()) / 1_000_000)
    }

    /// Begins anew behind a step; the rate is that of before.
    fn step(&mut self, first: Reading, second: Reading) -> Said {
        let (known, other) = (between(self.newest.at, first.at), between(self.newest.shown, first.shown));
        // One of both went on as ever: it says how much the other one gained meanwhile.
        let gained = round(self.line.gain * float(known.abs().min(other.abs())));
        let by = other.saturating_sub(known).saturating_sub(gained);
        let line = Line { at: first.at, shown: first.shown, gain: self.line.gain };
        *self = Self { line, floor: self.floor, ..Self::new(first, self.allowance) };
        self.add(second);
        Said::Stepped { at: first.at, shown: first.shown, by }
    }

    fn add(&mut self, reading: Reading) {
        self.newest = reading;
        self.floor.take(reading.at, reading.within);
        self.stretch.add(reading);
        self.off = if self.is_off(&self.line, &reading) { self.off + 1 } else { 0 };
        if self.off >= OFF || reading.at.saturating_sub(self.stretch.since) >= self.stretch_length() {
            self.close();
        }
    }

    /// Length of a stretch: it grows with the time that the line explains.
    fn stretch_length(&self) -> u64 {
        let explained = self.kept.front().map_or(0, |oldest| self.newest.at.saturating_sub(oldest.at));
        let [shortest, longest] = STRETCH;
        (explained / PARTS).clamp(shortest, longest)
    }

    /// Ends the present stretch, and lays the line anew.
    fn close(&mut self) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.extend(self.stretch.end(self.newest.at));
        self.off = 0;
        loop {
            let line = self.fit();
            if self.kept.len() <= 2 || self.explains(&line) {
                self.line = line;
                return;
            }
            let half = self.kept.len().div_ceil(2);
            self.kept.drain(..half.min(self.kept.len() - 1));
        }
    }

    /// What a reading took longer than the fastest one.
    fn excess(&self, reading: &Reading) -> u64 {
        reading.within.saturating_sub(self.floor.get())
    }

    /// Whether a reading is further from a line than by what it took too long.
    fn is_off(&self, line: &Line, reading: &Reading) -> bool {
        line.off(reading).unsigned_abs() > self.excess(reading).saturating_add(FLOOR + LINE)
    }

    /// Whether the newest quarter of the readings, two at least, are on the line.
    fn explains(&self, line: &Line) -> bool {
        let few = self.kept.len().div_ceil(4).max(2);
        !self.kept.iter().rev().take(few).any(|reading| self.is_off(line, reading))
    }

    /// The line with the least weighted squares. Of a single reading: through it, at the rate of before.
    fn fit(&self) -> Line {
        let Some(last) = self.kept.back().copied() else { return self.line };
        let points = self.kept.iter().map(|reading| {
            let weight = float_of(FLOOR.saturating_add(self.excess(reading))).powi(-2);
            let (x, shown) = (between(last.at, reading.at), between(last.shown, reading.shown));
            (weight, float(x), float(shown.saturating_sub(x)))
        });
        let mut sums = [0.0; 5];
        for (w, x, d) in points {
            let terms = [w, w * x, w * d, w * x * x, w * x * d];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        let [w, wx, wd, wxx, wxd] = sums;
        let spread = w * wxx - wx * wx;
        let gain = if self.kept.len() < 2 || spread <= 0.0 { self.line.gain } else { (w * wxd - wx * wd) / spread };
        let offset = round((wd - gain * wx) / w);
        Line { at: last.at, shown: last.shown.saturating_add_signed(offset), gain }
    }
}

/// From one time to another, in nanoseconds; held within `i64`.
pub(super) fn between(from: u64, to: u64) -> i64 {
    let nanos = i128::from(to) - i128::from(from);
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

#[expect(clippy::cast_precision_loss, reason = "an error of some parts in 2^53 is far below a nanosecond here")]
const fn float(nanos: i64) -> f64 {
    nanos as f64
}

#[expect(clippy::cast_precision_loss, reason = "as above")]
const fn float_of(nanos: u64) -> f64 {
    nanos as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
const fn round(nanos: f64) -> i64 {
    nanos.round() as i64
}
