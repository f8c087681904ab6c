//! Where a write task's commands come from.

use crate::duration;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Where a write task's commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// JSON lines on standard input.
    Stdin(Stdin),
    /// The channels' waveforms.
    Waveform,
}

impl Default for Source {
    fn default() -> Self {
        Self::Stdin(Stdin::default())
    }
}

/// How commands on standard input are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stdin {
    /// Silence after which the task's outputs become safe, until a command comes; `None` for none.
    pub timeout: Option<Duration>,
    /// Which commands are sent where several wait.
    pub commands: Order,
}

/// Which commands are sent where several wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The newest value of each output.
    #[default]
    Newest,
    /// Those of each line in turn, each for at least one cycle.
    InTurn,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SourceSettings"))]
struct Written {
    /// `stdin` or `waveform`.
    #[serde(rename = "type")]
    kind: Kind,
    /// Silence after which the outputs become safe, until a command comes; only for `stdin`; null for none.
    #[serde(default, with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    timeout: Option<Duration>,
    /// Which commands are sent where several wait; only for `stdin`; null for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commands: Option<Order>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", schemars(rename = "SourceKind"))]
enum Kind {
    Stdin,
    Waveform,
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Waveform => serializer.serialize_str("waveform"),
            Self::Stdin(stdin) if stdin == Stdin::default() => serializer.serialize_str("stdin"),
            Self::Stdin(Stdin { timeout, commands }) => {
                Written { kind: Kind::Stdin, timeout, commands: Some(commands) }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrSettings)
    }
}

struct WordOrSettings;

impl<'de> Visitor<'de> for WordOrSettings {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"stdin\", \"waveform\", or an object such as { \"type\": \"stdin\", \"timeout\": \"500ms\" }")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Source, E> {
        match word {
            "stdin" => Ok(Source::default()),
            "waveform" => Ok(Source::Waveform),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        let Written { kind, timeout, commands } =
            Written::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        match kind {
            Kind::Stdin => Ok(Source::Stdin(Stdin { timeout, commands: commands.unwrap_or_default() })),
            Kind::Waveform if timeout.is_none() && commands.is_none() => Ok(Source::Waveform),
            Kind::Waveform => Err(A::Error::custom("a waveform takes neither `timeout` nor `commands`; remove them")),
        }
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Source {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let settings = generator.subschema_for::<Written>();
        json_schema!({ "anyOf": [{ "enum": ["stdin", "waveform"] }, settings] })
    }
}
