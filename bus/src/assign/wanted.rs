//! What a SubDevice is to be given.

use zerocat_pdi::Direction;

use super::PdoRule;

/// PDOs that a SubDevice is to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assign {
    /// TxPDOs in the order of the process data; `None` leaves them as they are.
    pub inputs: Option<Vec<AssignedPdo>>,
    /// RxPDOs in the order of the process data; `None` leaves them as they are.
    pub outputs: Option<Vec<AssignedPdo>>,
    /// What is known of its PDOs beyond its SII, as from the vendor's description.
    pub rules: Vec<PdoRule>,
}

/// A PDO that is to be assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssignedPdo {
    /// Index.
    pub index: u16,
    /// What it is to map; `None` leaves that as it is.
    pub entries: Option<Vec<MappedEntry>>,
}

/// An entry that is to be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MappedEntry {
    /// Index in the object dictionary; 0 is padding.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Length in bits.
    pub bit_length: u8,
}

impl Assign {
    /// The PDOs of a direction, where they are given.
    #[must_use]
    pub fn of(&self, direction: Direction) -> Option<&[AssignedPdo]> {
        match direction {
            Direction::Input => self.inputs.as_deref(),
            Direction::Output => self.outputs.as_deref(),
        }
    }
}

impl AssignedPdo {
    /// What its mapping object is to hold, where that is given.
    pub(super) fn mapping(&self) -> Option<Vec<u32>> {
        self.entries.as_ref().map(|entries| entries.iter().map(MappedEntry::mapping).collect())
    }
}

impl MappedEntry {
    /// As a mapping object holds it: index in the high half, then subindex, then length in bits (ETG.1000.6, 5.6.7.4.8).
    const fn mapping(&self) -> u32 {
        let [low, high] = self.index.to_le_bytes();
        u32::from_le_bytes([self.bit_length, self.subindex, low, high])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_mapped_by_index_subindex_and_length() {
        assert_eq!(MappedEntry { index: 0x6041, subindex: 2, bit_length: 16 }.mapping(), 0x6041_0210);
        assert_eq!(MappedEntry { bit_length: 8, ..MappedEntry::default() }.mapping(), 8);
    }
}
