//! What a rig file demands of one number of a SubDevice's identity.

use crate::number;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A demand on vendor, product code, revision or serial number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub enum Match {
    /// Any number; the same as leaving the key out.
    #[default]
    Any,
    /// This number.
    Equal(u32),
    /// This number or a higher one, such as a newer revision.
    AtLeast(u32),
    /// The name of the vendor, or of the product as the SII has it.
    Name(String),
}

impl Match {
    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// The number where it must be equal.
    #[must_use]
    pub const fn equal(&self) -> Option<u32> {
        match self {
            Self::Equal(number) => Some(*number),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let least = text.strip_prefix(">=").or_else(|| text.strip_prefix("at least "));
        match (text, least) {
            ("", _) => None,
            ("any", _) => Some(Self::Any),
            (_, Some(number)) => number::parse(number.trim()).map(Self::AtLeast),
            (text, None) if text.starts_with(|c: char| c.is_ascii_digit()) && number::looks_like_one(text) => {
                number::parse(text).map(Self::Equal)
            }
            (name, None) => Some(Self::Name(name.to_owned())),
        }
    }
}

impl From<u32> for Match {
    fn from(number: u32) -> Self {
        Self::Equal(number)
    }
}

impl fmt::Display for Match {
    /// As it is written in a rig file, hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Equal(number) => write!(f, "{number:#010x}"),
            Self::AtLeast(number) => write!(f, ">= {number:#010x}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Equal(number) => serializer.serialize_u32(*number),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Match {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Match;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number such as \"0x00000002\", \">= 0x00100000\" for at least that, \"any\", or a name")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Match, E> {
        let number = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Match::Equal(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Match, E> {
        let number = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Match::Equal(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Match, E> {
        Match::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Match, E> {
        Ok(Match::Any)
    }

    fn visit_none<E: Error>(self) -> Result<Match, E> {
        Ok(Match::Any)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Match, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bound {
            #[serde(deserialize_with = "number::unsigned")]
            at_least: u32,
        }
        let bound = Bound::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Match::AtLeast(bound.at_least))
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Match {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Match".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            { "type": "string", "minLength": 1 },
            { "type": "object", "required": ["at_least"], "additionalProperties": false, "properties": {
                "at_least": { "anyOf": [{ "type": "integer", "minimum": 0, "maximum": u32::MAX }, { "type": "string" }] }
            } },
            { "type": "null" }
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_a_number_a_bound_a_name_or_nothing() {
        let read = |json: &str| serde_json::from_str::<Match>(json).ok();
        assert_eq!(read("2"), Some(Match::Equal(2)));
        assert_eq!(read("\"0x02\""), Some(Match::Equal(2)));
        assert_eq!(read("\">= 0x10\""), Some(Match::AtLeast(16)));
        assert_eq!(read("\">=16\""), Some(Match::AtLeast(16)));
        assert_eq!(read("\"at least 0x10\""), Some(Match::AtLeast(16)));
        assert_eq!(read("{\"at_least\": \"0x10\"}"), Some(Match::AtLeast(16)));
        assert_eq!(read("\"any\""), Some(Match::Any));
        assert_eq!(read("\"Beckhoff\""), Some(Match::Name("Beckhoff".to_owned())));
        assert_eq!(read("\"3M\""), Some(Match::Name("3M".to_owned())));
        for wrong in ["-1", "4294967296", "\"\"", "\">= x\"", "\"0x1ffffffff\"", "{\"most\": 3}", "[1]"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_shown_as_it_is_written() {
        let shown = [Match::Any, 2.into(), Match::AtLeast(16), Match::Name("EL7211".to_owned())].map(|m| m.to_string());
        assert_eq!(shown, ["any", "0x00000002", ">= 0x00000010", "EL7211"]);
        for text in shown {
            assert_eq!(Match::parse(&text).unwrap().to_string(), text);
        }
    }
}
