//! The cycle of the network, and the rates that follow from it.

use super::NotImported;
use std::time::Duration;

/// Rate where the file says none, in Hz.
const RATE: f64 = 1000.0;
/// Highest rate of a rig file, in Hz.
const MAX_RATE: f64 = 100_000.0;
/// Most samples per second of the read task, in Hz.
const SAMPLES: f64 = 100.0;
/// The default watchdog, in milliseconds.
const WATCHDOG_MS: u64 = 100;
/// The longest one that is written.
const LONGEST_MS: u64 = 6_500;

/// Cycle and rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cycle {
    /// From one cycle to the next.
    pub(super) time: Duration,
    /// Cycles per second, in Hz.
    pub(super) rate: f64,
    /// Samples per second of the read task, in Hz; the rate is a whole multiple of it.
    pub(super) sample_rate: f64,
    /// Watchdog in milliseconds, where the default is too short for the cycle.
    pub(super) watchdog_ms: Option<u64>,
}

/// By the time that the file says, and what is to be told of it.
pub(super) fn of(time: Option<Duration>) -> (Cycle, Option<NotImported>) {
    let Some(time) = time else {
        let why = format!("the file says none; {RATE} Hz is written in its place");
        return (at(RATE, Duration::from_millis(1)), Some(NotImported::new("the cycle time", why)));
    };
    let rate = hz(time);
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if rate > MAX_RATE || millis >= LONGEST_MS {
        let why = format!("a rig file can't have it; {RATE} Hz is written in its place");
        let what = format!("the cycle time of {} us", time.as_micros());
        return (at(RATE, Duration::from_millis(1)), Some(NotImported::new(what, why)));
    }
    (at(rate, time), None)
}

/// Cycles per second, without a rounding error where the number is whole.
fn hz(time: Duration) -> f64 {
    let micros = time.as_secs_f64() * 1e6;
    1e6 / micros.round().max(1.0)
}

fn at(rate: f64, time: Duration) -> Cycle {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let watchdog_ms = (millis >= WATCHDOG_MS).then(|| millis.saturating_mul(3).min(LONGEST_MS));
    Cycle { time, rate, sample_rate: sample_rate(rate), watchdog_ms }
}

/// The highest whole number of samples per second that divides the rate; else the rate by a whole number.
fn sample_rate(rate: f64) -> f64 {
    if rate <= SAMPLES {
        return rate;
    }
    let least = (rate / SAMPLES).ceil();
    let whole = rate.fract() == 0.0;
    let mut divisors = std::iter::successors(Some(least), |divisor| Some(divisor + 1.0)).take(100);
    let even = divisors.find(|divisor| whole && (rate / divisor).fract() == 0.0);
    rate / even.unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(micros: u64) -> (f64, f64) {
        let (cycle, _) = of(Some(Duration::from_micros(micros)));
        (cycle.rate, cycle.sample_rate)
    }

    #[test]
    fn samples_are_at_most_a_hundred_in_a_second_and_divide_the_rate() {
        let all = [50, 125, 250, 500, 1000, 4000, 20_000, 1_000_000].map(rates);
        let expected = [
            (20_000.0, 100.0),
            (8000.0, 100.0),
            (4000.0, 100.0),
            (2000.0, 100.0),
            (1000.0, 100.0),
            (250.0, 50.0),
            (50.0, 50.0),
            (1.0, 1.0),
        ];
        assert_eq!(all, expected);
        let (rate, samples) = rates(300);
        assert!(samples <= 100.0 && (rate / samples).fract().abs() < 1e-9, "{rate} {samples}");
    }

    #[test]
    fn a_slow_cycle_has_a_longer_watchdog_and_one_that_no_rig_file_can_have_is_told() {
        let watchdog = |millis| of(Some(Duration::from_millis(millis))).0.watchdog_ms;
        assert_eq!([99, 100, 200, 4000].map(watchdog), [None, Some(300), Some(600), Some(6500)]);
        for wrong in [Duration::from_micros(9), Duration::from_secs(7)] {
            let (cycle, told) = of(Some(wrong));
            assert_eq!((cycle.rate, told.is_some()), (RATE, true), "{wrong:?}");
        }
        assert!(of(None).1.unwrap().why.contains("1000 Hz"));
    }
}
