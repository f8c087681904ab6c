//! Parameters of waveforms, and whether their values fit the entry.

use super::Found;
use crate::error::Rule;
use crate::rig::PdoEntry;
use crate::setting::Setting;
use crate::waveform::Waveform;
use zerocat_pdi::DataType;

/// Checks one waveform; its values against `entry`, where that is known.
pub(super) fn waveform(waveform: &Waveform, entry: Option<&PdoEntry>, at: &str, found: &mut Found) {
    match waveform {
        Waveform::Sine { amplitude, offset, frequency }
        | Waveform::Square { amplitude, offset, frequency }
        | Waveform::Ramp { amplitude, offset, frequency } => {
            if entry.is_some_and(|entry| entry.data_type == DataType::Bytes) {
                let path = format!("{at}.shape");
                found.add(
                    Rule::TypeMismatch,
                    path,
                    "it makes numbers, and the entry is bytes",
                    "use \"steps\" with hexadecimal text",
                );
                return;
            }
            let good = *frequency > 0.0 && frequency.is_finite();
            let path = format!("{at}.frequency");
            found.demand(
                Rule::OutOfRange,
                good,
                &path,
                format!("{frequency} Hz is not more than 0"),
                "give periods per second",
            );
            let path = format!("{at}.amplitude");
            number(offset - amplitude.abs(), entry, &path, found);
            number(offset + amplitude.abs(), entry, &path, found);
        }
        Waveform::Steps { values, dwell } => {
            let path = format!("{at}.values");
            found.demand(Rule::Empty, !values.is_empty(), &path, "there is none", "give the values in order");
            found.demand(
                Rule::OutOfRange,
                !dwell.is_zero(),
                &format!("{at}.dwell"),
                "it is 0",
                "give the time that each value is held",
            );
            for (i, step) in values.iter().enumerate() {
                let path = format!("{at}.values[{i}]");
                match step {
                    Setting::Number(step) => number(*step, entry, &path, found),
                    Setting::Bytes(_) => bytes(*step, entry, &path, found),
                }
            }
        }
    }
}

fn bytes(step: Setting, entry: Option<&PdoEntry>, path: &str, found: &mut Found) {
    let Some(entry) = entry.filter(|entry| entry.data_type.fits(entry.bit_length)) else { return };
    if let Err(error) = entry.data_type.admit(step.value(), entry.bit_length) {
        found.add(Rule::TypeMismatch, path, error.to_string(), "give a value that the entry can take");
    }
}

/// Checks one number that the waveform reaches; waveforms are rounded into integers.
fn number(value: f64, entry: Option<&PdoEntry>, path: &str, found: &mut Found) {
    if !value.is_finite() {
        found.add(Rule::OutOfRange, path, format!("the waveform reaches {value}"), "give finite numbers");
        return;
    }
    let Some(entry) = entry.filter(|entry| entry.data_type.fits(entry.bit_length)) else { return };
    let rounded = match entry.data_type {
        DataType::Float32 | DataType::Float64 => value,
        _ => value.round(),
    };
    if let Err(error) = entry.data_type.admit(rounded, entry.bit_length) {
        found.add(Rule::TypeMismatch, path, error.to_string(), "keep the waveform within the range of the entry");
    }
}
