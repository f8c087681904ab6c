//! How the file, a command or a program names a channel: by its name, its number, or the entry behind it.
//!
//! An entry is written `KEY.0x6041:00` or `KEY.NAME`, a bit of it `KEY.0x6040:00.3`; of a drive with SoE also by its IDN,
//! `KEY.S-0-0051`, where the subindex is the drive. Keys and names may hold dots, so what
//! the parts are is known only with the SubDevices' keys at hand.

use crate::number;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use zerocat_pdi::Idn;

/// A channel by number, or by name or entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Reference {
    /// Its number.
    Number(u32),
    /// Its name, or its entry.
    Text(String),
}

impl Reference {
    /// Reads a text: a number where it is one, else a name or an entry.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.parse() {
            Ok(number) if text.chars().all(|c| c.is_ascii_digit()) => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<u32> for Reference {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Reference;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a channel: its name, its number, or an entry such as \"axis.0x6041:00\"")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Reference, E> {
                let number =
                    u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
                Ok(Reference::Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Reference, E> {
                let number = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
                Ok(Reference::Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Reference, E> {
                if text.trim().is_empty() {
                    return Err(E::invalid_value(Unexpected::Str(text), &self));
                }
                Ok(Reference::parse(text))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Reference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            { "type": "string", "minLength": 1 }
        ] })
    }
}

/// What stands behind `KEY.` in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest<'a> {
    /// An index and subindex, and a bit.
    Address { index: u16, subindex: u8, bit: Option<u8> },
    /// A name.
    Name(&'a str),
}

/// The key of an entry, the longest that fits, and what stands behind it. `None` where none of the keys fits.
pub(crate) fn split<'a, 'k>(text: &'a str, keys: impl Iterator<Item = &'k str>) -> Option<(&'k str, Rest<'a>)> {
    let fits = |key: &&str| text.strip_prefix(key).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1);
    let key = keys.filter(fits).max_by_key(|key| key.len())?;
    let rest = text.get(key.len().saturating_add(1)..)?;
    Some((key, address(rest).unwrap_or(Rest::Name(rest))))
}

/// A name without the `.N` of a bit behind it.
pub(crate) fn bit_of(name: &str) -> Option<(&str, u8)> {
    let (name, bit) = name.rsplit_once('.')?;
    Some((name, bit.parse().ok()?))
}

/// The address that a text was probably meant as that is none: without `0x` or subindex, with another prefix or separator.
pub(crate) fn meant_as_address(text: &str) -> Option<String> {
    let digits = ["0x", "0X", "16#", "#x"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let (index, subindex) = digits.split_once([':', '.', '/', ',', '-']).unwrap_or((digits, "0"));
    let subindex =
        ["0x", "0X", "16#", "#x"].iter().find_map(|prefix| subindex.strip_prefix(prefix)).unwrap_or(subindex);
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_index = index.len() == 4 && hexadecimal(index) && index.starts_with(|c: char| c.is_ascii_digit());
    let subindex = u8::from_str_radix(subindex, 16).ok().filter(|_| is_index && hexadecimal(subindex))?;
    Some(format!("0x{}:{subindex:02x}", index.to_ascii_lowercase()))
}

/// Index and subindex of an object: `0x6041:00`; without a subindex it is 0.
pub(crate) fn object(text: &str) -> Option<(u16, u8)> {
    let text = if text.contains(':') { text.to_owned() } else { format!("{text}:00") };
    match address(&text) {
        Some(Rest::Address { index, subindex, bit: None }) => Some((index, subindex)),
        _ => None,
    }
}

fn address(rest: &str) -> Option<Rest<'static>> {
    if let Some(address) = idn(rest) {
        return Some(address);
    }
    let (index, subindex) = rest.split_once(':')?;
    let (subindex, bit) = match subindex.split_once('.') {
        Some((subindex, bit)) => (subindex, Some(bit.parse().ok()?)),
        None => (subindex, None),
    };
    let index = index.strip_prefix("0x").or_else(|| index.strip_prefix("0X"))?;
    let index = number::parse(&format!("0x{index}"))?;
    let subindex = subindex.strip_prefix("0x").unwrap_or(subindex);
    let subindex = number::parse(&format!("0x{subindex}"))?;
    Some(Rest::Address { index, subindex, bit })
}

/// An IDN, and behind it the drive, which is 0 where there is none.
fn idn(rest: &str) -> Option<Rest<'static>> {
    let (place, bit) = match rest.split_once('.') {
        Some((place, bit)) => (place, Some(bit.parse().ok()?)),
        None => (rest, None),
    };
    let (idn, drive) = place.split_once(':').unwrap_or((place, "0"));
    let idn: Idn = idn.parse().ok()?;
    Some(Rest::Address { index: idn.0, subindex: drive.parse().ok()?, bit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(text: &'a str) -> Option<(&'static str, Rest<'a>)> {
        split(text, ["axis", "axis.left", "io"].into_iter())
    }

    #[test]
    fn an_entry_has_a_key_and_an_address_or_a_name_behind_it() {
        let at = |bit| Rest::Address { index: 0x6041, subindex: 0x1a, bit };
        assert_eq!(parts("axis.0x6041:1a"), Some(("axis", at(None))));
        assert_eq!(parts("axis.left.0x6041:0x1A.3"), Some(("axis.left", at(Some(3)))));
        assert_eq!(parts("io.status word"), Some(("io", Rest::Name("status word"))));
        assert_eq!(parts("axis.0x6041"), Some(("axis", Rest::Name("0x6041"))));
        assert_eq!((parts("axis"), parts("axis."), parts("y.z")), (None, None, None));
    }

    #[test]
    fn an_entry_of_a_drive_with_soe_may_be_written_by_its_idn() {
        let at = |index, subindex, bit| Some(("axis", Rest::Address { index, subindex, bit }));
        assert_eq!(parts("axis.S-0-0051"), at(51, 0, None));
        assert_eq!(parts("axis.P-0-0053:01"), at(0x8035, 1, None));
        assert_eq!(parts("axis.S-0-0135:1.14"), at(135, 1, Some(14)));
        assert_eq!(parts("axis.S-curve"), Some(("axis", Rest::Name("S-curve"))));
    }

    #[test]
    fn what_was_meant_as_an_address_is_seen() {
        let meant = |text| meant_as_address(text).unwrap_or_default();
        for text in ["6041:00", "0x6041", "0x6041.00", "16#6041:0", "6041", "0x6041:0x00", "6041/0"] {
            assert_eq!(meant(text), "0x6041:00", "{text}");
        }
        assert_eq!(meant("607A:1f"), "0x607a:1f");
        assert_eq!(["status_word", "face", "60411", "6041:zz", "6041:100"].map(meant_as_address), [const { None }; 5]);
    }

    #[test]
    fn a_text_of_digits_is_a_number() {
        assert_eq!(Reference::parse("100001"), Reference::Number(100_001));
        assert_eq!(Reference::parse("axis_1"), Reference::Text("axis_1".to_owned()));
        assert_eq!(Reference::parse("99999999999"), Reference::Text("99999999999".to_owned()));
    }
}
