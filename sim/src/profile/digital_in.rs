//! Digital inputs of one bit each, like the EL1004: one sync manager, no mailbox. Channels that no wire drives show
//! the bits of a counter.

use std::time::Duration;

use super::{Profile, Values, beckhoff, signal};
use crate::describe::{Channel, DataType, Description, Pdo, PdoEntry, Purpose, SyncManagerPlan, ValueId};

#[derive(Debug)]
struct DigitalIn {
    channels: u16,
    taken: u64,
}

impl Profile for DigitalIn {
    fn step(&mut self, values: &mut Values, now: Duration) {
        let count = signal::count(now);
        for channel in 0..self.channels {
            if self.taken & 1 << channel == 0 {
                values.set_raw(ValueId(channel), count >> (channel % 16) & 1);
            }
        }
    }

    fn take_over(&mut self, channel: usize) {
        self.taken |= 1u64.checked_shl(u32::try_from(channel).unwrap_or(64)).unwrap_or(0);
    }
}

/// Description and behaviour.
pub(crate) fn build(channels: u16) -> (Description, Box<dyn Profile>) {
    let number = if channels <= 8 { 1000 + channels } else { 1800 + channels };
    let name = format!("EL{number} {channels}-channel digital input (simulated)");
    let mut description = beckhoff::simple(number, format!("EL{number}"), name, "Digital input");
    description.tx_pdos = pdos(channels, 0x1A00, 0x6000, "Input");
    let length = channels.div_ceil(8);
    description.sync_managers = vec![SyncManagerPlan { purpose: Purpose::Inputs, start: 0x1000, length, control: 0 }];
    description.values = channels;
    description.channels_in = (0..channels).map(|n| Channel::unsigned(ValueId(n), 1)).collect();
    (description, Box::new(DigitalIn { channels, taken: 0 }))
}

/// One PDO of one bit for each channel.
pub(super) fn pdos(channels: u16, pdo: u16, object: u16, name: &str) -> Vec<Pdo> {
    let one = |channel: u16| {
        let at = (object + 0x10 * channel, 1);
        Pdo {
            index: pdo + channel,
            name: format!("Channel {}", channel + 1),
            assigned: true,
            sync_manager: None,
            entries: vec![PdoEntry::new(at, 1, DataType::Bool, name, ValueId(channel))],
        }
    };
    (0..channels).map(one).collect()
}
