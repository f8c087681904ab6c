//! The TxPDO and RxPDO categories (ETG.1000.6, tables 24 and 25; ETG.2010, tables 10 and 11).

use crate::WireError;
use crate::field;

/// Bytes of a PDO's header, and of each of its entries.
pub const LEN: usize = 8;
/// Sync manager number that says "assigned to none".
pub const NOT_ASSIGNED: u8 = 0xff;

/// Bits of a PDO's flags.
pub mod flags {
    /// Can't be left out of the assignment.
    pub const MANDATORY: u16 = 1 << 0;
    /// Assigned by default.
    pub const DEFAULT: u16 = 1 << 1;
    /// Its entries can't be changed.
    pub const FIXED_CONTENT: u16 = 1 << 4;
    /// Its entries are virtual.
    pub const VIRTUAL_CONTENT: u16 = 1 << 5;
}

/// A PDO's header as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pdo {
    /// Index in the object dictionary.
    pub index: u16,
    /// Number of entries.
    pub entries: u8,
    /// Sync manager that it is assigned to by default, or [`NOT_ASSIGNED`].
    pub sync_manager: u8,
    /// DC synchronization that it depends on; 0 for none.
    pub dc_sync: u8,
    /// String: name.
    pub name: u8,
    /// See [`flags`].
    pub flags: u16,
}

impl Pdo {
    /// Reads the header.
    ///
    /// # Errors
    /// `Truncated` below 8 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [entries, sync_manager, dc_sync, name] = field::array(bytes, 2)?;
        Ok(Self {
            index: field::u16_at(bytes, 0)?,
            entries,
            sync_manager,
            dc_sync,
            name,
            flags: field::u16_at(bytes, 6)?,
        })
    }

    /// The header's 8 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; LEN] {
        let [i0, i1] = self.index.to_le_bytes();
        let [f0, f1] = self.flags.to_le_bytes();
        [i0, i1, self.entries, self.sync_manager, self.dc_sync, self.name, f0, f1]
    }
}

/// One entry of a PDO as a value. Padding has index 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PdoEntry {
    /// Index in the object dictionary; 0 for padding.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// String: name.
    pub name: u8,
    /// Base data type (index in the object dictionary, e.g. 1 for BOOLEAN).
    pub data_type: u8,
    /// Length in bits.
    pub bit_length: u8,
    /// Reserved.
    pub flags: u16,
}

impl PdoEntry {
    /// Reads one entry.
    ///
    /// # Errors
    /// `Truncated` below 8 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [subindex, name, data_type, bit_length] = field::array(bytes, 2)?;
        Ok(Self {
            index: field::u16_at(bytes, 0)?,
            subindex,
            name,
            data_type,
            bit_length,
            flags: field::u16_at(bytes, 6)?,
        })
    }

    /// The entry's 8 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; LEN] {
        let [i0, i1] = self.index.to_le_bytes();
        let [f0, f1] = self.flags.to_le_bytes();
        [i0, i1, self.subindex, self.name, self.data_type, self.bit_length, f0, f1]
    }

    /// Whether it only fills a gap.
    #[must_use]
    pub const fn is_padding(&self) -> bool {
        self.index == 0
    }
}

/// A PDO in a category, with all of its entries there.
#[derive(Debug, Clone, Copy)]
pub struct PdoView<'a> {
    header: Pdo,
    entries: &'a [u8],
}

impl<'a> PdoView<'a> {
    /// Its header.
    #[must_use]
    pub const fn header(&self) -> Pdo {
        self.header
    }

    /// Walks its entries, as many as the header says.
    pub fn entries(&self) -> impl Iterator<Item = PdoEntry> + use<'a> {
        self.entries.chunks_exact(LEN).filter_map(|bytes| PdoEntry::parse(bytes).ok())
    }

    /// Bits of all its entries, padding included.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.entries().map(|entry| usize::from(entry.bit_length)).fold(0, usize::saturating_add)
    }
}

/// Walks the PDOs of a TxPDO or RxPDO category. Ends behind the last one, or with one error. An SII may hold several
/// categories of a kind.
#[derive(Debug, Clone)]
pub struct Pdos<'a> {
    rest: &'a [u8],
}

impl<'a> Pdos<'a> {
    /// Takes the data of a category.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }
}

impl<'a> Iterator for Pdos<'a> {
    type Item = Result<PdoView<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = core::mem::take(&mut self.rest);
        let header = match Pdo::parse(rest) {
            Ok(header) => header,
            Err(error) => return Some(Err(error)),
        };
        let end = usize::from(header.entries).saturating_add(1).saturating_mul(LEN);
        let Some(entries) = rest.get(LEN..end) else {
            return Some(Err(WireError::Truncated { needed: end, got: rest.len() }));
        };
        self.rest = rest.get(end..).unwrap_or_default();
        Some(Ok(PdoView { header, entries }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    // A 1-bit input with 7 bits of padding behind it, on sync manager 3.
    #[rustfmt::skip]
    const PDO: [u8; 24] = [
        0x00, 0x1a, 0x02, 0x03, 0x00, 0x05, 0x10, 0x00,
        0x00, 0x60, 0x01, 0x06, 0x01, 0x01, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00,
    ];

    #[test]
    fn walks_a_literal_pdo_with_padding() {
        let pdos: Vec<_> = Pdos::new(&PDO).map(Result::unwrap).collect();
        assert_eq!(pdos.len(), 1);
        let header = pdos[0].header();
        assert_eq!((header.index, header.sync_manager, header.flags), (0x1a00, 3, flags::FIXED_CONTENT));
        let entries: Vec<_> = pdos[0].entries().collect();
        assert_eq!((entries[0].index, entries[0].subindex, entries[0].bit_length), (0x6000, 1, 1));
        assert!(entries[1].is_padding());
        assert_eq!(pdos[0].bits(), 8);
        assert_eq!((header.emit(), entries[0].emit()), (PDO[..8].try_into().unwrap(), PDO[8..16].try_into().unwrap()));
    }

    #[test]
    fn missing_entries_are_one_error() {
        let walked: Vec<_> = Pdos::new(&PDO[..23]).collect();
        assert_eq!(walked.len(), 1);
        assert_eq!(walked[0].as_ref().err(), Some(&WireError::Truncated { needed: 24, got: 23 }));
    }
}
