//! PDOs and their entries, as mapped in a SubDevice.

use alloc::string::String;
use alloc::vec::Vec;

/// One entry of a PDO. Padding has index 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Index in the object dictionary; 0 for padding.
    pub index: u16,
    /// Subindex in the object dictionary.
    pub subindex: u8,
    /// Length in bits. Padding may be longer than 64.
    pub bit_length: u8,
    /// Name from the SubDevice, empty where it gives none.
    pub name: String,
    /// ETG.1020 base data type code from the SII or the object dictionary (0x0001 BOOLEAN, ...), 0 where unknown.
    pub type_code: u16,
}

impl Entry {
    /// Whether it only fills a gap.
    #[must_use]
    pub const fn is_padding(&self) -> bool {
        self.index == 0
    }
}

/// One PDO.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pdo {
    /// Index, 0x1600 and up for outputs (RxPDO), 0x1A00 and up for inputs (TxPDO).
    pub index: u16,
    /// Name from the SubDevice, empty where it gives none.
    pub name: String,
    /// Entries in order, padding included.
    pub entries: Vec<Entry>,
}

impl Pdo {
    /// Length in bits, padding included.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.entries.iter().map(|entry| usize::from(entry.bit_length)).sum()
    }
}
