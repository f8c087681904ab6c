//! How long somebody is waited for: a duration, or as long as it takes.

use crate::duration;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
#[cfg(feature = "schema")]
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// As it stands in a file.
const FOREVER: &str = "forever";

/// How long somebody is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// So long at most.
    AtMost(Duration),
    /// As long as it takes.
    Forever,
}

/// What is no patience.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a duration with a unit, such as \"90s\" or \"10min\", nor \"{FOREVER}\"")]
pub struct NoPatience(String);

impl FromStr for Patience {
    type Err = NoPatience;

    fn from_str(text: &str) -> Result<Self, NoPatience> {
        if text == FOREVER {
            return Ok(Self::Forever);
        }
        humantime::parse_duration(text).map(Self::AtMost).map_err(|_| NoPatience(text.to_owned()))
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(time) => humantime::format_duration(*time).fmt(f),
            Self::Forever => f.write_str(FOREVER),
        }
    }
}

impl Serialize for Patience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AtMost(time) => duration::serialize(time, serializer),
            Self::Forever => serializer.serialize_str(FOREVER),
        }
    }
}

impl<'de> Deserialize<'de> for Patience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Patience {
    fn schema_name() -> Cow<'static, str> {
        "Patience".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A duration with a unit, such as \"10min\", or \"forever\"." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in ["forever", "10m", "1h 30m", "250ms"] {
            assert_eq!(text.parse::<Patience>().unwrap().to_string(), text);
        }
        assert_eq!("10min".parse(), Ok(Patience::AtMost(Duration::from_secs(600))));
        assert!("10".parse::<Patience>().is_err() && "soon".parse::<Patience>().is_err());
    }
}
