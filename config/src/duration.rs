//! Durations as text: `"1ms"`, `"250us"`, `"1s 500ms"`.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;
use std::fmt;
use std::time::Duration;

/// Reads a duration.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Text)
}

/// Writes a duration.
pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

struct Text;

/// A number alone says no unit.
fn without_unit<E: Error>(number: impl fmt::Display) -> E {
    E::custom(format!("{number} has no unit; write it as \"{number}ms\" or \"{number}us\", in quotation marks"))
}

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with a unit, such as \"1ms\" or \"250us\"")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        Err(without_unit(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        Err(without_unit(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        if text.parse::<f64>().is_ok_and(|number| number > 0.0) {
            return Err(without_unit(text));
        }
        humantime::parse_duration(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A duration that may be missing or null.
pub(crate) mod optional {
    use super::Text;
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;
    use std::fmt;
    use std::time::Duration;

    /// Reads a duration or null.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        deserializer.deserialize_option(Maybe)
    }

    /// Writes a duration or null.
    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    struct Maybe;

    impl<'de> Visitor<'de> for Maybe {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Text.expecting(f)
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}
