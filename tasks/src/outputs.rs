//! The outputs of a write task: one complete record that holds the last value of each.

use crate::mapping::{Mapping, Point};
use std::collections::HashMap;
use zerocat_pdi::{Value, ValueError};

/// The record of all outputs of a task.
#[derive(Debug, Clone)]
pub struct Outputs {
    points: HashMap<u32, Point>,
    record: Vec<u8>,
}

/// Why a value was refused; the output holds its last one.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// The task has no such channel, or it is disabled.
    #[error("channel {0} is none of this task's enabled channels")]
    UnknownChannel(u32),
    /// The value does not fit the entry.
    #[error("channel {channel}: {error}")]
    Value {
        /// Channel number.
        channel: u32,
        /// Why.
        error: ValueError,
    },
}

impl Outputs {
    /// All zero.
    #[must_use]
    pub fn new(mapping: &Mapping) -> Self {
        let points = mapping.points().iter().map(|point| (point.channel, *point)).collect();
        Self { points, record: vec![0; mapping.record_len()] }
    }

    /// The complete record.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// The same, to begin anew with other outputs.
    pub(crate) fn record_mut(&mut self) -> &mut [u8] {
        &mut self.record
    }

    /// Sets an output to a value that must fit exactly.
    ///
    /// # Errors
    /// The channel is unknown or the value does not fit; nothing has changed.
    pub fn set(&mut self, channel: u32, value: Value) -> Result<(), Rejected> {
        self.put(channel, |point| point.data_type.encode(value, point.span.len))
    }

    /// Sets an output to the value nearest to a generated one.
    ///
    /// # Errors
    /// The channel is unknown, or the length does not fit the type; nothing has changed.
    pub fn set_nearest(&mut self, channel: u32, value: f64) -> Result<(), Rejected> {
        self.put(channel, |point| point.data_type.encode_saturating(value, point.span.len))
    }

    fn put(&mut self, channel: u32, encode: impl FnOnce(&Point) -> Result<u64, ValueError>) -> Result<(), Rejected> {
        let unknown = Rejected::UnknownChannel(channel);
        let point = self.points.get(&channel).ok_or(unknown)?;
        let raw = encode(point).map_err(|error| Rejected::Value { channel, error })?;
        if point.span.insert(&mut self.record, raw) { Ok(()) } else { Err(unknown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::placed;
    use zerocat_pdi::DataType;

    fn outputs() -> Outputs {
        let places =
            [placed(1, DataType::Uint16, 0, 16), placed(2, DataType::Bool, 19, 1), placed(3, DataType::Int8, 24, 8)];
        Outputs::new(&Mapping::new(&places))
    }

    #[test]
    fn a_value_of_500_stands_in_the_record_as_500() {
        let mut outputs = outputs();
        outputs.set(1, Value::Uint(500)).unwrap();
        outputs.set(2, Value::Bool(true)).unwrap();
        assert_eq!(outputs.record(), [0xf4, 0x01, 0x08, 0x00]);
    }

    #[test]
    fn a_refused_value_leaves_the_last_one() {
        let mut outputs = outputs();
        outputs.set(3, Value::Int(-5)).unwrap();
        let error = outputs.set(3, Value::Int(200)).unwrap_err();
        assert!(error.to_string().starts_with("channel 3: 200 is out of range for int8"), "{error}");
        assert!(outputs.set(3, Value::Float64(0.5)).is_err());
        assert_eq!(outputs.set(9, Value::Int(0)), Err(Rejected::UnknownChannel(9)));
        assert_eq!(outputs.record(), [0, 0, 0, 0xfb]);
    }

    #[test]
    fn a_generated_value_is_rounded_and_clamped() {
        let mut outputs = outputs();
        outputs.set_nearest(3, 1e9).unwrap();
        outputs.set_nearest(1, 1.6).unwrap();
        assert_eq!(outputs.record(), [2, 0, 0, 127]);
    }
}
