//! Signals of inputs that nothing drives: functions of time, the same in every run.

use std::time::Duration;

/// A counter that goes up ten times a second.
pub(crate) fn count(now: Duration) -> u64 {
    now.as_secs().saturating_mul(10).saturating_add(u64::from(now.subsec_millis() / 100))
}

/// Channels until one has the triangle of the first again.
pub(crate) const SHIFTS: usize = 8;

/// A triangle between -amplitude and +amplitude with a period of two seconds. Each channel starts an eighth of a
/// period after the one before.
pub(crate) fn triangle(now: Duration, channel: usize, amplitude: i16) -> i16 {
    const PERIOD_US: i64 = 2_000_000;
    let us = i64::from(now.as_secs() % 2 == 1) * PERIOD_US / 2 + i64::from(now.subsec_micros());
    let shift = i64::try_from(channel % SHIFTS).unwrap_or(0) * PERIOD_US / SHIFTS as i64;
    let phase = (us + shift) % PERIOD_US;
    let up = if phase < PERIOD_US / 2 { phase } else { PERIOD_US - phase };
    // `up` runs from 0 to half a period and back.
    let value = (2 * up - PERIOD_US / 2) * i64::from(amplitude) / (PERIOD_US / 2);
    i16::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_touches_both_ends_in_a_period() {
        let at = |ms| triangle(Duration::from_millis(ms), 0, 1000);
        assert_eq!([at(0), at(500), at(1000), at(1500), at(2000)], [-1000, 0, 1000, 0, -1000]);
    }
}
