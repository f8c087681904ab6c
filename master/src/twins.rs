//! What tells the SubDevices of a scan apart, for whoever shows it or drafts a rig file of it.

use crate::scan::{Scan, Scanned};
use zerocat_bus::matching::{self, Found, FoundBy};

impl Scan {
    /// For each SubDevice, in bus order, what a rig file finds it by and no other one on this bus. Those that only their
    /// position tells apart are twins, if there are several of a kind.
    #[must_use]
    pub fn told_apart_by(&self) -> Vec<FoundBy> {
        matching::told_apart_by(&self.found())
    }

    /// Positions of equal SubDevices without a serial number or an alias of their own, kind by kind.
    #[must_use]
    pub fn twins(&self) -> Vec<Vec<u16>> {
        matching::twins(&self.found())
    }

    fn found(&self) -> Vec<Found> {
        let found = |one: &Scanned| Found {
            position: one.position,
            identity: one.identity,
            alias: one.alias,
            name: one.name.clone(),
            description: String::new(),
        };
        self.subdevices.iter().map(found).collect()
    }
}
