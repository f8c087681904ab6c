//! Digital outputs of one bit each, like the EL2004: one sync manager with watchdog on the ESC's own output register,
//! no mailbox.

use super::{beckhoff, digital_in};
use crate::describe::{Channel, Description, Purpose, SyncManagerPlan, ValueId};
use crate::esc::EscModel;

/// The ESC's digital output register holds 32 bits; more lie in RAM.
const OUTPUT_REGISTER: u16 = 0x0F00;

/// The description.
pub(crate) fn describe(channels: u16) -> Description {
    let number = if channels <= 8 { 2000 + channels } else { 2800 + channels };
    let name = format!("EL{number} {channels}-channel digital output (simulated)");
    let mut description = beckhoff::simple(number, format!("EL{number}"), name, "Digital output");
    description.rx_pdos = digital_in::pdos(channels, 0x1600, 0x7000, "Output");
    let start = if channels <= 32 { OUTPUT_REGISTER } else { 0x1000 };
    let length = channels.div_ceil(8);
    description.sync_managers = vec![SyncManagerPlan { purpose: Purpose::Outputs, start, length, control: 0x44 }];
    description.esc = EscModel::Et1200Early.kind();
    description.values = channels;
    description.channels_out = (0..channels).map(|n| Channel::unsigned(ValueId(n), 1)).collect();
    description
}
