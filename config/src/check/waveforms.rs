//! Parameters of waveforms, and whether their values fit the entry.

use super::Found;
use crate::rig::PdoEntry;
use crate::types::{name, range};
use crate::waveform::Waveform;

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
            found.demand(
                amplitude.is_finite() && offset.is_finite(),
                &path,
                "it or the offset is not a number",
                "give finite numbers",
            );
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

fn value(value: f64, entry: Option<&PdoEntry>, path: &str, found: &mut Found) {
    let Some(entry) = entry else { return };
    let Some((low, high)) = range(entry.data_type, entry.bit_length) else { return };
    if !(low..=high).contains(&value) {
        let name = name(entry.data_type);
        let what =
            format!("the waveform reaches {value}, and a {name} of {} bits holds {low} to {high}", entry.bit_length);
        found.add(path, what, "keep it within the range of the entry");
    }
}
