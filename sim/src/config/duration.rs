//! Durations in the file: `"10ms"`, `"250us"`, `"1.5s"`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration, written with its unit: `ns`, `us`, `ms` or `s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Millis(pub Duration);

impl schemars::JsonSchema for Millis {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s)$" })
    }
}

/// A duration with its unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

impl Millis {
    /// Whole nanoseconds, as many as 32 bits hold at most.
    pub(crate) fn nanos(self) -> u32 {
        u32::try_from(self.0.as_nanos()).unwrap_or(u32::MAX)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Millis;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with a unit, such as \"10ms\", \"250us\" or \"1.5s\"")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Millis, E> {
        Err(E::custom(format!(
            "{number} has no unit; write it as \"{number}ms\" or \"{number}us\", in quotation marks"
        )))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Millis, E> {
        parse(text).map(Millis).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = self.0.as_nanos();
        let text = match nanos {
            _ if nanos.is_multiple_of(1_000_000) => format!("{}ms", nanos / 1_000_000),
            _ if nanos.is_multiple_of(1_000) => format!("{}us", nanos / 1_000),
            _ => format!("{nanos}ns"),
        };
        serializer.serialize_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_and_needed() {
        assert_eq!(parse("10ms"), Some(Duration::from_millis(10)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("250us"), Some(Duration::from_micros(250)));
        for wrong in ["10", "ms", "-1ms", "10 parsecs", "1e400s", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
