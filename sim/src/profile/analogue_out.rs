//! Analogue outputs as the EL4102: a 16-bit value for each channel.

use super::beckhoff;
use crate::describe::{DataType, Description, Pdo, PdoEntry, ValueId};

/// The description.
pub(crate) fn describe(channels: u16) -> Description {
    let number = 4100 + channels;
    let name = format!("EL{number} {channels}-channel analogue output +/-10 V (simulated)");
    let mut description = beckhoff::simple(number, format!("EL{number}"), name, "Analogue output");
    let pdo = |channel: u16| Pdo {
        index: 0x1600 + channel,
        name: format!("AO Outputs Channel {}", channel + 1),
        assigned: true,
        entries: vec![PdoEntry::new(
            (0x7000 + 0x10 * channel, 1),
            16,
            DataType::I16,
            "Analog output",
            ValueId(channel),
        )],
    };
    description.rx_pdos = (0..channels).map(pdo).collect();
    description.values = channels;
    description.channels_out = (0..channels).map(ValueId).collect();
    // Modular device profile 5001, analogue output 400.
    description.device_type = 0x0190_1389;
    beckhoff::with_coe(description)
}
