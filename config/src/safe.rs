//! What is safe: the value of an output while commands aren't taken, and how long safe outputs are exchanged in OP before
//! the run ends.

use crate::duration;
use crate::setting::Setting;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// What an output is while outputs are safe: before commands are taken, after an outage, and while the run ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SafeValue {
    /// It holds what was sent last.
    Hold,
    /// It takes this value.
    Value(Setting),
}

impl Serialize for SafeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hold => serializer.serialize_str("hold"),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SafeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Setting(Setting),
            Word(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Setting(setting)) => Ok(Self::Value(setting)),
            Ok(Either::Word(word)) if word == "hold" => Ok(Self::Hold),
            _ => Err(serde::de::Error::custom("give a number, bytes as hexadecimal text, or \"hold\"")),
        }
    }
}

impl JsonSchema for SafeValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SafeValue".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [generator.subschema_for::<Setting>(), { "const": "hold" }] })
    }
}

/// How a run ends in OP: safe outputs are exchanged for a time, or until an input is within limits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// How long safe outputs are exchanged in OP at least.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub time: Duration,
    /// What is waited for behind that; null is nothing.
    pub until: Option<StopUntil>,
}

impl Stop {
    /// The longest that it takes.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.time.saturating_add(self.until.map_or(Duration::ZERO, |until| until.at_most))
    }
}

/// A condition on an input, such as a velocity near 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopUntil {
    /// Channel of a read task.
    pub channel: u32,
    /// Smallest value that fulfils it.
    pub min: f64,
    /// Largest value that fulfils it.
    pub max: f64,
    /// How long it is waited for.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub at_most: Duration,
}
