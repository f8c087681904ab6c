//! What is safe: the value of an output while commands aren't taken, at first and later, and how long safe outputs are
//! exchanged in OP before the run ends.

use crate::duration;
use crate::reference::Reference;
use crate::setting::Setting;
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// What an output is when nobody commands it: at first (`initial`), or while outputs are safe (`safe`).
#[derive(Debug, Clone, PartialEq)]
pub enum OutputValue {
    /// It holds what was sent last; not for `initial`.
    Hold,
    /// It takes this value.
    Value(Setting),
    /// It follows this input in every cycle, as a target position follows the actual one.
    From(Reference),
}

impl Serialize for OutputValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hold => serializer.serialize_str("hold"),
            Self::Value(value) => value.serialize(serializer),
            Self::From(input) => From { from: input.clone() }.serialize(serializer),
        }
    }
}

/// An output that follows an input.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct From {
    /// The input: name or number of a channel of a read task, or an entry such as `axis.0x6064:00`.
    from: Reference,
}

impl<'de> Deserialize<'de> for OutputValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = OutputValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number, bytes as hexadecimal text such as \"00ff\", \"hold\", or { \"from\": an input } such as \
             { \"from\": \"axis.0x6064:00\" }",
        )
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<OutputValue, E> {
        value(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<OutputValue, E> {
        value(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<OutputValue, E> {
        value(number)
    }

    fn visit_bool<E: Error>(self, bit: bool) -> Result<OutputValue, E> {
        value(u64::from(bit))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OutputValue, E> {
        if text == "hold" {
            return Ok(OutputValue::Hold);
        }
        let bytes = text.parse().map(|octets| OutputValue::Value(Setting::Bytes(octets)));
        bytes.map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OutputValue, A::Error> {
        let from = From::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(OutputValue::From(from.from))
    }
}

/// A number as a setting reads it.
fn value<'de, E: Error>(number: impl IntoDeserializer<'de, E>) -> Result<OutputValue, E> {
    Setting::deserialize(number.into_deserializer()).map(OutputValue::Value)
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for OutputValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OutputValue".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (setting, from) = (generator.subschema_for::<Setting>(), generator.subschema_for::<From>());
        schemars::json_schema!({ "anyOf": [setting, { "type": "boolean" }, { "const": "hold" }, from] })
    }
}

/// How a run ends in OP: safe outputs are exchanged for a time, or until an input is within limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// How long safe outputs are exchanged in OP at least.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub time: Duration,
    /// What is waited for behind that; null is nothing.
    pub until: Option<StopUntil>,
}

impl Stop {
    /// The longest that it takes.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.time.saturating_add(self.until.as_ref().map_or(Duration::ZERO, |until| until.at_most))
    }
}

/// A condition on an input, such as a velocity near 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StopUntil {
    /// Channel of a read task: its name, its number or its entry.
    pub channel: Reference,
    /// Smallest value that fulfils it.
    pub min: f64,
    /// Largest value that fulfils it.
    pub max: f64,
    /// How long it is waited for.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub at_most: Duration,
}
