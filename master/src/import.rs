//! A rig file made from a network description (ENI) of TwinCAT, EC-Engineer or another tool.
//!
//! The SubDevices with their identity, startup commands and time-outs, the PDOs in force as channels, named as the tool names
//! the variables of its process image. What the tool says about addresses, sync managers, FMMUs and frames is its own
//! layout; zerocat makes one itself. What else the file holds and the rig file doesn't is in the [`ImportReport`], with
//! the reason.
//!
//! Guarantees: the same file gives the same rig file; whatever file is read, the rig file has no problems. No input panics.

mod assignment;
mod channels;
mod clock;
mod cycle;
mod naming;
mod page;
mod registers;
mod report;
mod startup;
mod subdevice;

pub(crate) use page::startup_line;
pub(crate) use startup::{known as known_transition, value as startup_value};

pub use report::{ImportReport, ImportedChannel, ImportedSubDevice, NotImported};
pub use zerocat_esi::eni::EniError;

use crate::draft::DraftFormat;
use channels::Image;
use cycle::Cycle;
use naming::Naming;
use std::path::Path;
use subdevice::SubDevice;
use zerocat_esi::eni::Network;

/// Interface where none is given.
const INTERFACE: &str = "eth0";

/// A network description on its way to a rig file.
#[derive(Debug, Clone)]
pub struct Import {
    interface: String,
    cycle: Cycle,
    subdevices: Vec<SubDevice>,
    /// What was left out and is no SubDevice's.
    left_out: Vec<NotImported>,
}

impl Import {
    /// Reads a network description for the network at `interface`, which no such file names; without one the rig file has
    /// `eth0`, and says so.
    ///
    /// # Errors
    /// All of [`EniError`].
    pub fn read(path: &Path, interface: Option<&str>) -> Result<Self, EniError> {
        Network::read(path).map(|network| Self::of(&network, interface))
    }

    /// The same from the bytes of a file.
    ///
    /// # Errors
    /// All of [`EniError`] but that of reading.
    pub fn from_bytes(bytes: &[u8], interface: Option<&str>) -> Result<Self, EniError> {
        Network::from_bytes(bytes).map(|network| Self::of(&network, interface))
    }

    fn of(network: &Network, interface: Option<&str>) -> Self {
        let (cycle, said) = cycle::of(network.cycle);
        let mut naming = Naming::default();
        let mut image = Image::of(network);
        let mut subdevices = Vec::with_capacity(network.subdevices.len());
        for (position, described) in (0..).zip(&network.subdevices) {
            let mut subdevice = subdevice::of(described, position, cycle.time, (&mut naming, &mut image));
            let of_it = network.left_out.iter().filter(|left| left.subdevice == Some(position));
            let before = of_it.map(|left| NotImported::new(&left.what, &left.why));
            subdevice.left_out.splice(0..0, before);
            subdevices.push(subdevice);
        }
        let of_network = network.left_out.iter().filter(|left| left.subdevice.is_none());
        let mut left_out: Vec<NotImported> = of_network.map(|left| NotImported::new(&left.what, &left.why)).collect();
        if interface.is_none() {
            let why = format!("a network description names none; the rig file has `{INTERFACE}`");
            left_out.push(NotImported::new("the network interface", why));
        }
        left_out.extend(said);
        left_out.extend(image.of_nobody(network));
        Self { interface: interface.unwrap_or(INTERFACE).to_owned(), cycle, subdevices, left_out }
    }

    /// The rig file.
    #[must_use]
    pub fn text(&self, format: DraftFormat) -> String {
        page::text(self, format)
    }

    /// What was imported, and what was not.
    #[must_use]
    pub fn report(&self) -> ImportReport {
        report::of(self)
    }
}

#[cfg(test)]
mod tests;
