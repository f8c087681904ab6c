//! Which SubDevices there are, for whoever asks the gateway: as they were found and configured when the network came to OP.

use super::address;
use crate::bring_up::Planned;
use zerocat_bus::{Identity, MailboxInfo, SubDevice};

/// The SubDevices in bus order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(pub(super) Vec<Known>);

/// What is known of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) station: u16,
    /// Order number, or what else its SII calls it.
    pub(super) kind: String,
    /// Key in the rig file, else its name.
    pub(super) name: String,
    pub(super) identity: Identity,
    pub(super) mailbox: Option<MailboxInfo>,
    /// Kinds of its ports as its SII has them, four bits each.
    pub(super) ports: u16,
    /// Whether it is asked for anything by CoE.
    pub(super) coe: bool,
}

impl Directory {
    /// Of a network.
    pub(crate) fn of(planned: &Planned<'_>) -> Self {
        let known = |one: &SubDevice| Known {
            station: one.station,
            kind: one.name.clone(),
            name: planned.key(one.position).unwrap_or_else(|| one.name.clone()),
            identity: one.identity,
            mailbox: one.mailbox,
            ports: one.sii.general.ports,
            coe: one.goes_up() && one.mailbox.is_some_and(|mailbox| mailbox.coe()),
        };
        Self(planned.network.subdevices().iter().map(known).collect())
    }

    /// The position of the SubDevice that an address means.
    pub(super) fn position(&self, address: u16) -> Option<u16> {
        address::position(self.0.iter().map(|known| known.station), address)
    }
}
