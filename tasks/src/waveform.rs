//! Waveforms as pure functions of time.

use std::f64::consts::TAU;
use std::time::Duration;
use zerocat_config::{Setting, Waveform};
use zerocat_pdi::Value;

/// Value of a waveform at a time after its start: a number, or bytes of steps.
#[must_use]
pub fn value_at(waveform: &Waveform, time: Duration) -> Value {
    if let Waveform::Steps { values, dwell } = waveform {
        let step = time.as_nanos().checked_div(dwell.as_nanos()).unwrap_or(0);
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        return values.get(step).or(values.last()).copied().unwrap_or(Setting::Number(0.0)).value();
    }
    Value::Float64(number_at(waveform, time))
}

fn number_at(waveform: &Waveform, time: Duration) -> f64 {
    match waveform {
        Waveform::Sine { amplitude, offset, frequency } => offset + amplitude * (TAU * phase(*frequency, time)).sin(),
        Waveform::Square { amplitude, offset, frequency } => {
            let sign = if phase(*frequency, time) < 0.5 { 1.0 } else { -1.0 };
            offset + amplitude * sign
        }
        Waveform::Ramp { amplitude, offset, frequency } => offset + amplitude * (2.0 * phase(*frequency, time) - 1.0),
        Waveform::Steps { .. } => 0.0,
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
        value_at(waveform, Duration::from_millis(millis)).to_f64()
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
        let steps = Waveform::Steps {
            values: [6.0, 7.0, 15.0].map(Setting::Number).to_vec(),
            dwell: Duration::from_millis(100),
        };
        assert_eq!([0, 99, 100, 200, 299, 100_000].map(|t| at(&steps, t)), [6.0, 6.0, 7.0, 15.0, 15.0, 15.0]);
    }

    #[test]
    fn steps_of_bytes_are_bytes() {
        let bytes = |text: &str| Setting::Bytes(text.parse().unwrap());
        let steps = Waveform::Steps { values: vec![bytes("00ff"), bytes("01ff")], dwell: Duration::from_millis(1) };
        let values = [0, 1, 2].map(|t| value_at(&steps, Duration::from_millis(t)).to_string());
        assert_eq!(values, ["00ff", "01ff", "01ff"]);
    }

    #[test]
    fn odd_parameters_give_a_value_and_no_panic() {
        let none = Waveform::Steps { values: Vec::new(), dwell: Duration::ZERO };
        assert_eq!(value_at(&none, Duration::MAX), Value::Float64(0.0));
        let held = Waveform::Steps { values: [1.0, 2.0].map(Setting::Number).to_vec(), dwell: Duration::ZERO };
        assert_eq!(value_at(&held, Duration::MAX), Value::Float64(1.0));
        let sine = Waveform::Sine { amplitude: 1.0, offset: 0.0, frequency: 1e300 };
        let value = value_at(&sine, Duration::MAX).to_f64();
        assert!(value.abs() <= 1.0 || value.is_nan());
    }
}
