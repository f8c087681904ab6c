//! Which PDOs a SubDevice maps: by its object dictionary (`assignment.rs`), by its telegrams where it is a drive with SoE
//! (`telegram.rs`), else by its SII.
//!
//! Guarantees: entries keep their order and padding, so offsets are right behind gaps; what the dictionary refuses is taken
//! from the SII, with a note that has object and abort code, or is an error, but is never left out. Names and types come
//! from the SII where it knows the same index and subindex. Not read: what could be assigned but isn't.

use zerocat_pdi::{Activation, Direction, Pdo, SyncManagerLayout};
use zerocat_wire::register;
use zerocat_wire::sii::sync_manager::enable;
use zerocat_wire::sii::{Mailboxes, SyncManagerEntry, SyncManagerUse};
use zerocat_wire::sync_manager::control;

use crate::assignment::{self, Dictionary};
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::evidence;
use crate::mailbox::Mailbox;
use crate::sii::{Sii, SiiPdo};
use crate::subdevice::PdoSource;
use crate::telegram;

/// Sync managers that may have an assignment object.
pub(crate) const SYNC_MANAGERS: u8 = 16;

/// Sources of a direction, as they are told.
const SYNC_MANAGER_USES: &str = "0x1C00";
const PDO_CATEGORY: &str = "the kind of its PDOs in the SII";
/// Buffers of a sync manager with process data.
const BUFFERS: usize = 3;
/// Of what is put where the SII says no place.
const ALIGNMENT: usize = 0x80;

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

/// Reads the map, in PRE-OP or above.
///
/// # Errors
/// [`SdoError`]: what the SubDevice refuses only where the SII can't replace it.
pub async fn read(datagrams: &Datagrams, sii: &Sii, mailbox: Option<&mut Mailbox>) -> Result<PdoMap, SdoError> {
    let Some(mailbox) = mailbox.filter(|mailbox| mailbox.info().coe() || mailbox.info().soe()) else {
        return Ok(from_sii(sii));
    };
    if !mailbox.info().coe() {
        return Ok(telegram::read(datagrams, sii, mailbox).await);
    }
    let assignment::Read { assigned, notes } = Dictionary::new(datagrams, mailbox, sii).read().await?;
    let Some(assigned) = assigned else { return Ok(with_notes(from_sii(sii), notes)) };
    let mut map = PdoMap { notes, ..PdoMap::default() };
    for (number, direction, pdos) in assigned {
        map.add(sii, number, (direction, SYNC_MANAGER_USES), pdos);
    }
    map.source = (!map.sync_managers.is_empty()).then_some(PdoSource::Coe);
    Ok(map)
}

fn with_notes(map: PdoMap, notes: Vec<String>) -> PdoMap {
    PdoMap { notes: notes.into_iter().chain(map.notes).collect(), ..map }
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
            map.add(sii, number, (direction, PDO_CATEGORY), on_sync_manager(pdos, number));
        }
    }
    map.source = (!map.sync_managers.is_empty()).then_some(PdoSource::Sii);
    map
}

pub(crate) fn on_sync_manager(pdos: &[SiiPdo], number: u8) -> Vec<Pdo> {
    pdos.iter().filter(|pdo| pdo.sync_manager == Some(number)).map(|pdo| pdo.pdo.clone()).collect()
}

impl PdoMap {
    /// Adds what is mapped on a sync manager; `first` is its direction and who says so.
    pub(crate) fn add(&mut self, sii: &Sii, number: u8, first: (Direction, &'static str), pdos: Vec<Pdo>) {
        let bits: usize = pdos.iter().map(Pdo::bits).sum();
        if bits == 0 {
            return;
        }
        let entry = sii.sync_managers.get(usize::from(number));
        let (direction, told) = evidence::weigh(number, first, entry, &pdos);
        self.notes.extend(told);
        let placed = match entry {
            Some(entry) => Some((entry.start, entry.control, activation(entry))),
            // The SII says nothing at all of its sync managers; the SubDevice itself has all but their place.
            None if sii.sync_managers.is_empty() && first.1 != PDO_CATEGORY => {
                Some(self.place(sii, number, direction, bits))
            }
            None => None,
        };
        let Some((start, control, activation)) = placed else {
            let said = format!("{bits} bits are mapped on sync manager {number}, which the SII doesn't have: left out");
            self.notes.push(said);
            return;
        };
        let bits = if direction == Direction::Output { control::WRITE } else { 0 };
        if control & control::DIRECTION != bits && activation != Activation::Virtual {
            let said = format!("sync manager {number} has control byte {control:#04x} in the SII; direction changed");
            self.notes.push(said);
        }
        let control = control & !control::DIRECTION | bits;
        match self.sync_managers.iter_mut().find(|manager| manager.number == number) {
            Some(manager) if manager.direction == direction => manager.pdos.extend(pdos),
            Some(_) => {
                self.notes.push(format!("sync manager {number} has outputs and inputs: the inputs are left out"));
            }
            None => {
                self.sync_managers.push(SyncManagerLayout { number, direction, start, control, activation, pdos });
            }
        }
    }

    /// A place in the ESC's memory behind the mailboxes and what was placed before: address, control byte, activation.
    fn place(&mut self, sii: &Sii, number: u8, direction: Direction, bits: usize) -> (u16, u8, Activation) {
        let Mailboxes { receive_offset, receive_size, send_offset, send_size } = sii.fixed.mailbox;
        let mailboxes = [(receive_offset, receive_size), (send_offset, send_size)];
        let mailboxes = mailboxes.into_iter().map(|(start, size)| usize::from(start) + usize::from(size));
        let before = self.sync_managers.iter().map(|manager| {
            let bits: usize = manager.pdos.iter().map(Pdo::bits).sum();
            usize::from(manager.start) + BUFFERS * bits.div_ceil(8)
        });
        let free =
            mailboxes.chain(before).max().unwrap_or(0).max(usize::from(register::RAM)).next_multiple_of(ALIGNMENT);
        let control = if direction == Direction::Output { control::WRITE | control::WATCHDOG } else { 0 };
        let (start, control) = (u16::try_from(free).unwrap_or(u16::MAX), control | control::PDI_EVENT);
        self.notes.push(format!(
            "{bits} bits are mapped on sync manager {number}, which the SII doesn't have: put at {start:#06x} with control \
             byte {control:#04x}"
        ));
        (start, control, Activation::SafeOp)
    }
}

/// When a sync manager is switched on, by the enable byte of the SII.
const fn activation(entry: &SyncManagerEntry) -> Activation {
    match entry.enable {
        byte if byte & enable::VIRTUAL != 0 => Activation::Virtual,
        byte if byte & enable::OP_ONLY != 0 => Activation::Op,
        _ => Activation::SafeOp,
    }
}

/// Direction of a sync manager's process data by the SII: by its use, or, where the SII has no use, by its control
/// byte. `None` for mailboxes and unused ones.
pub(crate) fn direction(entry: &SyncManagerEntry) -> Option<Direction> {
    match entry.usage {
        SyncManagerUse::Unused if entry.length > 0 && entry.control & control::MODE == 0 => {
            Some(direction_of_control(entry.control))
        }
        usage => direction_of_use(usage),
    }
}

/// Direction of the process data that a sync manager is used for; `None` for mailboxes and unused ones.
pub(crate) const fn direction_of_use(usage: SyncManagerUse) -> Option<Direction> {
    match usage {
        SyncManagerUse::Outputs => Some(Direction::Output),
        SyncManagerUse::Inputs => Some(Direction::Input),
        _ => None,
    }
}

/// Direction by a control byte.
pub(crate) const fn direction_of_control(byte: u8) -> Direction {
    if byte & control::DIRECTION == control::WRITE { Direction::Output } else { Direction::Input }
}

/// The process data sync managers that the SII names.
pub(crate) fn named_by_sii(sii: &Sii) -> impl Iterator<Item = (u8, Direction)> {
    let numbered = (0..SYNC_MANAGERS).zip(&sii.sync_managers);
    numbered.filter_map(|(number, entry)| Some((number, direction(entry)?)))
}

/// The process data sync managers that the SII names, else 2 for outputs and 3 for inputs.
pub(crate) fn by_sii(sii: &Sii) -> Vec<(u8, Direction)> {
    let named: Vec<_> = named_by_sii(sii).collect();
    if named.is_empty() { vec![(2, Direction::Output), (3, Direction::Input)] } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_pdi::Entry;

    fn channel(start: u16, control: u8, usage: SyncManagerUse) -> SyncManagerEntry {
        SyncManagerEntry { start, length: 8, control, status: 0, enable: 1, usage }
    }

    fn sii_pdo(index: u16, sync_manager: Option<u8>, lengths: &[u8]) -> SiiPdo {
        let entry =
            |bits: &u8| Entry { index: 0x6000, subindex: 1, bit_length: *bits, name: String::new(), type_code: 0 };
        let entries = lengths.iter().map(entry).collect();
        SiiPdo { pdo: Pdo { index, name: String::new(), entries }, sync_manager, flags: 0 }
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
