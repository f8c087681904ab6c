//! The interfaces of this host that the rig file has for Ethernet of SubDevices, made before anything is sent to the bus: what can't
//! be made ends the start while nothing has happened yet, and no right to make interfaces is needed later.

use super::EthernetError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use zerocat_config::{Rig, Slave};
use zerocat_link::host_interface::{HostInterface, HostInterfaceError};

/// Interfaces that wait for their SubDevices, by name. Dropped, they go.
#[derive(Debug, Default)]
pub struct HostInterfaces(RefCell<BTreeMap<String, HostInterface>>);

impl HostInterfaces {
    /// Makes those that a rig file asks for.
    pub(crate) fn open(rig: &Rig) -> Result<Self, EthernetError> {
        let own = |slave: &'_ Slave| slave.eoe.section().and_then(|section| section.interface.clone());
        let switch = rig.network.eoe_switch.as_ref().and_then(|switch| switch.interface.clone());
        let names = rig.slaves.iter().filter_map(own).chain(switch);
        let made = names.map(|name| HostInterface::open(&name).map(|made| (name, made)));
        Ok(Self(RefCell::new(made.collect::<Result<_, HostInterfaceError>>()?)))
    }

    /// Lets those go that nobody took.
    pub(crate) fn close(&self) {
        self.0.borrow_mut().clear();
    }

    /// The one of a name, which is made now where it wasn't before.
    pub(crate) fn take(&self, name: &str) -> Result<HostInterface, EthernetError> {
        let made = self.0.borrow_mut().remove(name);
        Ok(made.map_or_else(|| HostInterface::open(name), Ok)?)
    }
}
