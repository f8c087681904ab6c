//! Whole-number relations between rates.

use crate::rig::Rig;
use crate::task::ReadConfig;

/// How far a quotient may be from a whole number, relative to it, to count as one. Rates come as decimal fractions.
const TOLERANCE: f64 = 1e-9;

/// `n` if `rate` is `n` times `part`, with `n` at least 1.
pub(crate) fn multiple(rate: f64, part: f64) -> Option<u64> {
    let quotient = rate / part;
    let whole = quotient.round();
    let near = (quotient - whole).abs() <= TOLERANCE * whole;
    (near && (1.0..=9e15).contains(&whole)).then(|| to_u64(whole))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in 1 to 9e15 is exact")]
const fn to_u64(whole: f64) -> u64 {
    whole as u64
}

impl Rig {
    /// Cycles from one event to the next for something that happens `rate` times per second, such as `sample_rate` or
    /// `state_rate`; none where that is not a whole number.
    #[must_use]
    pub fn every(&self, rate: f64) -> Option<u64> {
        multiple(self.network.properties.rate, rate)
    }
}

impl ReadConfig {
    /// Samples in a batch; none where that is not a whole number.
    #[must_use]
    pub fn samples_per_batch(&self) -> Option<u64> {
        multiple(self.sample_rate, self.stream_rate)
    }
}
