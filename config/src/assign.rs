//! PDOs that are assigned to a SubDevice's sync managers in place of those that it has, and what those map that can be mapped
//! anew.
//!
//! Not here: which PDOs a SubDevice has, and which of them exclude each other. It says so itself, in bring-up.

use crate::number;
use crate::reference;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use zerocat_pdi::{DataType, Direction};

/// Indexes of TxPDOs (ETG.1000.6, 5.6.7.4).
const TX_PDOS: RangeInclusive<u16> = 0x1a00..=0x1bff;
/// Indexes of RxPDOs.
const RX_PDOS: RangeInclusive<u16> = 0x1600..=0x17ff;

/// PDOs that are assigned. A direction that isn't given stays as the SubDevice has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Assignment {
    /// TxPDOs (0x1C13), in the order of the process data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<AssignedPdo>>,
    /// RxPDOs (0x1C12), in the order of the process data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<AssignedPdo>>,
}

/// A PDO that is assigned: its index, or an object with index and entries where its mapping is written too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssignedPdo {
    /// Index of the PDO.
    pub index: u16,
    /// What it maps; none leaves that as the SubDevice has it.
    pub entries: Option<Vec<MappedEntry>>,
}

/// An entry of a PDO that is mapped anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MappedEntry {
    /// Index in the object dictionary; 0 is padding.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Length in bits; 0 where the file gives neither length nor type, which a rule refuses.
    pub bit_length: u8,
}

impl Assignment {
    /// The PDOs of a direction, where they are given.
    #[must_use]
    pub fn of(&self, direction: Direction) -> Option<&[AssignedPdo]> {
        match direction {
            Direction::Input => self.inputs.as_deref(),
            Direction::Output => self.outputs.as_deref(),
        }
    }

    /// Everything that is mapped in a direction, with the index of its PDO; none where the file doesn't say it of each PDO.
    pub(crate) fn mapped(&self, direction: Direction) -> Option<Vec<(u16, MappedEntry)>> {
        let mut all = Vec::new();
        for pdo in self.of(direction)? {
            all.extend(pdo.entries.as_ref()?.iter().map(|entry| (pdo.index, *entry)));
        }
        Some(all)
    }

    /// Bits that are known to be mapped.
    #[must_use]
    pub fn bits(&self) -> usize {
        let pdos = self.inputs.iter().chain(&self.outputs).flatten();
        pdos.filter_map(|pdo| pdo.entries.as_ref()).flatten().map(|entry| usize::from(entry.bit_length)).sum()
    }
}

/// Indexes that a PDO of a direction has.
pub(crate) const fn indexes(direction: Direction) -> RangeInclusive<u16> {
    match direction {
        Direction::Input => TX_PDOS,
        Direction::Output => RX_PDOS,
    }
}

impl From<u16> for AssignedPdo {
    /// By its index alone.
    fn from(index: u16) -> Self {
        Self { index, entries: None }
    }
}

impl MappedEntry {
    /// Whether it only fills a gap.
    #[must_use]
    pub const fn is_padding(&self) -> bool {
        self.index == 0
    }
}

/// The entry as written.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MappedEntry"))]
#[serde(deny_unknown_fields)]
struct RawEntry {
    /// Object, such as `0x6041:00`; without one it is padding.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    object: Object,
    /// Length in bits; the width of the data type by default.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u8"))]
    bit_length: Option<u8>,
    /// Data type, in place of a length.
    #[serde(default)]
    data_type: Option<DataType>,
}

impl<'de> Deserialize<'de> for MappedEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawEntry { object: Object(index, subindex), bit_length, data_type } = RawEntry::deserialize(deserializer)?;
        let width = || data_type.and_then(crate::rig::width);
        Ok(Self { index, subindex, bit_length: bit_length.or_else(width).unwrap_or(0) })
    }
}

impl Serialize for MappedEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("MappedEntry", 2)?;
        if !self.is_padding() {
            entry.serialize_field("object", &format!("{:#06x}:{:02x}", self.index, self.subindex))?;
        }
        entry.serialize_field("bit_length", &self.bit_length)?;
        entry.end()
    }
}

/// Index and subindex; zeros for padding.
#[derive(Default)]
struct Object(u16, u8);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as \"0x6041:00\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Object, E> {
                let object = reference::object(text).filter(|(index, _)| *index != 0);
                object.map(|(i, s)| Object(i, s)).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_none<E: Error>(self) -> Result<Object, E> {
                Ok(Object::default())
            }

            fn visit_unit<E: Error>(self) -> Result<Object, E> {
                Ok(Object::default())
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// The PDO as written, where it is an object.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MappedPdo"))]
#[serde(deny_unknown_fields)]
struct RawPdo {
    /// Index of the PDO.
    #[serde(deserialize_with = "number::unsigned")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_u16"))]
    index: u16,
    /// What it maps, in this order; null leaves that as the SubDevice has it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawEntry>>"))]
    entries: Option<Vec<MappedEntry>>,
}

impl Serialize for AssignedPdo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = format!("{:#06x}", self.index);
        let Some(entries) = &self.entries else { return serializer.serialize_str(&index) };
        let mut pdo = serializer.serialize_struct("AssignedPdo", 2)?;
        pdo.serialize_field("index", &index)?;
        pdo.serialize_field("entries", entries)?;
        pdo.end()
    }
}

impl<'de> Deserialize<'de> for AssignedPdo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = AssignedPdo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the index of a PDO such as \"0x1600\", or an object such as { \"index\": \"0x1600\", \"entries\": [] }",
        )
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<AssignedPdo, E> {
        let index = u16::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(AssignedPdo { index, entries: None })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<AssignedPdo, E> {
        let index = u16::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(AssignedPdo { index, entries: None })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AssignedPdo, E> {
        let index = number::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))?;
        Ok(AssignedPdo { index, entries: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AssignedPdo, A::Error> {
        let RawPdo { index, entries } = RawPdo::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(AssignedPdo { index, entries })
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for AssignedPdo {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AssignedPdo".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let object = generator.subschema_for::<RawPdo>();
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u16::MAX },
            { "type": "string", "pattern": "^(0[xX][0-9a-fA-F]+|[0-9]+)$" },
            object
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Assignment {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_pdo_is_its_index_or_an_object_with_its_entries() {
        let assignment = read(
            r#"{ "inputs": ["0x1a00", 6657], "outputs": [{ "index": "0x1600", "entries": [
                { "object": "0x6040:00", "data_type": "uint16" }, { "bit_length": 8 },
                { "object": "0x7000:0a", "bit_length": 1 }] }] }"#,
        );
        let inputs: Vec<u16> = assignment.inputs.iter().flatten().map(|pdo| pdo.index).collect();
        assert_eq!(inputs, [0x1a00, 0x1a01]);
        let entry = |index, subindex, bit_length| MappedEntry { index, subindex, bit_length };
        let expected = [entry(0x6040, 0, 16), entry(0, 0, 8), entry(0x7000, 10, 1)].map(|entry| (0x1600, entry));
        assert_eq!(assignment.mapped(Direction::Output), Some(expected.to_vec()));
        assert_eq!((assignment.mapped(Direction::Input), assignment.bits()), (None, 25));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let text = r#"{"inputs":["0x1a00"],"outputs":[{"index":"0x1600","entries":[{"object":"0x6040:00","bit_length":16},{"bit_length":8}]}]}"#;
        assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
    }

    #[test]
    fn what_is_no_pdo_or_no_object_is_refused() {
        let wrong = [
            r#"{ "inputs": ["first"] }"#,
            r#"{ "inputs": [70000] }"#,
            r#"{ "inputs": [{ "index": "0x1a00", "entry": [] }] }"#,
            r#"{ "inputs": [{ "index": "0x1a00", "entries": [{ "object": "6041", "bit_length": 16 }] }] }"#,
            r#"{ "inputs": [{ "index": "0x1a00", "entries": [{ "object": "0x0000:00", "bit_length": 16 }] }] }"#,
        ];
        for text in wrong {
            assert!(serde_json::from_str::<Assignment>(text).is_err(), "{text}");
        }
    }
}
