//! Waveforms that a write channel can play.

use crate::duration;
use crate::setting::Setting;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A value as a function of the time since the task's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "shape", rename_all = "lowercase", try_from = "RawWaveform")]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields, !try_from))]
pub enum Waveform {
    /// `offset + amplitude * sin(2 pi frequency t)`.
    Sine {
        /// Half of the distance between its extremes, in units of the channel.
        amplitude: f64,
        /// Middle, in units of the channel.
        #[serde(default)]
        offset: f64,
        /// Periods per second, in Hz.
        frequency: f64,
    },
    /// `offset + amplitude` in the first half of a period, `offset - amplitude` in the second.
    Square {
        /// Half of the distance between its extremes, in units of the channel.
        amplitude: f64,
        /// Middle, in units of the channel.
        #[serde(default)]
        offset: f64,
        /// Periods per second, in Hz.
        frequency: f64,
    },
    /// Rises from `offset - amplitude` to `offset + amplitude` in a period, then starts again.
    Ramp {
        /// Half of the distance between its extremes, in units of the channel.
        amplitude: f64,
        /// Middle, in units of the channel.
        #[serde(default)]
        offset: f64,
        /// Periods per second, in Hz.
        frequency: f64,
    },
    /// Each value for `dwell`, then the last one indefinitely.
    Steps {
        /// Values in order, in units of the channel; bytes as hexadecimal text.
        values: Vec<Setting>,
        /// Time for which each value is held.
        #[serde(with = "duration")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        dwell: Duration,
    },
}

/// The waveform as written in the file, so that an error inside keeps its path and line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWaveform {
    shape: Shape,
    amplitude: Option<f64>,
    offset: Option<f64>,
    frequency: Option<f64>,
    values: Option<Vec<Setting>>,
    #[serde(default, with = "duration::optional")]
    dwell: Option<Duration>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Sine,
    Square,
    Ramp,
    Steps,
}

impl TryFrom<RawWaveform> for Waveform {
    type Error = String;

    fn try_from(raw: RawWaveform) -> Result<Self, String> {
        match raw.shape {
            Shape::Steps => raw.steps(),
            Shape::Sine | Shape::Square | Shape::Ramp => raw.periodic(),
        }
    }
}

impl RawWaveform {
    fn steps(self) -> Result<Waveform, String> {
        if self.amplitude.is_some() || self.offset.is_some() || self.frequency.is_some() {
            return Err(
                "shape `steps` takes `values` and `dwell`; remove `amplitude`, `offset` and `frequency`".to_owned()
            );
        }
        let values = self.values.ok_or("missing field `values`, which shape `steps` needs")?;
        let dwell = self.dwell.ok_or("missing field `dwell`, which shape `steps` needs")?;
        Ok(Waveform::Steps { values, dwell })
    }

    fn periodic(self) -> Result<Waveform, String> {
        if self.values.is_some() || self.dwell.is_some() {
            return Err("`values` and `dwell` belong to shape `steps`; remove them or change the shape".to_owned());
        }
        let amplitude = self.amplitude.ok_or("missing field `amplitude`")?;
        let frequency = self.frequency.ok_or("missing field `frequency`")?;
        let offset = self.offset.unwrap_or(0.0);
        Ok(match self.shape {
            Shape::Square => Waveform::Square { amplitude, offset, frequency },
            Shape::Ramp => Waveform::Ramp { amplitude, offset, frequency },
            Shape::Sine | Shape::Steps => Waveform::Sine { amplitude, offset, frequency },
        })
    }
}
