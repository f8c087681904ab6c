//! Waveforms as pure functions of time.

use std::f64::consts::TAU;
use std::time::Duration;
use zerocat_config::Waveform;

/// Value of a waveform at a time after its start.
#[must_use]
pub fn value_at(waveform: &Waveform, time: Duration) -> f64 {
    match waveform {
        Waveform::Sine { amplitude, offset, frequency } => offset + amplitude * (TAU * phase(*frequency, time)).sin(),
        Waveform::Square { amplitude, offset, frequency } => {
            let sign = if phase(*frequency, time) < 0.5 { 1.0 } else { -1.0 };
            offset + amplitude * sign
        }
        Waveform::Ramp { amplitude, offset, frequency } => offset + amplitude * (2.0 * phase(*frequency, time) - 1.0),
        Waveform::Steps { values, dwell } => {
            let step = time.as_nanos().checked_div(dwell.as_nanos()).unwrap_or(0);
            let step = usize::try_from(step).unwrap_or(usize::MAX);
            values.get(step).or(values.last()).copied().unwrap_or(0.0)
        }
    }
}

/// Part of the current period that has passed, 0 to 1.
fn phase(frequency: f64, time: Duration) -> f64 {
    (frequency * time.as_secs_f64()).fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(waveform: &Waveform, millis: u64) -> f64 {
        value_at(waveform, Duration::from_millis(millis))
    }

    #[test]
    fn a_sine_starts_at_its_offset_and_reaches_its_amplitude() {
        let sine = Waveform::Sine { amplitude: 10.0, offset: 5.0, frequency: 0.5 };
        let values = [0, 500, 1500, 2500].map(|t| at(&sine, t).round());
        assert_eq!(values, [5.0, 15.0, -5.0, 15.0]);
    }

    #[test]
    fn a_square_is_high_in_the_first_half_of_a_period() {
        let square = Waveform::Square { amplitude: 0.5, offset: 0.5, frequency: 1.0 };
        assert_eq!([0, 499, 500, 999, 1000].map(|t| at(&square, t)), [1.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_ramp_rises_and_starts_again() {
        let ramp = Waveform::Ramp { amplitude: 4.0, offset: 1.0, frequency: 1.0 };
        assert_eq!([0, 500, 750, 1000].map(|t| at(&ramp, t)), [-3.0, 1.0, 3.0, -3.0]);
    }

    #[test]
    fn steps_hold_each_value_and_then_the_last() {
        let steps = Waveform::Steps { values: vec![6.0, 7.0, 15.0], dwell: Duration::from_millis(100) };
        assert_eq!([0, 99, 100, 200, 299, 100_000].map(|t| at(&steps, t)), [6.0, 6.0, 7.0, 15.0, 15.0, 15.0]);
    }

    #[test]
    fn odd_parameters_give_a_value_and_no_panic() {
        let none = Waveform::Steps { values: Vec::new(), dwell: Duration::ZERO };
        assert_eq!(value_at(&none, Duration::MAX), 0.0);
        let held = Waveform::Steps { values: vec![1.0, 2.0], dwell: Duration::ZERO };
        assert_eq!(value_at(&held, Duration::MAX), 1.0);
        let sine = Waveform::Sine { amplitude: 1.0, offset: 0.0, frequency: 1e300 };
        assert!(value_at(&sine, Duration::MAX).abs() <= 1.0 || value_at(&sine, Duration::MAX).is_nan());
    }
}
