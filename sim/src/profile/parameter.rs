//! Objects whose values a profile knows by number: settings that a MainDevice writes by SDO, and what the profile
//! shows beside its process data.

use super::Values;
use crate::describe::dictionary::{Entry, Object, ObjectCode, Store, access};
use crate::describe::{DataType, ValueId};

/// One such value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    at: (u16, u8),
    data_type: DataType,
    value: ValueId,
    default: i64,
    access: u16,
    name: &'static str,
}

impl Parameter {
    /// One that is read and written in every state.
    pub(crate) fn setting(
        at: (u16, u8),
        data_type: DataType,
        value: ValueId,
        default: i64,
        name: &'static str,
    ) -> Self {
        Self { at, data_type, value, default, access: access::WRITE, name }
    }

    /// One that is only read.
    pub(crate) fn shown(at: (u16, u8), data_type: DataType, value: ValueId, name: &'static str) -> Self {
        Self { at, data_type, value, default: 0, access: access::READ, name }
    }

    /// Index and subindex.
    #[cfg(test)]
    pub(crate) fn at(&self) -> (u16, u8) {
        self.at
    }

    /// The value after power-on.
    #[cfg(test)]
    pub(crate) fn default(&self) -> i64 {
        self.default
    }

    /// Whether it is written.
    #[cfg(test)]
    pub(crate) fn is_setting(&self) -> bool {
        self.access == access::WRITE
    }

    fn entry(&self) -> Entry {
        Entry {
            subindex: self.at.1,
            bits: bits(self.data_type),
            data_type: self.data_type,
            access: self.access,
            store: Store::Value(self.value),
            name: self.name.to_owned(),
            limits: None,
        }
    }
}

/// Length of a value in bits.
fn bits(data_type: DataType) -> u16 {
    match data_type {
        DataType::Bool => 1,
        DataType::Bit2 => 2,
        DataType::I8 | DataType::U8 => 8,
        DataType::I16 | DataType::U16 => 16,
        _ => 32,
    }
}

/// The objects that hold these. Parameters of one index stand together and in order; those at subindex 0 are
/// variables, the others make records named by `record`.
pub(crate) fn objects(parameters: &[Parameter], record: impl Fn(u16) -> String) -> Vec<Object> {
    let same = |a: &Parameter, b: &Parameter| a.at.0 == b.at.0;
    parameters
        .chunk_by(same)
        .map(|group| {
            let (index, first) = group[0].at;
            let mut entries: Vec<Entry> = group.iter().map(Parameter::entry).collect();
            if first == 0 {
                let name = group[0].name.to_owned();
                return Object { index, code: ObjectCode::Variable, name, entries, counted: false };
            }
            let highest = entries.last().map_or(0, |entry| entry.subindex);
            entries.insert(0, Entry::bytes(0, DataType::U8, access::READ, &[highest], "SubIndex 000"));
            Object { index, code: ObjectCode::Record, name: record(index), entries, counted: false }
        })
        .collect()
}

/// Gives every value its default.
pub(crate) fn start(parameters: &[Parameter], values: &mut Values) {
    for parameter in parameters {
        let bytes = parameter.default.to_le_bytes();
        values.set_raw(parameter.value, u64::from_le_bytes(bytes) & (u64::MAX >> (64 - bits(parameter.data_type))));
    }
}
