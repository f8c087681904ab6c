//! Analogue inputs like the EL3102: for each channel status bits with padding and a 16-bit value, or the value alone
//! in a compact PDO. Channels that no wire drives show a triangle.
//!
//! Settings at 0x80n0: user scale (01, 11, 12), two limits (07, 08, 13, 14) and whether their indications are swapped
//! (0E). Underrange, overrange and limits look at the value before the user scale. A value at either end of the range
//! is an error.

use std::time::Duration;

use super::parameter::{self, Parameter};
use super::{Profile, Values, beckhoff, signal};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, ValueId};

const AMPLITUDE: i16 = 30_000;
const UNDERRANGE: u16 = 0;
const OVERRANGE: u16 = 1;
const LIMITS: [u16; 2] = [2, 3];
const ERROR: u16 = 4;
const SYNC_ERROR: u16 = 5;
const STATE: u16 = 6;
const TOGGLE: u16 = 7;
const VALUE: u16 = 8;
/// What is measured, before the user scale.
const RAW: u16 = 9;
const LIMIT_ENABLED: [u16; 2] = [10, 11];
const LIMIT: [u16; 2] = [12, 13];
const SWAP: u16 = 14;
const SCALED: u16 = 15;
const OFFSET: u16 = 16;
const GAIN: u16 = 17;
/// Values a channel has.
const VALUES: u16 = 18;
/// A gain of one.
const UNITY: i64 = 65_536;

fn id(channel: u16, value: u16) -> ValueId {
    ValueId(channel * VALUES + value)
}

#[derive(Debug)]
struct AnalogueIn {
    channels: u16,
    taken: u64,
    seen: Option<Duration>,
}

impl Profile for AnalogueIn {
    fn start(&mut self, values: &mut Values) {
        parameter::start(&settings(self.channels), values);
    }

    fn step(&mut self, values: &mut Values, now: Duration) {
        let fresh = self.seen.replace(now) != Some(now);
        for channel in 0..self.channels {
            if self.taken & 1 << channel == 0 {
                values.set_i16(id(channel, RAW), signal::triangle(now, usize::from(channel), AMPLITUDE));
            }
            if fresh {
                convert(values, channel);
            }
        }
    }

    fn take_over(&mut self, channel: usize) {
        self.taken |= 1u64.checked_shl(u32::try_from(channel).unwrap_or(64)).unwrap_or(0);
    }

    fn inputs(&mut self, values: &mut Values) {
        (0..self.channels).for_each(|channel| convert(values, channel));
    }
}

/// One conversion: status and value of what is measured; the toggle bit says that it was made.
fn convert(values: &mut Values, channel: u16) {
    let at = |value| id(channel, value);
    let raw = values.i16(at(RAW));
    let (under, over) = (raw == i16::MIN, raw == i16::MAX);
    values.set_raw(at(UNDERRANGE), u64::from(under));
    values.set_raw(at(OVERRANGE), u64::from(over));
    values.set_raw(at(ERROR), u64::from(under || over));
    let swapped = values.raw(at(SWAP)) & 1 == 1;
    for n in 0..LIMITS.len() {
        let enabled = values.raw(at(LIMIT_ENABLED[n])) & 1 == 1;
        let shown = if enabled { compare(raw, values.i16(at(LIMIT[n])), swapped) } else { 0 };
        values.set_raw(at(LIMITS[n]), shown);
    }
    let value = if values.raw(at(SCALED)) & 1 == 1 {
        let scaled = i64::from(raw) * i64::from(values.i32(at(GAIN))) / UNITY + i64::from(values.i16(at(OFFSET)));
        i16::try_from(scaled).unwrap_or(if scaled < 0 { i16::MIN } else { i16::MAX })
    } else {
        raw
    };
    values.set_i16(at(VALUE), value);
    let toggle = values.raw(at(TOGGLE));
    values.set_raw(at(TOGGLE), toggle ^ 1);
}

/// How a limit is shown: 1 below, 2 above, 3 equal; swapped, 1 is above and 2 below.
fn compare(value: i16, limit: i16, swapped: bool) -> u64 {
    match value.cmp(&limit) {
        std::cmp::Ordering::Equal => 3,
        std::cmp::Ordering::Less if swapped => 2,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Greater if swapped => 1,
        std::cmp::Ordering::Greater => 2,
    }
}

/// Settings of all channels.
fn settings(channels: u16) -> Vec<Parameter> {
    let of = |channel: u16| {
        let set = move |subindex, data_type, value, default, name| {
            Parameter::setting((0x8000 + 0x10 * channel, subindex), data_type, id(channel, value), default, name)
        };
        [
            set(0x01, DataType::Bool, SCALED, 0, "Enable user scale"),
            set(0x07, DataType::Bool, LIMIT_ENABLED[0], 0, "Enable limit 1"),
            set(0x08, DataType::Bool, LIMIT_ENABLED[1], 0, "Enable limit 2"),
            set(0x0E, DataType::Bool, SWAP, 0, "Swap limit bits"),
            set(0x11, DataType::I16, OFFSET, 0, "User scale offset"),
            set(0x12, DataType::I32, GAIN, UNITY, "User scale gain"),
            set(0x13, DataType::I16, LIMIT[0], 0, "Limit 1"),
            set(0x14, DataType::I16, LIMIT[1], 0, "Limit 2"),
        ]
    };
    (0..channels).flat_map(of).collect()
}

/// Description and behaviour.
pub(crate) fn build(channels: u16) -> (Description, Box<dyn Profile>) {
    let number = 3100 + channels;
    let name = format!("EL{number} {channels}-channel analogue input +/-10 V (simulated)");
    let base = beckhoff::simple(number, format!("EL{number}"), name, "Analogue input");
    let mut description = base;
    description.tx_pdos = (0..channels).flat_map(|channel| [standard(channel), compact(channel)]).collect();
    description.values = channels * VALUES;
    description.channels_in = (0..channels).map(|channel| Channel::signed(id(channel, RAW), 16)).collect();
    description.objects =
        parameter::objects(&settings(channels), |index| format!("AI Settings Channel {}", (index - 0x8000) / 0x10 + 1));
    // Modular device profile 5001, analogue input 300.
    description.device_type = 0x012c_1389;
    (beckhoff::with_coe(description), Box::new(AnalogueIn { channels, taken: 0, seen: None }))
}

fn standard(channel: u16) -> Pdo {
    let at = |subindex| (0x6000 + 0x10 * channel, subindex);
    let bit = |subindex, name, value| PdoEntry::new(at(subindex), 1, DataType::Bool, name, id(channel, value));
    let limit = |subindex, name, value| PdoEntry::new(at(subindex), 2, DataType::Bit2, name, id(channel, value));
    Pdo {
        index: 0x1A00 + 2 * channel,
        name: format!("AI Standard Channel {}", channel + 1),
        assigned: true,
        sync_manager: None,
        entries: vec![
            bit(0x01, "Underrange", UNDERRANGE),
            bit(0x02, "Overrange", OVERRANGE),
            limit(0x03, "Limit 1", LIMITS[0]),
            limit(0x05, "Limit 2", LIMITS[1]),
            bit(0x07, "Error", ERROR),
            PdoEntry::gap(1),
            PdoEntry::gap(5),
            bit(0x0E, "Sync error", SYNC_ERROR),
            bit(0x0F, "TxPDO State", STATE),
            bit(0x10, "TxPDO Toggle", TOGGLE),
            PdoEntry::new(at(0x11), 16, DataType::I16, "Value", id(channel, VALUE)),
        ],
    }
}

fn compact(channel: u16) -> Pdo {
    let at = (0x6000 + 0x10 * channel, 0x11);
    Pdo {
        index: 0x1A01 + 2 * channel,
        name: format!("AI Compact Channel {}", channel + 1),
        assigned: false,
        sync_manager: None,
        entries: vec![PdoEntry::new(at, 16, DataType::I16, "Value", id(channel, VALUE))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A channel that a wire drives, with settings.
    fn measured(raw: i16, set: &[(u16, i16)]) -> Values {
        let (description, mut profile) = build(1);
        let mut values = Values::new(description.values);
        profile.start(&mut values);
        profile.take_over(0);
        set.iter().for_each(|(value, to)| values.set_i16(id(0, *value), *to));
        values.set_i16(id(0, RAW), raw);
        profile.inputs(&mut values);
        values
    }

    #[test]
    fn limits_say_below_above_and_equal_when_they_are_enabled() {
        let shown = |raw, swap: i16| {
            let set = [(LIMIT_ENABLED[0], 1), (LIMIT[0], 100), (LIMIT[1], 100), (SWAP, swap)];
            let values = measured(raw, &set);
            LIMITS.map(|limit| values.raw(id(0, limit)))
        };
        assert_eq!([shown(99, 0), shown(101, 0), shown(100, 0)], [[1, 0], [2, 0], [3, 0]]);
        assert_eq!([shown(99, 1), shown(101, 1), shown(100, 1)], [[2, 0], [1, 0], [3, 0]]);
    }

    #[test]
    fn a_value_at_the_end_of_the_range_is_an_error() {
        let status = |raw| [UNDERRANGE, OVERRANGE, ERROR].map(|value| measured(raw, &[]).raw(id(0, value)));
        assert_eq!([status(i16::MIN), status(0), status(i16::MAX)], [[1, 0, 1], [0, 0, 0], [0, 1, 1]]);
    }

    #[test]
    fn the_user_scale_acts_on_the_value_and_saturates() {
        let value = |raw| {
            let values = measured(raw, &[(SCALED, 1), (OFFSET, -5)]);
            values.i16(id(0, VALUE))
        };
        assert_eq!([value(10), value(i16::MIN)], [5, i16::MIN]);
    }

    #[test]
    fn the_toggle_bit_turns_with_each_conversion_and_not_without_time() {
        let (description, mut profile) = build(1);
        let mut values = Values::new(description.values);
        profile.start(&mut values);
        let mut seen = Vec::new();
        for us in [0, 250, 250, 500, 750] {
            profile.step(&mut values, Duration::from_micros(us));
            seen.push(values.raw(id(0, TOGGLE)));
        }
        assert_eq!(seen, [1, 0, 0, 1, 0]);
    }
}
