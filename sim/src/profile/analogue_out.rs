//! Analogue outputs like the EL4102: a 16-bit value for each channel.
//!
//! Settings at 0x80n0: what is put out when the outputs are dropped (05: 0 the default output, 2 the last value),
//! and the default output (13).

use std::time::Duration;

use super::parameter::{self, Parameter};
use super::{Profile, Values, beckhoff};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, ValueId};

const VALUE: u16 = 0;
/// What is put out.
const OUTPUT: u16 = 1;
const WATCHDOG: u16 = 2;
const DEFAULT: u16 = 3;
/// Values a channel has.
const VALUES: u16 = 4;
/// Watchdog setting: the last value stays.
const LAST_VALUE: u64 = 2;

fn id(channel: u16, value: u16) -> ValueId {
    ValueId(channel * VALUES + value)
}

#[derive(Debug)]
struct AnalogueOut {
    channels: u16,
}

impl Profile for AnalogueOut {
    fn start(&mut self, values: &mut Values) {
        parameter::start(&settings(self.channels), values);
    }

    fn outputs(&mut self, values: &mut Values, _now: Duration) {
        for channel in 0..self.channels {
            let value = values.i16(id(channel, VALUE));
            values.set_i16(id(channel, OUTPUT), value);
        }
    }

    fn safe(&mut self, values: &mut Values) {
        for channel in 0..self.channels {
            if values.raw(id(channel, WATCHDOG)) != LAST_VALUE {
                let default = values.i16(id(channel, DEFAULT));
                values.set_i16(id(channel, OUTPUT), default);
            }
        }
    }
}

fn settings(channels: u16) -> Vec<Parameter> {
    let of = |channel: u16| {
        let set = move |subindex, data_type, value, name| {
            Parameter::setting((0x8000 + 0x10 * channel, subindex), data_type, id(channel, value), 0, name)
        };
        [set(0x05, DataType::U8, WATCHDOG, "Watchdog"), set(0x13, DataType::I16, DEFAULT, "Default output")]
    };
    (0..channels).flat_map(of).collect()
}

/// Description and behaviour.
pub(crate) fn build(channels: u16) -> (Description, Box<dyn Profile>) {
    let number = 4100 + channels;
    let name = format!("EL{number} {channels}-channel analogue output +/-10 V (simulated)");
    let mut description = beckhoff::simple(number, format!("EL{number}"), name, "Analogue output");
    let entry = |channel: u16| {
        let at = (0x7000 + 0x10 * channel, 1);
        PdoEntry::new(at, 16, DataType::I16, "Analog output", id(channel, VALUE))
    };
    let pdo = |channel: u16| Pdo {
        index: 0x1600 + channel,
        name: format!("AO Outputs Channel {}", channel + 1),
        assigned: true,
        sync_manager: None,
        entries: vec![entry(channel)],
    };
    description.rx_pdos = (0..channels).map(pdo).collect();
    description.values = channels * VALUES;
    description.channels_out = (0..channels).map(|channel| Channel::signed(id(channel, OUTPUT), 16)).collect();
    description.objects =
        parameter::objects(&settings(channels), |index| format!("AO Settings Channel {}", (index - 0x8000) / 0x10 + 1));
    // Modular device profile 5001, analogue output 400.
    description.device_type = 0x0190_1389;
    (beckhoff::with_coe(description), Box::new(AnalogueOut { channels }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_outputs_go_to_the_default_or_stay() {
        let after = |watchdog: i16| {
            let (description, mut profile) = build(1);
            let mut values = Values::new(description.values);
            profile.start(&mut values);
            values.set_i16(id(0, WATCHDOG), watchdog);
            values.set_i16(id(0, DEFAULT), -7);
            values.set_i16(id(0, VALUE), 1234);
            profile.outputs(&mut values, Duration::ZERO);
            assert_eq!(values.i16(id(0, OUTPUT)), 1234);
            values.set_i16(id(0, VALUE), 0);
            profile.safe(&mut values);
            values.i16(id(0, OUTPUT))
        };
        assert_eq!([after(0), after(2)], [-7, 1234]);
    }
}
