//! Values of IDNs as people write them, and the bytes that a drive takes, which its attribute of the IDN says.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

pub use zerocat_wire::soe::Idn;
use zerocat_wire::soe::{Attribute, Display, List, Size};

use crate::bits::BitSpan;
use crate::octets::Octets;
use crate::value::{DataType, Value, ValueError};

/// A value of an IDN.
#[derive(Debug, Clone, PartialEq)]
pub enum IdnValue {
    /// As it goes to the drive, whatever the attribute says.
    Bytes(Vec<u8>),
    /// A number.
    Number(Value),
    /// A text; for an IDN that is no text an IDN such as `S-0-0051`, or bytes as hexadecimal text.
    Text(String),
    /// A list of numbers, or of IDNs as texts.
    List(Vec<IdnValue>),
}

/// Why a value isn't one of the IDN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum IdnValueError {
    /// The IDN is a list.
    List,
    /// The IDN is a single value, or an item is a list.
    Single,
    /// A text for an IDN that is none, and that is neither an IDN nor whole bytes in hexadecimal.
    Text,
    /// The number can't be one.
    Number(ValueError),
    /// More bytes than a list can have.
    Long,
}

impl fmt::Display for IdnValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List => f.write_str("the IDN is a list by its attribute: give a list"),
            Self::Single => f.write_str("the IDN is a single value by its attribute, and this is a list"),
            Self::Text => f.write_str(
                "the IDN is no text by its attribute: give a number, an IDN such as S-0-0051, or bytes as hexadecimal text",
            ),
            Self::Number(error) => error.fmt(f),
            Self::Long => f.write_str("a list has 65,535 bytes at most"),
        }
    }
}

impl core::error::Error for IdnValueError {}

impl IdnValue {
    /// Whether the bytes depend on the attribute.
    #[must_use]
    pub const fn needs_attribute(&self) -> bool {
        !matches!(self, Self::Bytes(_))
    }

    /// The bytes that the drive takes, a list with its header.
    ///
    /// # Errors
    /// Why the value isn't one of an IDN with this attribute.
    pub fn encode(&self, attribute: Attribute) -> Result<Vec<u8>, IdnValueError> {
        let text = attribute.display() == Display::Text;
        let items = match self {
            Self::Bytes(bytes) => return Ok(bytes.clone()),
            Self::Text(text_of) if text => text_of.as_bytes().to_vec(),
            Self::Text(text_of) if attribute.is_list() || text_of.parse::<Idn>().is_err() => {
                return hexadecimal(text_of).ok_or(IdnValueError::Text);
            }
            Self::List(items) if attribute.is_list() => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.single(attribute)).collect();
                items?.concat()
            }
            Self::List(_) => return Err(IdnValueError::Single),
            _ if attribute.is_list() => return Err(IdnValueError::List),
            single => return single.single(attribute),
        };
        if !attribute.is_list() {
            return Ok(items);
        }
        let most = u16::try_from(items.len()).map_err(|_| IdnValueError::Long)?;
        let mut bytes = vec![0; List::HEADER_LEN + items.len()];
        List { most, items: &items }.emit(&mut bytes).map_err(|_| IdnValueError::Long)?;
        Ok(bytes)
    }

    /// The bytes of a number or of an IDN.
    fn single(&self, attribute: Attribute) -> Result<Vec<u8>, IdnValueError> {
        let value = match self {
            Self::Number(value) => *value,
            Self::Text(text) => Value::Uint(text.parse::<Idn>().map_err(|_| IdnValueError::Text)?.0.into()),
            Self::Bytes(_) | Self::List(_) => return Err(IdnValueError::Single),
        };
        let mut bytes = vec![0; attribute.size().bytes()];
        let len = u8::try_from(8 * bytes.len()).unwrap_or(u8::MAX);
        let span = BitSpan { offset: 0, len };
        data_type(attribute).write(value, span, &mut bytes).map_err(IdnValueError::Number)?;
        Ok(bytes)
    }
}

/// The type of the value, or of each item of a list.
#[must_use]
pub fn data_type(attribute: Attribute) -> DataType {
    match (attribute.display(), attribute.size()) {
        (Display::Float, Size::Four) => DataType::Float32,
        (Display::Float, Size::Eight) => DataType::Float64,
        (Display::Signed, Size::One) => DataType::Int8,
        (Display::Signed, Size::Two) => DataType::Int16,
        (Display::Signed, Size::Four) => DataType::Int32,
        (Display::Signed, Size::Eight) => DataType::Int64,
        (_, Size::One) => DataType::Uint8,
        (_, Size::Two) => DataType::Uint16,
        (_, Size::Four) => DataType::Uint32,
        (_, Size::Eight) => DataType::Uint64,
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for at in (0..text.len()).step_by(2) {
        bytes.extend(text.get(at..at + 2)?.parse::<Octets>().ok()?.as_bytes());
    }
    Some(bytes)
}

impl fmt::Display for IdnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Number(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (n, item) in items.iter().enumerate() {
                    let before = if n == 0 { "" } else { ", " };
                    write!(f, "{before}{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> IdnValue {
        IdnValue::Text(text.into())
    }

    #[test]
    fn numbers_have_the_bytes_that_the_attribute_says() {
        let signed = Attribute::value(Size::Four, Display::Signed);
        assert_eq!(IdnValue::Number(Value::Int(-2)).encode(signed), Ok(vec![0xfe, 0xff, 0xff, 0xff]));
        let short = Attribute::value(Size::Two, Display::Binary);
        assert_eq!(IdnValue::Number(Value::Int(7)).encode(short), Ok(vec![7, 0]));
        assert_eq!(text("S-0-0051").encode(Attribute::value(Size::Two, Display::Idn)), Ok(vec![51, 0]));
        assert_eq!(text("0700").encode(short), Ok(vec![7, 0]));
        assert!(matches!(IdnValue::Number(Value::Int(70_000)).encode(short), Err(IdnValueError::Number(_))));
        let float = Attribute::value(Size::Four, Display::Float);
        assert_eq!(IdnValue::Number(Value::Float64(1.5)).encode(float), Ok(1.5f32.to_le_bytes().to_vec()));
    }

    #[test]
    fn lists_and_texts_have_their_header() {
        let idns = Attribute::list(Size::Two, Display::Idn);
        let both = IdnValue::List(vec![text("S-0-0051"), text("P-0-0053")]);
        assert_eq!(both.encode(idns), Ok(vec![4, 0, 4, 0, 51, 0, 53, 0x80]));
        assert_eq!(text("axis").encode(Attribute::list(Size::One, Display::Text)), Ok(b"\x04\0\x04\0axis".to_vec()));
        assert_eq!(text("0200 1000".replace(' ', "").as_str()).encode(idns), Ok(vec![2, 0, 16, 0]));
    }

    #[test]
    fn what_is_no_value_of_the_idn_is_refused() {
        let (single, list) = (Attribute::value(Size::Two, Display::Hex), Attribute::list(Size::Two, Display::Idn));
        assert_eq!(IdnValue::List(vec![]).encode(single), Err(IdnValueError::Single));
        assert_eq!(IdnValue::Number(Value::Int(1)).encode(list), Err(IdnValueError::List));
        assert_eq!(text("axis").encode(single), Err(IdnValueError::Text));
        assert_eq!(IdnValue::List(vec![IdnValue::List(vec![])]).encode(list), Err(IdnValueError::Single));
    }
}
