//! The outputs of a write task: one complete set that holds the last value of each that is commanded, and says which are.

use crate::header::{ChannelHeader, Header};
use crate::mapping::{Mapping, Point};
use std::collections::HashMap;
use zerocat_engine::{CommandSet, Others};
use zerocat_pdi::{BitSpan, DataType, Value, ValueError};

/// The set of all outputs of a task.
#[derive(Debug, Clone)]
pub struct Outputs {
    points: HashMap<u32, Output>,
    record: Vec<u8>,
    /// Bits of the record that are commanded.
    commanded: Vec<u8>,
    others: Others,
}

/// One output of a record.
#[derive(Debug, Clone)]
struct Output {
    name: String,
    point: Point,
}

/// Why a value was refused; the output holds its last one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// The task has no such channel, or it is disabled.
    #[error("channel {0} is none of this task's enabled channels")]
    UnknownChannel(u32),
    /// A bit of an output that isn't commanded as a whole.
    #[error(
        "channel `{channel}`: bit {bit} alone can't be set as long as the others are not commanded; command all of the channel \
         first, or give the bit a channel of its own"
    )]
    BitAlone {
        /// Name of the channel.
        channel: String,
        /// The bit.
        bit: u8,
    },
    /// The value does not fit the entry.
    #[error("channel `{channel}`: {error}")]
    Value {
        /// Name of the channel.
        channel: String,
        /// Why.
        error: ValueError,
    },
}

impl Outputs {
    /// None is commanded; they are as they are. The header names them.
    #[must_use]
    pub fn new(mapping: &Mapping, header: &Header) -> Self {
        let named = mapping.points().iter().zip(&header.channels);
        let output = |(point, channel): (&Point, &ChannelHeader)| {
            (point.channel, Output { name: channel.name.clone(), point: *point })
        };
        let zeros = vec![0; mapping.record_len()];
        Self { points: named.map(output).collect(), record: zeros.clone(), commanded: zeros, others: Others::Stay }
    }

    /// The complete set.
    #[must_use]
    pub fn set_of_all(&self) -> CommandSet<'_> {
        CommandSet { record: &self.record, commanded: &self.commanded, others: self.others }
    }

    /// Whether any output is commanded.
    #[must_use]
    pub fn is_commanding(&self) -> bool {
        self.commanded.iter().any(|byte| *byte != 0)
    }

    /// Commands nothing any more: the outputs are safe, and remain so until they are set again.
    pub fn make_safe(&mut self) {
        self.commanded.fill(0);
        self.others = Others::Safe;
    }

    /// Commands nothing of some channels any more, until they are set again. What they are meanwhile is not the task's matter.
    pub(crate) fn release(&mut self, channels: impl Fn(u32) -> bool) {
        for (channel, Output { point, .. }) in &self.points {
            if channels(*channel) {
                let _ = point.span.fill(&mut self.commanded, false);
            }
        }
    }

    /// Sets an output to a value that must fit exactly.
    ///
    /// # Errors
    /// The channel is unknown or the value does not fit; nothing has changed.
    pub fn set(&mut self, channel: u32, value: Value) -> Result<(), Rejected> {
        self.put(channel, |point, record| point.data_type.write(value, point.span, record))
    }

    /// Sets a bit of an output whose other bits are commanded already, and stay.
    ///
    /// # Errors
    /// The channel is unknown, the others are not commanded, or the value is neither 0 nor 1; nothing has changed.
    pub fn set_bit(&mut self, channel: u32, bit: u8, value: Value) -> Result<(), Rejected> {
        let Output { name, point } = self.points.get(&channel).ok_or(Rejected::UnknownChannel(channel))?;
        let alone = Rejected::BitAlone { channel: name.clone(), bit };
        let commanded = Some(point.span).filter(|span| all_set(*span, &self.commanded));
        let span = commanded.and_then(|span| span.bit(bit)).ok_or(alone)?;
        self.put(channel, |_, record| DataType::Bool.write(value, span, record))
    }

    /// Sets an output to the value nearest to a generated one.
    ///
    /// # Errors
    /// The channel is unknown, or the value is of another form than the type; nothing has changed.
    pub fn set_nearest(&mut self, channel: u32, value: Value) -> Result<(), Rejected> {
        self.put(channel, |point, record| point.data_type.write_nearest(value, point.span, record))
    }

    fn put(
        &mut self,
        channel: u32,
        write: impl FnOnce(&Point, &mut [u8]) -> Result<bool, ValueError>,
    ) -> Result<(), Rejected> {
        let Output { name, point } = self.points.get(&channel).ok_or(Rejected::UnknownChannel(channel))?;
        let refused = |error| Rejected::Value { channel: name.clone(), error };
        let written = write(point, &mut self.record).map_err(refused)?;
        let marked = written && point.span.fill(&mut self.commanded, true);
        if marked { Ok(()) } else { Err(Rejected::UnknownChannel(channel)) }
    }
}

/// Whether a mask has all bits of a span.
fn all_set(span: BitSpan, mask: &[u8]) -> bool {
    let set = |bit: usize| mask.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0);
    (span.offset..span.offset.saturating_add(span.len.into())).all(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;
    use crate::header::tests::header;
    use crate::mapping::Placed;
    use crate::mapping::tests::placed;

    fn outputs_of(channels: &[Placed]) -> Outputs {
        Outputs::new(&Mapping::new(channels), &header(Kind::State, channels))
    }

    fn outputs() -> Outputs {
        let places =
            [placed(1, DataType::Uint16, 0, 16), placed(2, DataType::Bool, 19, 1), placed(3, DataType::Int8, 24, 8)];
        outputs_of(&places)
    }

    #[test]
    fn what_was_set_is_commanded_until_the_outputs_are_made_safe() {
        let mut outputs = outputs();
        outputs.set(2, Value::Bool(false)).unwrap();
        outputs.set(3, Value::Int(1000)).unwrap_err();
        let set = outputs.set_of_all();
        assert_eq!((set.commanded, set.others), (&[0, 0, 0b1000, 0][..], Others::Stay));
        outputs.make_safe();
        assert!(!outputs.is_commanding());
        outputs.set(1, Value::Uint(1)).unwrap();
        let set = outputs.set_of_all();
        assert_eq!((set.commanded, set.others), (&[0xff, 0xff, 0, 0][..], Others::Safe));
    }

    #[test]
    fn a_value_of_500_stands_in_the_record_as_500() {
        let mut outputs = outputs();
        outputs.set(1, Value::Uint(500)).unwrap();
        outputs.set(2, Value::Bool(true)).unwrap();
        assert_eq!(outputs.set_of_all().record, [0xf4, 0x01, 0x08, 0x00]);
    }

    #[test]
    fn a_refused_value_leaves_the_last_one() {
        let mut outputs = outputs();
        outputs.set(3, Value::Int(-5)).unwrap();
        let error = outputs.set(3, Value::Int(200)).unwrap_err();
        assert!(error.to_string().starts_with("channel `dev_3`: 200 is out of range for int8"), "{error}");
        assert!(outputs.set(3, Value::Float64(0.5)).is_err());
        assert_eq!(outputs.set(9, Value::Int(0)), Err(Rejected::UnknownChannel(9)));
        assert_eq!(outputs.set_of_all().record, [0, 0, 0, 0xfb]);
    }

    #[test]
    fn a_bit_of_an_output_is_set_beside_the_others_once_they_are_commanded() {
        let mut outputs = outputs();
        let error = outputs.set_bit(1, 3, Value::Bool(true)).unwrap_err().to_string();
        assert!(error.contains("channel `dev_1`: bit 3 alone can't be set"), "{error}");
        outputs.set(1, Value::Uint(0x0101)).unwrap();
        outputs.set_bit(1, 3, Value::Bool(true)).unwrap();
        outputs.set_bit(1, 0, Value::Uint(0)).unwrap();
        assert!(outputs.set_bit(1, 1, Value::Uint(2)).is_err());
        assert_eq!(outputs.set_of_all().record[..2], [0x08, 0x01]);
        outputs.make_safe();
        assert!(outputs.set_bit(1, 3, Value::Bool(false)).is_err());
    }

    #[test]
    fn a_generated_value_is_rounded_and_clamped() {
        let mut outputs = outputs();
        outputs.set_nearest(3, Value::Float64(1e9)).unwrap();
        outputs.set_nearest(1, Value::Float64(1.6)).unwrap();
        assert_eq!(outputs.set_of_all().record, [2, 0, 0, 127]);
    }

    #[test]
    fn bytes_are_written_whole_or_refused() {
        let mut outputs = outputs_of(&[placed(1, DataType::Bytes, 0, 80)]);
        let bytes = |text: &str| Value::Bytes(text.parse().unwrap());
        outputs.set(1, bytes("00112233445566778899")).unwrap();
        let error = outputs.set(1, bytes("0011")).unwrap_err().to_string();
        assert_eq!(error, "channel `dev_1`: 0011 is 2 bytes, bytes of 80 bits need 10 bytes as hexadecimal text");
        assert!(outputs.set(1, Value::Uint(5)).is_err());
        assert_eq!(outputs.set_of_all().record, [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99]);
    }

    #[test]
    fn a_bit_is_written_beside_the_others_of_its_entry() {
        let mut bits = [placed(1, DataType::Uint16, 3, 1), placed(2, DataType::Uint16, 4, 1)];
        (bits[0].channel.bit, bits[1].channel.bit) = (Some(3), Some(4));
        let mut outputs = outputs_of(&bits);
        outputs.set(1, Value::Bool(true)).unwrap();
        outputs.set(2, Value::Uint(1)).unwrap();
        outputs.set(1, Value::Uint(0)).unwrap();
        assert_eq!(outputs.set_of_all().record, [0b1_0000]);
        assert!(outputs.set(1, Value::Uint(2)).is_err());
    }
}
