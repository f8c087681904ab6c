//! Parameters of waveforms, and whether their values fit the entry.

use super::Found;
use crate::rig::PdoEntry;
use crate::waveform::Waveform;
use zerocat_pdi::DataType;

/// Checks one waveform; its values against `entry`, where that is known.
pub(super) fn waveform(waveform: &Waveform, entry: Option<&PdoEntry>, at: &str, found: &mut Found) {
    match waveform {
        Waveform::Sine { amplitude, offset, frequency }
        | Waveform::Square { amplitude, offset, frequency }
        | Waveform::Ramp { amplitude, offset, frequency } => {
            let good = *frequency > 0.0 && frequency.is_finite();
            let path = format!("{at}.frequency");
            found.demand(good, &path, format!("{frequency} Hz is not more than 0"), "give periods per second");
            let path = format!("{at}.amplitude");
            value(offset - amplitude.abs(), entry, &path, found);
            value(offset + amplitude.abs(), entry, &path, found);
        }
        Waveform::Steps { values, dwell } => {
            let path = format!("{at}.values");
            found.demand(!values.is_empty(), &path, "there is none", "give the values in order");
            found.demand(!dwell.is_zero(), &format!("{at}.dwell"), "it is 0", "give the time that each value is held");
            for (i, step) in values.iter().enumerate() {
                value(*step, entry, &format!("{at}.values[{i}]"), found);
            }
        }
    }
}

/// Checks one value that the waveform reaches; waveforms are rounded into integers.
fn value(value: f64, entry: Option<&PdoEntry>, path: &str, found: &mut Found) {
    if !value.is_finite() {
        found.add(path, format!("the waveform reaches {value}"), "give finite numbers");
        return;
    }
    let Some(entry) = entry.filter(|entry| entry.data_type.fits(entry.bit_length)) else { return };
    let rounded = match entry.data_type {
        DataType::Float32 | DataType::Float64 => value,
        _ => value.round(),
    };
    if let Err(error) = entry.data_type.encode(rounded, entry.bit_length) {
        found.add(path, error.to_string(), "keep the waveform within the range of the entry");
    }
}
