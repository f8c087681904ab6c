//! `engine.busy_poll`: a word, or an object with settings. Read by hand, because an untagged enum would lose the path
//! and the cause of an error.

use crate::duration;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Whether the realtime thread has the kernel poll the NIC's queue, in place of interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BusyPoll {
    /// `"off"`: interrupts.
    #[default]
    Off,
    /// `"auto"`: where the kernel names the queue's NAPI instance; elsewhere interrupts.
    Auto,
    /// `"on"` or an object: as `auto`, but reported as missing where it isn't available.
    On(BusyPollSettings),
}

/// How to busy-poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct BusyPollSettings {
    /// Most frames that the kernel takes in one poll, at least 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub budget: u16,
    /// Polls that find nothing before the NIC's interrupt is enabled again.
    pub napi_defer_hard_irqs: u32,
    /// Time after which the kernel polls by itself while the interrupt is off; null is two cycles.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub gro_flush_timeout: Option<Duration>,
}

impl Default for BusyPollSettings {
    /// A budget of 64, the kernel's own (`NAPI_POLL_WEIGHT`); 2 polls, as `Documentation/networking/napi.rst` suggests.
    fn default() -> Self {
        Self { budget: 64, napi_defer_hard_irqs: 2, gro_flush_timeout: None }
    }
}

impl BusyPoll {
    /// The settings, unless it is off.
    #[must_use]
    pub fn settings(self) -> Option<BusyPollSettings> {
        match self {
            Self::Off => None,
            Self::Auto => Some(BusyPollSettings::default()),
            Self::On(settings) => Some(settings),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::On(_) => "on",
        }
    }
}

impl Serialize for BusyPoll {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On(settings) if *settings != BusyPollSettings::default() => settings.serialize(serializer),
            word => serializer.serialize_str(word.name()),
        }
    }
}

impl<'de> Deserialize<'de> for BusyPoll {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrSettings)
    }
}

struct WordOrSettings;

impl<'de> Visitor<'de> for WordOrSettings {
    type Value = BusyPoll;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"off\", \"auto\", \"on\", or an object with settings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<BusyPoll, E> {
        match text {
            "off" => Ok(BusyPoll::Off),
            "auto" => Ok(BusyPoll::Auto),
            "on" => Ok(BusyPoll::On(BusyPollSettings::default())),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BusyPoll, A::Error> {
        BusyPollSettings::deserialize(MapAccessDeserializer::new(map)).map(BusyPoll::On)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for BusyPoll {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BusyPoll".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether the realtime thread has the kernel look into the NIC's queue itself.",
            "oneOf": [{ "enum": ["off", "auto", "on"] }, generator.subschema_for::<BusyPollSettings>()]
        })
    }
}
