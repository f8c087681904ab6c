//! Modules of a modular device: which are plugged in, and which the MainDevice expects (ETG.5001.1, modular device
//! profile: 0xF030 configured, 0xF050 detected module ident list).

use super::dictionary::{Entry, Object, ObjectCode, Store, access};
use super::{DataType, ValueId};

/// Index of the list that the MainDevice writes.
pub(crate) const CONFIGURED: u16 = 0xF030;
/// Index of the list of what is plugged in.
pub(crate) const DETECTED: u16 = 0xF050;

/// Slots with their modules. At most 255: the lists have a subindex for each.
#[derive(Debug, Clone)]
pub(crate) struct Modules {
    /// Module ident in each slot; 0 is an empty one.
    pub(crate) idents: Vec<u32>,
    /// First of the values that the MainDevice writes what it expects to, one for each slot.
    pub(crate) expected: ValueId,
}

impl Modules {
    /// Numbers of values that the expected list takes.
    pub(crate) fn values(&self) -> u16 {
        u16::try_from(self.idents.len()).unwrap_or(u16::MAX)
    }

    /// Whether the MainDevice has written the modules that are plugged in. If it has written none, it expects none in
    /// particular.
    pub(crate) fn accepts(&self, expected: impl Fn(ValueId) -> u64) -> bool {
        let ids = (self.expected.0..).map(ValueId);
        let pairs: Vec<(u64, u32)> = ids.map(expected).zip(self.idents.iter().copied()).collect();
        pairs.iter().all(|(wanted, _)| *wanted == 0) || pairs.iter().all(|(wanted, is)| *wanted == u64::from(*is))
    }

    /// Both lists.
    pub(crate) fn objects(&self) -> [Object; 2] {
        let subindices = || 1..=u8::MAX;
        let configured = subindices().zip((self.expected.0..).map(ValueId)).take(self.idents.len());
        let configured = configured.map(|(subindex, value)| Entry {
            store: Store::Value(value),
            ..Entry::bytes(subindex, DataType::U32, access::WRITE_PREOP, &[0; 4], "Module ident")
        });
        let detected = subindices().zip(&self.idents).map(|(subindex, ident)| {
            Entry::bytes(subindex, DataType::U32, access::READ, &ident.to_le_bytes(), "Module ident")
        });
        [
            list(CONFIGURED, "Configured module ident list", configured.collect()),
            list(DETECTED, "Detected module ident list", detected.collect()),
        ]
    }
}

fn list(index: u16, name: &str, mut entries: Vec<Entry>) -> Object {
    let count = entries.last().map_or(0, |entry| entry.subindex);
    entries.insert(0, Entry::bytes(0, DataType::U8, access::READ, &[count], "SubIndex 000"));
    Object { index, code: ObjectCode::Array, name: name.to_owned(), entries, counted: false }
}
