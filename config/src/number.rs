//! Identity numbers and object dictionary indexes: an integer, or a string such as `"0x6041"`.

#[cfg(feature = "schema")]
mod schema;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

#[cfg(feature = "schema")]
pub(crate) use schema::{schema_maybe_u8, schema_maybe_u16, schema_maybe_u32, schema_u8, schema_u16};

/// Reads an integer, or a decimal or `0x…` string, into an unsigned type.
pub(crate) fn unsigned<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    deserializer.deserialize_any(Number(PhantomData))
}

/// As [`unsigned`], for a key that may be missing or null.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    deserializer.deserialize_option(Maybe(PhantomData))
}

struct Maybe<T>(PhantomData<T>);

impl<'de, T: TryFrom<u64>> Visitor<'de> for Maybe<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Number::<T>(PhantomData).expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        unsigned(deserializer).map(Some)
    }
}

struct Number<T>(PhantomData<T>);

impl<T> Number<T> {
    /// Bits that the target holds.
    const BITS: usize = size_of::<T>() * 8;
}

impl<T: TryFrom<u64>> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {}, such as 16 or \"0x10\"", u64::MAX >> (64 - Self::BITS))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        let unsigned = u64::try_from(value).ok();
        unsigned.and_then(|v| T::try_from(v).ok()).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A decimal or `0x…` number that fits.
pub(crate) fn parse<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let value = hex.map_or_else(|| digits(text, 10), |rest| digits(rest, 16));
    value.and_then(|value| T::try_from(value).ok())
}

/// Whether a text is a number in form, of any size.
pub(crate) fn looks_like_one(text: &str) -> bool {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    hex.map_or_else(|| text.chars().all(|c| c.is_ascii_digit()), |rest| rest.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Digits only: no sign, no space, no underscore.
fn digits(text: &str, radix: u32) -> Option<u64> {
    text.chars().all(|c| c.is_digit(radix)).then(|| u64::from_str_radix(text, radix).ok()).flatten()
}
