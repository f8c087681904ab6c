//! One object of the MainDevice's dictionary.

use std::collections::BTreeMap;
use zerocat_wire::coe::ObjectCode;

/// Data types (ETG.1000.6, table 63), as far as they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Type {
    Bool = 0x01,
    U8 = 0x05,
    U16 = 0x06,
    U32 = 0x07,
    Text = 0x09,
    Octets = 0x0a,
}

impl Type {
    /// Data type of a record (PDO mapping and the like have others).
    pub(super) const RECORD: u16 = 0x2a;
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// It is known.
    Bytes(Vec<u8>),
    /// A register of 16 bits of the SubDevice at a position, read when it is asked for.
    Register { position: u16, register: u16 },
    /// An object of 32 bits of the SubDevice at a position, read when it is asked for; 0 where it has none.
    Object { position: u16, index: u16 },
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) source: Source,
}

impl Entry {
    pub(super) const fn new(name: &'static str, kind: Type, source: Source) -> Self {
        Self { name, kind, source }
    }

    pub(super) fn bytes(name: &'static str, kind: Type, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(name, kind, Source::Bytes(bytes.into()))
    }

    pub(super) fn u16(name: &'static str, value: u16) -> Self {
        Self::bytes(name, Type::U16, value.to_le_bytes())
    }

    pub(super) fn u32(name: &'static str, value: u32) -> Self {
        Self::bytes(name, Type::U32, value.to_le_bytes())
    }

    pub(super) fn text(name: &'static str, text: &str) -> Self {
        Self::bytes(name, Type::Text, text)
    }

    /// Its length in bits.
    pub(super) fn bits(&self) -> u16 {
        let bytes = match &self.source {
            Source::Bytes(bytes) => bytes.len(),
            Source::Register { .. } => 2,
            Source::Object { .. } => 4,
        };
        match self.kind {
            Type::Bool => 1,
            _ => u16::try_from(8 * bytes).unwrap_or(u16::MAX),
        }
    }
}

/// An object: its entries by subindex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) code: ObjectCode,
    pub(super) data_type: u16,
    pub(super) entries: BTreeMap<u8, Entry>,
}

impl Object {
    /// One with a single entry.
    pub(super) fn variable(entry: Entry) -> Self {
        let (name, data_type) = (entry.name.to_owned(), entry.kind as u16);
        Self { name, code: ObjectCode::Variable, data_type, entries: [(0, entry)].into() }
    }

    /// One with entries behind the highest subindex.
    pub(super) fn record(name: impl Into<String>, entries: impl IntoIterator<Item = (u8, Entry)>) -> Self {
        Self::of(name.into(), ObjectCode::Record, Type::RECORD, entries)
    }

    /// A record whose entries are all alike.
    pub(super) fn array(name: impl Into<String>, kind: Type, entries: impl IntoIterator<Item = (u8, Entry)>) -> Self {
        Self::of(name.into(), ObjectCode::Array, kind as u16, entries)
    }

    fn of(name: String, code: ObjectCode, data_type: u16, entries: impl IntoIterator<Item = (u8, Entry)>) -> Self {
        let mut entries: BTreeMap<u8, Entry> = entries.into_iter().collect();
        let highest = entries.last_key_value().map_or(0, |(subindex, _)| *subindex);
        entries.insert(0, Entry::bytes("Subindex 0", Type::U8, [highest]));
        Self { name, code, data_type, entries }
    }

    /// Its highest subindex.
    pub(super) fn highest(&self) -> u8 {
        self.entries.last_key_value().map_or(0, |(subindex, _)| *subindex)
    }
}
