//! Analogue inputs as the EL3102: for each channel status bits with padding and a 16-bit value, or the value alone
//! in a compact PDO. Channels that no wire drives show a triangle.

use std::time::Duration;

use super::{Profile, Values, beckhoff, signal};
use crate::describe::{DataType, Description, Pdo, PdoEntry, ValueId};

const AMPLITUDE: i16 = 30_000;
/// Values a channel has: underrange, overrange, limit 1, limit 2, error, sync error, state, toggle, value.
const VALUES: u16 = 9;
const UNDERRANGE: u16 = 0;
const OVERRANGE: u16 = 1;
const TOGGLE: u16 = 7;
const VALUE: u16 = 8;

fn id(channel: u16, value: u16) -> ValueId {
    ValueId(channel * VALUES + value)
}

#[derive(Debug)]
struct AnalogueIn {
    channels: u16,
    taken: u64,
}

impl Profile for AnalogueIn {
    fn step(&mut self, values: &mut Values, now: Duration) {
        for channel in 0..self.channels {
            let before = values.raw(id(channel, VALUE));
            if self.taken & 1 << channel == 0 {
                values.set_i16(id(channel, VALUE), signal::triangle(now, usize::from(channel), AMPLITUDE));
            }
            let value = i16::from_le_bytes(values.u16(id(channel, VALUE)).to_le_bytes());
            values.set_raw(id(channel, UNDERRANGE), u64::from(value == i16::MIN));
            values.set_raw(id(channel, OVERRANGE), u64::from(value == i16::MAX));
            if before != values.raw(id(channel, VALUE)) {
                let toggle = values.raw(id(channel, TOGGLE));
                values.set_raw(id(channel, TOGGLE), toggle ^ 1);
            }
        }
    }

    fn take_over(&mut self, channel: usize) {
        self.taken |= 1u64.checked_shl(u32::try_from(channel).unwrap_or(64)).unwrap_or(0);
    }
}

/// Description and behaviour.
pub(crate) fn build(channels: u16) -> (Description, Box<dyn Profile>) {
    let number = 3100 + channels;
    let name = format!("EL{number} {channels}-channel analogue input +/-10 V (simulated)");
    let base = beckhoff::simple(number, format!("EL{number}"), name, "Analogue input");
    let mut description = base;
    description.tx_pdos = (0..channels).flat_map(|channel| [standard(channel), compact(channel)]).collect();
    description.values = channels * VALUES;
    description.channels_in = (0..channels).map(|channel| id(channel, VALUE)).collect();
    // Modular device profile 5001, analogue input 300.
    description.device_type = 0x012c_1389;
    (beckhoff::with_coe(description), Box::new(AnalogueIn { channels, taken: 0 }))
}

fn standard(channel: u16) -> Pdo {
    let at = |subindex| (0x6000 + 0x10 * channel, subindex);
    let bit = |subindex, name, value| PdoEntry::new(at(subindex), 1, DataType::Bool, name, id(channel, value));
    let limit = |subindex, name, value| PdoEntry::new(at(subindex), 2, DataType::Bit2, name, id(channel, value));
    Pdo {
        index: 0x1A00 + 2 * channel,
        name: format!("AI Standard Channel {}", channel + 1),
        assigned: true,
        entries: vec![
            bit(0x01, "Underrange", UNDERRANGE),
            bit(0x02, "Overrange", OVERRANGE),
            limit(0x03, "Limit 1", 2),
            limit(0x05, "Limit 2", 3),
            bit(0x07, "Error", 4),
            PdoEntry::gap(1),
            PdoEntry::gap(5),
            bit(0x0E, "Sync error", 5),
            bit(0x0F, "TxPDO State", 6),
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
        entries: vec![PdoEntry::new(at, 16, DataType::I16, "Value", id(channel, VALUE))],
    }
}
