//! Which PDOs a SubDevice maps: by its object dictionary (0x1C00, 0x1C10 and up, mapping objects; ETG.1000.6, 5.6.7.4),
//! else by its SII.
//!
//! Guarantees: entries keep their order and padding, so offsets are right behind gaps. Names and types come from the
//! SII where it knows the same index and subindex. Not read: what could be assigned but isn't.

use zerocat_pdi::{Direction, Entry, Pdo, SyncManagerLayout};
use zerocat_wire::sii::{SyncManagerEntry, SyncManagerUse};
use zerocat_wire::sync_manager::control;

use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;
use crate::sii::{Sii, SiiPdo};
use crate::subdevice::PdoSource;

/// Object with the use of each sync manager, at its number plus 1.
const SYNC_MANAGER_TYPES: u16 = 0x1C00;
/// First of the 16 objects with the PDO assignment of a sync manager.
const ASSIGNMENT: u16 = 0x1C10;
/// Sync managers that may have an assignment object.
const SYNC_MANAGERS: u8 = 16;

/// What a SubDevice maps, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PdoMap {
    /// Where it came from; `None` where nothing is mapped.
    pub source: Option<PdoSource>,
    /// Sync managers with process data, by number. Those without a mapped bit are left out.
    pub sync_managers: Vec<SyncManagerLayout>,
    /// What didn't fit together and was left out or taken from the other source.
    pub notes: Vec<String>,
}

/// Reads the map. `mailbox` is that of a SubDevice with CoE, in PRE-OP or above.
///
/// # Errors
/// [`SdoError`], other than that an object doesn't exist.
pub async fn read(datagrams: &Datagrams, sii: &Sii, mailbox: Option<&mut Mailbox>) -> Result<PdoMap, SdoError> {
    let Some(mailbox) = mailbox else { return Ok(from_sii(sii)) };
    let mut dictionary = Dictionary { datagrams, mailbox, sii, notes: Vec::new() };
    let Some(assigned) = dictionary.read().await? else { return Ok(from_sii(sii)) };
    let mut map = PdoMap { notes: dictionary.notes, ..PdoMap::default() };
    for (number, direction, pdos) in assigned {
        map.add(sii, number, direction, pdos);
    }
    map.source = (!map.sync_managers.is_empty()).then_some(PdoSource::Coe);
    Ok(map)
}

/// The map that the SII gives: each PDO on the sync manager that it names.
#[must_use]
pub fn from_sii(sii: &Sii) -> PdoMap {
    let mut map = PdoMap::default();
    let numbers = sii.rx_pdos.iter().chain(&sii.tx_pdos).filter_map(|pdo| pdo.sync_manager);
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        for (direction, pdos) in [(Direction::Output, &sii.rx_pdos), (Direction::Input, &sii.tx_pdos)] {
            map.add(sii, number, direction, on_sync_manager(pdos, number));
        }
    }
    map.source = (!map.sync_managers.is_empty()).then_some(PdoSource::Sii);
    map
}

fn on_sync_manager(pdos: &[SiiPdo], number: u8) -> Vec<Pdo> {
    pdos.iter().filter(|pdo| pdo.sync_manager == Some(number)).map(|pdo| pdo.pdo.clone()).collect()
}

impl PdoMap {
    fn add(&mut self, sii: &Sii, number: u8, direction: Direction, pdos: Vec<Pdo>) {
        let bits: u32 = pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bit_length)).sum();
        if bits == 0 {
            return;
        }
        match sii.sync_managers.get(usize::from(number)) {
            Some(SyncManagerEntry { start, control, .. }) => {
                let (start, bits) = (*start, if direction == Direction::Output { control::WRITE } else { 0 });
                if *control & control::DIRECTION != bits {
                    let said =
                        format!("sync manager {number} has control byte {control:#04x} in the SII; direction changed");
                    self.notes.push(said);
                }
                let control = *control & !control::DIRECTION | bits;
                self.sync_managers.push(SyncManagerLayout { number, direction, start, control, pdos });
            }
            None => {
                self.notes.push(format!("{bits} bits are mapped on sync manager {number}, which the SII doesn't have"));
            }
        }
    }
}

/// Direction of a sync manager's process data by the SII: by its use, or, where the SII has no use, by its control
/// byte. `None` for mailboxes and unused ones.
fn direction(entry: &SyncManagerEntry) -> Option<Direction> {
    match entry.usage {
        SyncManagerUse::Outputs => Some(Direction::Output),
        SyncManagerUse::Inputs => Some(Direction::Input),
        SyncManagerUse::Unused if entry.length > 0 && entry.control & control::MODE == 0 => {
            Some(if entry.control & control::DIRECTION == control::WRITE {
                Direction::Output
            } else {
                Direction::Input
            })
        }
        _ => None,
    }
}

/// The process data sync managers that the SII names, else 2 for outputs and 3 for inputs.
fn by_sii(sii: &Sii) -> Vec<(u8, Direction)> {
    let numbered = (0..SYNC_MANAGERS).zip(&sii.sync_managers);
    let named: Vec<_> = numbered.filter_map(|(number, entry)| Some((number, direction(entry)?))).collect();
    if named.is_empty() { vec![(2, Direction::Output), (3, Direction::Input)] } else { named }
}

type Assigned = Vec<(u8, Direction, Vec<Pdo>)>;

struct Dictionary<'a> {
    datagrams: &'a Datagrams,
    mailbox: &'a mut Mailbox,
    sii: &'a Sii,
    notes: Vec<String>,
}

impl Dictionary<'_> {
    /// `None` where no sync manager has an assignment object.
    async fn read(&mut self) -> Result<Option<Assigned>, SdoError> {
        let channels = match self.channels().await? {
            Some(channels) => channels,
            None => by_sii(self.sii),
        };
        let mut assigned = Vec::new();
        let mut any = false;
        for (number, direction) in channels {
            let pdos = match self.assignment(number).await? {
                Some(pdos) => {
                    any = true;
                    pdos
                }
                None => {
                    // Some advertise CoE and have no assignment object for one of the directions.
                    let object = ASSIGNMENT + u16::from(number);
                    self.notes.push(format!("no object {object:#06x}; PDOs of sync manager {number} as in the SII"));
                    let pdos = if direction == Direction::Output { &self.sii.rx_pdos } else { &self.sii.tx_pdos };
                    on_sync_manager(pdos, number)
                }
            };
            assigned.push((number, direction, pdos));
        }
        Ok(any.then_some(assigned))
    }

    /// Process data sync managers by 0x1C00. `None` where there is no such object, or it names none.
    async fn channels(&mut self) -> Result<Option<Vec<(u8, Direction)>>, SdoError> {
        let Some(count) = self.number(SYNC_MANAGER_TYPES, 0).await? else { return Ok(None) };
        let mut channels = Vec::new();
        for number in 0..SYNC_MANAGERS.min(low(count)) {
            let code = self.number(SYNC_MANAGER_TYPES, number + 1).await?.unwrap_or_default();
            match SyncManagerUse::from_code(low(code)) {
                SyncManagerUse::Outputs => channels.push((number, Direction::Output)),
                SyncManagerUse::Inputs => channels.push((number, Direction::Input)),
                _ => {}
            }
        }
        Ok((!channels.is_empty()).then_some(channels))
    }

    async fn assignment(&mut self, number: u8) -> Result<Option<Vec<Pdo>>, SdoError> {
        let object = ASSIGNMENT + u16::from(number);
        let Some(count) = self.number(object, 0).await? else { return Ok(None) };
        let mut pdos = Vec::new();
        for subindex in 1..=low(count) {
            let index = self.number(object, subindex).await?.unwrap_or_default();
            match u16::try_from(index) {
                Ok(0) => {}
                Ok(index) => pdos.extend(self.pdo(index).await?),
                Err(_) => self.notes.push(format!("{object:#06x}:{subindex} assigns {index:#x}, which is no PDO")),
            }
        }
        Ok(Some(pdos))
    }

    async fn pdo(&mut self, index: u16) -> Result<Option<Pdo>, SdoError> {
        let known = self.sii.pdo(index);
        let Some(count) = self.number(index, 0).await? else {
            let instead = if known.is_some() { "its entries as in the SII" } else { "left out" };
            self.notes.push(format!("PDO {index:#06x} is assigned and has no mapping object; {instead}"));
            return Ok(known.cloned());
        };
        let mut entries = Vec::new();
        for subindex in 1..=low(count) {
            if let Some(mapped) = self.number(index, subindex).await? {
                entries.push(self.entry(mapped));
            }
        }
        let name = known.map(|pdo| pdo.name.clone()).unwrap_or_default();
        Ok(Some(Pdo { index, name, entries }))
    }

    /// An entry from its mapping: index in the high half, then subindex, then length in bits.
    fn entry(&self, mapped: u32) -> Entry {
        let [bit_length, subindex, low, high] = mapped.to_le_bytes();
        let index = u16::from_le_bytes([low, high]);
        let known = self.sii.entry(index, subindex);
        let name = known.map(|entry| entry.name.clone()).unwrap_or_default();
        Entry { index, subindex, bit_length, name, type_code: known.map_or(0, |entry| entry.type_code) }
    }

    /// An unsigned number of up to 32 bits. `None` where the object or the subindex doesn't exist.
    async fn number(&mut self, index: u16, subindex: u8) -> Result<Option<u32>, SdoError> {
        match self.mailbox.upload(self.datagrams, index, subindex).await {
            Ok(data) => {
                let mut bytes = [0; 4];
                let len = data.len().min(4);
                bytes[..len].copy_from_slice(&data[..len]);
                Ok(Some(u32::from_le_bytes(bytes)))
            }
            Err(error) if error.says_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const fn low(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(start: u16, control: u8, usage: SyncManagerUse) -> SyncManagerEntry {
        SyncManagerEntry { start, length: 8, control, status: 0, enable: 1, usage }
    }

    fn sii_pdo(index: u16, sync_manager: Option<u8>, lengths: &[u8]) -> SiiPdo {
        let entry =
            |bits: &u8| Entry { index: 0x6000, subindex: 1, bit_length: *bits, name: String::new(), type_code: 0 };
        let entries = lengths.iter().map(entry).collect();
        SiiPdo { pdo: Pdo { index, name: String::new(), entries }, sync_manager }
    }

    #[test]
    fn an_sii_maps_only_what_is_assigned() {
        let sii = Sii {
            sync_managers: vec![
                channel(0x1000, 0x64, SyncManagerUse::Outputs),
                channel(0x1100, 0x20, SyncManagerUse::Inputs),
            ],
            rx_pdos: vec![sii_pdo(0x1600, Some(0), &[1, 1]), sii_pdo(0x1601, None, &[16])],
            tx_pdos: vec![sii_pdo(0x1a00, Some(1), &[7]), sii_pdo(0x1a01, Some(1), &[9])],
            ..Sii::default()
        };
        let map = from_sii(&sii);
        let short: Vec<_> =
            map.sync_managers.iter().map(|sm| (sm.number, sm.direction, sm.start, sm.pdos.len())).collect();
        assert_eq!(short, [(0, Direction::Output, 0x1000, 1), (1, Direction::Input, 0x1100, 2)]);
        assert_eq!((map.source, map.notes.len()), (Some(PdoSource::Sii), 0));
    }

    #[test]
    fn a_pdo_on_a_sync_manager_that_is_not_there_is_noted() {
        let sii = Sii { tx_pdos: vec![sii_pdo(0x1a00, Some(3), &[7])], ..Sii::default() };
        let map = from_sii(&sii);
        assert_eq!((map.source, map.sync_managers.len(), map.notes.len()), (None, 0, 1));
    }

    #[test]
    fn an_old_sii_without_uses_is_read_by_control_bytes() {
        let sii = Sii {
            sync_managers: vec![
                channel(0x1000, 0x26, SyncManagerUse::Unused),
                channel(0x1100, 0x24, SyncManagerUse::Unused),
            ],
            ..Sii::default()
        };
        assert_eq!(by_sii(&sii), [(1, Direction::Output)]);
        assert_eq!(by_sii(&Sii::default()), [(2, Direction::Output), (3, Direction::Input)]);
    }
}
