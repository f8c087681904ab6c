//! What the descriptions of the SubDevices on a bus do in bring-up: they give time-outs and operation modes in INIT, and names and
//! types of entries once it is known what is mapped.

use crate::descriptions::Described;
use crate::events::SessionEvent;
use crate::machine::Machine;
use std::collections::BTreeMap;
use std::sync::Arc;
use zerocat_bus::Network;

/// The descriptions of SubDevices by position.
pub(crate) type AllDescribed = BTreeMap<u16, Arc<Described>>;

impl Machine<'_> {
    /// The description of each SubDevice that has one. What is new about them is told.
    pub(crate) fn describe(&mut self, network: &Network<'_>) -> AllDescribed {
        if self.descriptions.is_empty() {
            return AllDescribed::new();
        }
        let mut all = AllDescribed::new();
        for subdevice in network.subdevices() {
            all.extend(self.descriptions.of_kind(subdevice).map(|described| (subdevice.position, described)));
        }
        self.tell_descriptions();
        all
    }

    /// Names and types of entries, also of the modules that SubDevices have in their slots. After the maps were read.
    pub(crate) async fn name_entries(&mut self, network: &mut Network<'_>, described: &AllDescribed) {
        for position in described.keys() {
            if let Some(described) = self.descriptions.of_subdevice(network, *position).await {
                network.describe(*position, &described.device);
            }
        }
        self.tell_descriptions();
    }

    fn tell_descriptions(&mut self) {
        for what in self.descriptions.untold() {
            self.observer.warn(&SessionEvent::DescriptionLeftOut(what));
        }
        for what in self.descriptions.fallbacks() {
            self.observer.warn(&SessionEvent::DescriptionFallback(what));
        }
    }
}
