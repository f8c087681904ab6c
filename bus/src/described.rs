//! What a vendor's description (ESI) says of what a SubDevice maps, and which modules are in its slots.
//!
//! Guarantees: what the SubDevice itself says counts, so only names and types that its SII doesn't have are taken; an entry is
//! described by the one of the same PDO, index, subindex and length, else by any of the same index, subindex and length.

use std::collections::HashMap;

use zerocat_esi::{Device, Pdo as DescribedPdo, PdoEntry};
use zerocat_pdi::{Direction, Entry, Pdo, SyncManagerLayout};

use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::names::known;

/// Idents of the modules that a modular SubDevice has found in its slots (ETG.5001.1, modular device profile; from memory).
const DETECTED_MODULES: u16 = 0xF050;

/// How much a description gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given {
    /// Entries that have their name from it.
    pub names: usize,
    /// Entries that have their data type from it.
    pub types: usize,
}

impl Network<'_> {
    /// Gives the SubDevice at a position the names and types that a description has and its SII has not. After its map was read.
    pub fn describe(&mut self, position: u16, device: &Device) -> Given {
        let found = self.subdevices_mut().get_mut(usize::from(position));
        found.map_or_else(Given::default, |subdevice| give(&mut subdevice.sync_managers, device))
    }

    /// Asks the SubDevice at a position for the idents of the modules in its slots, slot by slot, 0 for an empty one; `None` where
    /// it has no such list. In PRE-OP or above.
    ///
    /// # Errors
    /// Its mailbox failed.
    pub async fn modules(&mut self, position: u16) -> Result<Option<Vec<u32>>, SdoError> {
        let datagrams = self.datagrams();
        let Some((_, Some(mailbox))) = self.nodes().nth(usize::from(position)) else { return Ok(None) };
        if !mailbox.info().coe() {
            return Ok(None);
        }
        let Some(count) = known(mailbox.upload(datagrams, DETECTED_MODULES, 0).await)? else { return Ok(None) };
        let mut idents = Vec::new();
        for slot in 1..=count.first().copied().unwrap_or(0) {
            let Some(ident) = known(mailbox.upload(datagrams, DETECTED_MODULES, slot).await)? else { break };
            idents.push(ident.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes));
        }
        Ok(Some(idents))
    }
}

/// Which PDO (of those of one index, from 0), index, subindex and length.
type Key = (Option<(u16, usize)>, u16, u8, u8);

fn give(sync_managers: &mut [SyncManagerLayout], device: &Device) -> Given {
    let mut given = Given::default();
    for (direction, described) in [(Direction::Input, &device.tx_pdos), (Direction::Output, &device.rx_pdos)] {
        let known = entries_of(described);
        let mut seen = HashMap::<u16, usize>::new();
        let mapped = sync_managers.iter_mut().filter(|manager| manager.direction == direction);
        for pdo in mapped.flat_map(|manager| &mut manager.pdos) {
            let count = seen.entry(pdo.index).or_default();
            let nth = std::mem::replace(count, *count + 1);
            name_pdo(pdo, described, nth);
            let place = (pdo.index, nth);
            pdo.entries.iter_mut().for_each(|entry| given.add(take(entry, place, &known)));
        }
    }
    given
}

impl Given {
    fn add(&mut self, (name, data_type): (bool, bool)) {
        self.names += usize::from(name);
        self.types += usize::from(data_type);
    }
}

fn entries_of(pdos: &[DescribedPdo]) -> HashMap<Key, &PdoEntry> {
    let mut known = HashMap::new();
    for (n, pdo) in pdos.iter().enumerate() {
        let nth = pdos.iter().take(n).filter(|other| other.index == pdo.index).count();
        for entry in pdo.entries.iter().filter(|entry| entry.index != 0) {
            let (index, subindex, bits) = (entry.index, entry.subindex, entry.bits);
            // The first one stands for the object wherever it is.
            known.entry((Some((pdo.index, nth)), index, subindex, bits)).or_insert(entry);
            known.entry((None, index, subindex, bits)).or_insert(entry);
        }
    }
    known
}

fn name_pdo(pdo: &mut Pdo, described: &[DescribedPdo], nth: usize) {
    let found = described.iter().filter(|other| other.index == pdo.index).nth(nth);
    if let (true, Some(found)) = (pdo.name.is_empty(), found) {
        pdo.name.clone_from(&found.name);
    }
}

/// Whether it took a name, and a type.
fn take(entry: &mut Entry, place: (u16, usize), known: &HashMap<Key, &PdoEntry>) -> (bool, bool) {
    let key = |pdo| (pdo, entry.index, entry.subindex, entry.bit_length);
    let Some(described) = known.get(&key(Some(place))).or_else(|| known.get(&key(None))) else { return (false, false) };
    let name = entry.name.is_empty() && !described.name.is_empty();
    if name {
        entry.name.clone_from(&described.name);
    }
    let code = described.data_type.code();
    let data_type = entry.type_code == 0 && code != 0;
    if data_type {
        entry.type_code = code;
    }
    (name, data_type)
}
