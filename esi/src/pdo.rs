//! PDOs with their entries (ETG.2000, PdoType).

use crate::data_type::{self, DataType};
use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::slot::{Plugged, Shift};

/// Longest entry that a mapping object can hold.
const LONGEST: u32 = 255;
/// Most entries of a PDO: their number is a byte.
const ENTRIES: usize = 255;
/// Most PDOs of a direction: the size of their index areas (ETG.1000.6, table 67).
const PDOS: usize = 512;

/// Direction of PDOs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The MainDevice writes them.
    Outputs,
    /// The MainDevice reads them.
    Inputs,
}

impl Direction {
    const fn element(self) -> &'static str {
        match self {
            Self::Outputs => "RxPdo",
            Self::Inputs => "TxPdo",
        }
    }

    /// First index of the area for PDOs (ETG.1000.6, table 67).
    const fn first_index(self) -> u16 {
        match self {
            Self::Outputs => 0x1600,
            Self::Inputs => 0x1a00,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Outputs => "outputs",
            Self::Inputs => "inputs",
        }
    }
}

/// One entry of a PDO. Index 0 is padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdoEntry {
    /// Object that it maps; for an entry of a module, that of its slot.
    pub index: u16,
    /// Its subindex.
    pub subindex: u8,
    /// Length in bits.
    pub bits: u8,
    /// Data type; `None` where it is not a base type.
    pub data_type: DataType,
    /// Name.
    pub name: String,
}

/// One PDO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdo {
    /// Index; for a PDO of a module, that of its slot. Two may have the same: modules whose slots don't move it, and PDOs
    /// of registers. Where the file gives none, PDOs are numbered from 0x1600 and 0x1A00 on.
    pub index: u16,
    /// Name.
    pub name: String,
    /// Sync manager that it is assigned to by default, one of its direction. Of PDOs that exclude each other only the
    /// first has one.
    pub sync_manager: Option<u8>,
    /// Its entries can't be changed.
    pub fixed: bool,
    /// It has to stay assigned.
    pub mandatory: bool,
    /// PDOs that can't be assigned together with this one.
    pub excludes: Vec<u16>,
    /// Entries in the order of the process data.
    pub entries: Vec<PdoEntry>,
}

/// The PDOs of one direction, given the sync managers that take them: those of the device, then those of the modules
/// in its slots.
pub(crate) fn read(
    device: &Element<'_>,
    plugged: &[Plugged<'_>],
    direction: Direction,
    there: &[u8],
) -> Result<Vec<Pdo>, EsiError> {
    let mut pdos: Vec<Pdo> = Vec::new();
    let mut unnamed = direction.first_index();
    let of_device = std::iter::once((*device, Shift::default()));
    for (parent, shift) in of_device.chain(plugged.iter().map(|plugged| (plugged.module, plugged.shift))) {
        for at in parent.children(direction.element()) {
            let pdo = one(&at, shift, &mut unnamed)?;
            if let Some(named) = pdo.sync_manager.filter(|named| !there.contains(named)) {
                let there = there.to_vec();
                return Err(at.fail(EsiProblem::SyncManager { named, direction: direction.name(), there }));
            }
            pdos.push(pdo);
            if pdos.len() > PDOS {
                return Err(device.fail(EsiProblem::TooMany { got: pdos.len(), what: "PDOs", most: PDOS }));
            }
        }
    }
    drop_excluded(&mut pdos);
    Ok(pdos)
}

/// A PDO of a network description.
pub(crate) fn single(at: &Element<'_>) -> Result<Pdo, EsiError> {
    one(at, Shift::default(), &mut 0)
}

/// One PDO. Old files give some no index: these are numbered from `unnamed` on.
fn one(at: &Element<'_>, shift: Shift, unnamed: &mut u16) -> Result<Pdo, EsiError> {
    let entries: Vec<PdoEntry> =
        at.children("Entry").map(|entry| one_entry(&entry, shift)).collect::<Result<_, _>>()?;
    if entries.len() > ENTRIES {
        return Err(at.fail(EsiProblem::TooMany { got: entries.len(), what: "entries", most: ENTRIES }));
    }
    let index = match at.child("Index").filter(|index| !index.text().is_empty()) {
        Some(index) => index.shifted(shift.pdo)?,
        None => std::mem::replace(unnamed, unnamed.saturating_add(1)),
    };
    Ok(Pdo {
        index,
        name: at.localized("Name").to_owned(),
        sync_manager: at.attribute_number("Sm")?,
        fixed: at.flag("Fixed"),
        mandatory: at.flag("Mandatory"),
        excludes: at.children("Exclude").map(|exclude| exclude.shifted(shift.pdo)).collect::<Result<_, _>>()?,
        entries,
    })
}

fn one_entry(at: &Element<'_>, shift: Shift) -> Result<PdoEntry, EsiError> {
    let length = at.need("BitLen")?;
    let bits: u32 = length.number()?;
    let bits = match u8::try_from(bits) {
        Ok(bits) if u32::from(bits) <= LONGEST => bits,
        _ => return Err(length.fail(EsiProblem::EntryBits(bits))),
    };
    Ok(PdoEntry {
        index: at.child("Index").map_or(Ok(0), |index| index.shifted(shift.object))?,
        subindex: at.child_number("SubIndex")?.unwrap_or(0),
        bits,
        data_type: data_type::base(at.child_text("DataType")).map_or(DataType::None, |base| base.code),
        name: at.localized("Name").to_owned(),
    })
}

/// Of PDOs that exclude each other the first stays assigned.
fn drop_excluded(pdos: &mut [Pdo]) {
    for n in 0..pdos.len() {
        let (before, rest) = pdos.split_at_mut(n);
        let Some(pdo) = rest.first_mut() else { break };
        let excluded = before.iter().any(|other| {
            let apart = other.excludes.contains(&pdo.index) || pdo.excludes.contains(&other.index);
            other.sync_manager.is_some() && apart
        });
        if excluded {
            pdo.sync_manager = None;
        }
    }
}
