//! AoE of a SubDevice: the NetID that it is given.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a SubDevice's AoE is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AoeSettings {
    /// NetID that it is given in PRE-OP, such as `172.16.17.10.2.1`; null for 127.0.0.1 and the two bytes of its station address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub net_id: Option<AmsNetId>,
}

/// The NetID of an ADS device: six bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmsNetId(pub [u8; 6]);

impl fmt::Display for AmsNetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| byte.to_string()).join("."))
    }
}

impl FromStr for AmsNetId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let byte = |part: &str| if digits(part) { part.parse().map_err(drop) } else { Err(()) };
        let bytes: Vec<u8> = text.split('.').map(byte).collect::<Result<_, _>>()?;
        let id: [u8; 6] = bytes.try_into().map_err(drop)?;
        // One that begins with four zeros stands for another.
        if id.starts_with(&[0; 4]) { Err(()) } else { Ok(Self(id)) }
    }
}

impl Serialize for AmsNetId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AmsNetId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = AmsNetId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a NetID of six numbers from 0 to 255, such as \"172.16.17.10.2.1\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AmsNetId, E> {
                text.parse().map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_id_is_six_numbers_and_says_so() {
        let read: AoeSettings = serde_json::from_str(r#"{"net_id": "172.16.17.10.2.1"}"#).expect("good");
        assert_eq!(read.net_id, Some(AmsNetId([172, 16, 17, 10, 2, 1])));
        assert_eq!(serde_json::to_string(&read).expect("written"), r#"{"net_id":"172.16.17.10.2.1"}"#);
        for wrong in ["1.2.3.4.5", "1.2.3.4.5.256", "0.0.0.0.2.1", "1.2.3.4.5.+6", ""] {
            let error = serde_json::from_str::<AoeSettings>(&format!(r#"{{"net_id": "{wrong}"}}"#)).expect_err(wrong);
            assert!(error.to_string().contains("a NetID of six numbers"), "{error}");
        }
    }
}
