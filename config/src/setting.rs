//! A value that the file gives for an output: a number, or bytes as hexadecimal text.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use zerocat_pdi::{Octets, Value};

/// A value for an output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// For an entry that is a number.
    Number(f64),
    /// For an entry of type `bytes`.
    Bytes(Octets),
}

impl Setting {
    /// The value.
    #[must_use]
    pub const fn value(self) -> Value {
        match self {
            Self::Number(number) => Value::Float64(number),
            Self::Bytes(octets) => Value::Bytes(octets),
        }
    }
}

impl From<f64> for Setting {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or bytes as hexadecimal text such as \"00ff\"")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Setting, E> {
                Ok(Setting::Number(number))
            }

            #[expect(clippy::cast_precision_loss, reason = "the nearest f64 is what a number in the file means")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Setting, E> {
                Ok(Setting::Number(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "the nearest f64 is what a number in the file means")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Setting, E> {
                Ok(Setting::Number(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Setting, E> {
                text.parse().map(Setting::Bytes).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Setting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Setting".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": "^([0-9a-fA-F]{2})+$" }] })
    }
}
