//! What the profiles that look like Beckhoff terminals have in common.

use zerocat_wire::sii::Identity;

use crate::describe::sii_parts::SiiParts;
use crate::describe::{Description, MailboxPlan, Purpose, SyncManagerPlan};
use crate::esc::EscModel;

/// Vendor of Beckhoff.
pub(crate) const VENDOR: u32 = 2;

/// Product code of a terminal: its number, then 0x3052.
pub(crate) fn product(number: u16) -> u32 {
    u32::from(number) << 16 | 0x3052
}

/// A terminal with no mailbox and no process data, to be filled in.
pub(crate) fn simple(number: u16, order: String, name: String, group: &str) -> Description {
    Description {
        identity: Identity { vendor: VENDOR, product: product(number), revision: 0x0011_0000, serial: 0 },
        alias: 0,
        order,
        name,
        group: group.to_owned(),
        esc: EscModel::Et1200.kind(),
        device_emulation: true,
        pdi: 0x04,
        mailbox: None,
        sync_managers: Vec::new(),
        rx_pdos: Vec::new(),
        tx_pdos: Vec::new(),
        objects: Vec::new(),
        listed: None,
        values: 0,
        channels_out: Vec::new(),
        channels_in: Vec::new(),
        current: 100,
        device_type: 0,
        modules: None,
        sii: SiiParts::default(),
    }
}

/// First byte and length of the mailboxes.
const MAILBOX_OUT: u16 = 0x1000;
const MAILBOX_IN: u16 = 0x1080;
const MAILBOX_LENGTH: u16 = 0x80;
const PROCESS_DATA: u16 = 0x1100;

/// A SubDevice with CoE: mailbox in sync managers 0 and 1, outputs in 2, inputs in 3, with the lengths of the
/// PDOs that are assigned by default. Three buffers of the longest possible length have room before what follows.
pub(crate) fn with_coe(mut description: Description) -> Description {
    description.device_emulation = false;
    description.pdi = 0x05;
    description.esc = EscModel::Et1100.kind();
    description.mailbox = Some(MailboxPlan::coe(MAILBOX_OUT, MAILBOX_LENGTH, MAILBOX_IN, MAILBOX_LENGTH));
    let bits = |pdos: &[crate::describe::Pdo], all: bool| -> u16 {
        let bits: usize = pdos.iter().filter(|pdo| all || pdo.assigned).map(crate::describe::Pdo::bits).sum();
        u16::try_from(bits.div_ceil(8)).unwrap_or(u16::MAX)
    };
    let longest = (bits(&description.rx_pdos, true).max(1) * 3).next_multiple_of(0x80);
    let plan = |purpose, start, length, control| SyncManagerPlan { purpose, start, length, control };
    description.sync_managers = vec![
        plan(Purpose::MailboxOut, MAILBOX_OUT, MAILBOX_LENGTH, 0x26),
        plan(Purpose::MailboxIn, MAILBOX_IN, MAILBOX_LENGTH, 0x22),
        plan(Purpose::Outputs, PROCESS_DATA, bits(&description.rx_pdos, false), 0x64),
        plan(Purpose::Inputs, PROCESS_DATA + longest, bits(&description.tx_pdos, false), 0x20),
    ];
    description
}
