//! Converts values of the twelve data types of a channel to the bits of an entry and back.
//!
//! [`DataType::write`] converts exactly and refuses a value that doesn't fit. [`DataType::write_nearest`] takes the
//! nearest value that does, for generated waveforms. A number may stand in an entry that is shorter than its type's
//! natural width; signed ones are then sign-extended from the entry's highest bit. What is no number, or longer than 64
//! bits, is bytes. Every value that was read can be written back and reads the same.

use crate::bits::{BitSpan, low_mask};
use crate::octets::Octets;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// Data type of a channel, named as in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase", try_from = "String"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(!try_from))]
pub enum DataType {
    /// One bit, kept as a byte.
    Bool,
    /// Signed, 8 bits.
    Int8,
    /// Unsigned, 8 bits.
    Uint8,
    /// Signed, 16 bits.
    Int16,
    /// Unsigned, 16 bits.
    Uint16,
    /// Signed, 32 bits.
    Int32,
    /// Unsigned, 32 bits.
    Uint32,
    /// Signed, 64 bits.
    Int64,
    /// Unsigned, 64 bits.
    Uint64,
    /// IEEE 754, 32 bits.
    Float32,
    /// IEEE 754, 64 bits.
    Float64,
    /// Bytes as they stand in the process image: of an octet string, a text, an array; 1 to 255 bits.
    Bytes,
}

/// A value of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
pub enum Value {
    /// Of `Bool`.
    Bool(bool),
    /// Of the signed types.
    Int(i64),
    /// Of the unsigned types.
    Uint(u64),
    /// Of `Float32`.
    Float32(f32),
    /// Of `Float64`.
    Float64(f64),
    /// Of `Bytes`; hexadecimal as text.
    Bytes(Octets),
}

/// Why a value can't be written into an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueError {
    /// An entry of this length can't have this type.
    Length {
        /// The type.
        data_type: DataType,
        /// Bits of the entry.
        bits: u8,
    },
    /// The value is too large, too small, or not a number.
    OutOfRange {
        /// The value.
        value: Value,
        /// The type that it was to be written into.
        data_type: DataType,
        /// Bits of the entry.
        bits: u8,
    },
    /// The value has a fraction, and the type is an integer.
    Fraction {
        /// The value.
        value: Value,
        /// The type that it was to be written into.
        data_type: DataType,
        /// Bits of the entry.
        bits: u8,
    },
    /// Bytes for a number, a number for bytes, or bytes of another length.
    Form {
        /// The value.
        value: Value,
        /// The type that it was to be written into.
        data_type: DataType,
        /// Bits of the entry.
        bits: u8,
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { data_type, bits } => {
                write!(f, "{data_type} takes {}, the entry has {bits}", lengths(*data_type))
            }
            Self::OutOfRange { value, data_type, bits } => {
                write!(f, "{value} is out of range for {data_type} of {bits} bits ({})", range(*data_type, *bits))
            }
            Self::Fraction { value, data_type, bits } => {
                write!(f, "{value} is not a whole number, as {data_type} of {bits} bits needs")
            }
            Self::Form { value, data_type, bits } => {
                write!(f, "{value} is {}, {}", kind_of(*value), wanted(*data_type, *bits))
            }
        }
    }
}

impl core::error::Error for ValueError {}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    Bytes,
}

impl DataType {
    /// All twelve.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::Int8,
        Self::Uint8,
        Self::Int16,
        Self::Uint16,
        Self::Int32,
        Self::Uint32,
        Self::Int64,
        Self::Uint64,
        Self::Float32,
        Self::Float64,
        Self::Bytes,
    ];

    /// Natural width in bits. 1 for `Bool`, though its entries may have up to 8 bits; the most for `Bytes`.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Bool => 1,
            Self::Int8 | Self::Uint8 => 8,
            Self::Int16 | Self::Uint16 => 16,
            Self::Int32 | Self::Uint32 | Self::Float32 => 32,
            Self::Int64 | Self::Uint64 | Self::Float64 => 64,
            Self::Bytes => u8::MAX,
        }
    }

    /// Name as in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int16 => "int16",
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Int64 => "int64",
            Self::Uint64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Bytes => "bytes",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => Kind::Signed,
            Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64 => Kind::Unsigned,
            Self::Float32 | Self::Float64 => Kind::Float,
            Self::Bytes => Kind::Bytes,
        }
    }

    /// Whether an entry of `bits` can be of this type: `Bool` 1 to 8, integers 1 to their width, floats their width, `Bytes`
    /// any but 0.
    #[must_use]
    pub const fn fits(self, bits: u8) -> bool {
        match self.kind() {
            Kind::Bool => bits >= 1 && bits <= 8,
            Kind::Signed | Kind::Unsigned | Kind::Bytes => bits >= 1 && bits <= self.bits(),
            Kind::Float => bits == self.bits(),
        }
    }

    /// As [`DataType::fits`], with the reason.
    ///
    /// # Errors
    /// `Length`.
    pub const fn check(self, bits: u8) -> Result<(), ValueError> {
        if self.fits(bits) { Ok(()) } else { Err(ValueError::Length { data_type: self, bits }) }
    }

    /// The value of an entry in an image; `None` when it isn't wholly inside. A `Bool` is true if any bit is set. A length
    /// that the type can't have reads as its natural width.
    #[must_use]
    pub fn read(self, span: BitSpan, image: &[u8]) -> Option<Value> {
        if self == Self::Bytes {
            return span.extract_octets(image).map(Value::Bytes);
        }
        span.extract(image).map(|raw| self.decode(raw, span.len))
    }

    /// Writes a value into an entry of an image, exactly. Returns false and writes nothing when the entry isn't wholly
    /// inside.
    ///
    /// # Errors
    /// As [`DataType::encode`]; nothing is written.
    pub fn write(self, value: impl Into<Value>, span: BitSpan, image: &mut [u8]) -> Result<bool, ValueError> {
        let value = value.into();
        match (self, value) {
            (Self::Bytes, Value::Bytes(octets)) => {
                self.admit(value, span.len)?;
                Ok(span.insert_octets(image, octets))
            }
            _ => Ok(span.insert(image, self.encode(value, span.len)?)),
        }
    }

    /// As [`DataType::write`], with the nearest value that the entry holds. Bytes have none nearer than themselves.
    ///
    /// # Errors
    /// `Length`; `Form` of bytes.
    pub fn write_nearest(self, value: impl Into<Value>, span: BitSpan, image: &mut [u8]) -> Result<bool, ValueError> {
        let value = value.into();
        match (self, value) {
            (Self::Bytes, _) | (_, Value::Bytes(_)) => self.write(value, span, image),
            _ => Ok(span.insert(image, self.encode_saturating(value, span.len)?)),
        }
    }

    /// Whether a value can be written into an entry of `bits` exactly.
    ///
    /// # Errors
    /// Why not, as [`DataType::write`].
    pub fn admit(self, value: impl Into<Value>, bits: u8) -> Result<(), ValueError> {
        let value = value.into();
        match (self, value) {
            (Self::Bytes, Value::Bytes(octets)) => {
                self.check(bits)?;
                if octets.fit(bits) { Ok(()) } else { Err(ValueError::Form { value, data_type: self, bits }) }
            }
            _ => self.encode(value, bits).map(drop),
        }
    }

    /// The number in an entry of `len` bits whose bits are `raw`. Bits above `len` are left out. A `Bool` is true if any
    /// bit is set. A length that the type can't have reads as its natural width. Of `Bytes` the first 64 bits.
    #[must_use]
    pub fn decode(self, raw: u64, len: u8) -> Value {
        let bits = if self.fits(len) { len } else { self.bits() };
        let raw = raw & low_mask(bits).unwrap_or(u64::MAX);
        match self {
            Self::Bool => Value::Bool(raw != 0),
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => {
                let unused = 64u32.saturating_sub(u32::from(bits));
                Value::Int(raw.cast_signed() << unused >> unused)
            }
            Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64 => Value::Uint(raw),
            Self::Float32 => Value::Float32(f32::from_bits(low_half(raw))),
            Self::Float64 => Value::Float64(f64::from_bits(raw)),
            Self::Bytes => {
                let mut octets = Octets::zeros(bits);
                octets.set_word(0, raw);
                Value::Bytes(octets)
            }
        }
    }

    /// Raw bits of a number in an entry of `bits`. A float takes the nearest float, infinities and NaN as they are; an
    /// integer only a whole number in its range; a `Bool` only `true`, `false`, 0 and 1.
    ///
    /// # Errors
    /// `Length`, `OutOfRange`, `Fraction`, `Form`, naming value and type. `Bytes` are no number: [`DataType::write`].
    pub fn encode(self, value: impl Into<Value>, bits: u8) -> Result<u64, ValueError> {
        let value = value.into();
        self.number(value, bits)?;
        let out_of_range = ValueError::OutOfRange { value, data_type: self, bits };
        match self {
            Self::Float64 => Ok(value.to_f64().to_bits()),
            Self::Float32 => {
                let narrow = value.to_f32();
                if narrow.is_infinite() && value.to_f64().is_finite() {
                    return Err(out_of_range);
                }
                Ok(u64::from(narrow.to_bits()))
            }
            _ => {
                let whole = match value.to_whole() {
                    Some(whole) => whole,
                    None if value.to_f64().is_finite() => {
                        return Err(ValueError::Fraction { value, data_type: self, bits });
                    }
                    None => return Err(out_of_range),
                };
                let (low, high) = self.limits(bits);
                if (low..=high).contains(&whole) { Ok(field_bits(whole, bits)) } else { Err(out_of_range) }
            }
        }
    }

    /// Raw bits of the number nearest to `value` that an entry of `bits` holds: clamped to its range, rounded half away
    /// from zero; NaN is 0 in an integer and false in a `Bool`. A `Bool` is true for 0.5 or more.
    ///
    /// # Errors
    /// `Length`, `Form` only.
    pub fn encode_saturating(self, value: impl Into<Value>, bits: u8) -> Result<u64, ValueError> {
        let value = value.into();
        self.number(value, bits)?;
        Ok(match self {
            Self::Float64 => value.to_f64().to_bits(),
            Self::Float32 => {
                let narrow = value.to_f32();
                let clamped = if value.to_f64().is_finite() { narrow.clamp(f32::MIN, f32::MAX) } else { narrow };
                u64::from(clamped.to_bits())
            }
            _ => {
                let (low, high) = self.limits(bits);
                field_bits(value.to_nearest().clamp(low, high), bits)
            }
        })
    }

    /// Whether a number is to be written into one.
    fn number(self, value: Value, bits: u8) -> Result<(), ValueError> {
        self.check(bits)?;
        let bytes = self == Self::Bytes || matches!(value, Value::Bytes(_));
        if bytes { Err(ValueError::Form { value, data_type: self, bits }) } else { Ok(()) }
    }

    /// Lowest and highest whole number in an entry of `bits`; (0, 1) for `Bool` and for what doesn't use it.
    fn limits(self, bits: u8) -> (i128, i128) {
        let bits = u32::from(bits.clamp(1, 64));
        match self.kind() {
            Kind::Bool | Kind::Float | Kind::Bytes => (0, 1),
            Kind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
            Kind::Unsigned => (0, (1i128 << bits) - 1),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Value {
    /// The value as `f64`, the nearest one for integers above 2^53; 0 or 1 for a `Bool`; NaN for bytes, which are no
    /// number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest f64 is what is promised")]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Int(value) => value as f64,
            Self::Uint(value) => value as f64,
            Self::Float32(value) => f64::from(value),
            Self::Float64(value) => value,
            Self::Bytes(_) => f64::NAN,
        }
    }

    /// Whether it is anything but 0.
    #[must_use]
    pub fn to_bool(self) -> bool {
        match self {
            Self::Bool(value) => value,
            Self::Int(value) => value != 0,
            Self::Uint(value) => value != 0,
            Self::Float32(value) => value != 0.0,
            Self::Float64(value) => value != 0.0,
            Self::Bytes(octets) => octets.as_bytes().iter().any(|byte| *byte != 0),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the nearest f32 is wanted")]
    fn to_f32(self) -> f32 {
        match self {
            Self::Int(value) => value as f32,
            Self::Uint(value) => value as f32,
            Self::Float32(value) => value,
            Self::Bool(_) | Self::Float64(_) | Self::Bytes(_) => self.to_f64() as f32,
        }
    }

    /// The value as a whole number, if it is one. Those beyond an `i128` saturate.
    fn to_whole(self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(value)),
            Self::Int(value) => Some(i128::from(value)),
            Self::Uint(value) => Some(i128::from(value)),
            Self::Float32(_) | Self::Float64(_) => {
                let value = self.to_f64();
                (value.is_finite() && is_whole(value)).then(|| truncated(value))
            }
            Self::Bytes(_) => None,
        }
    }

    fn to_nearest(self) -> i128 {
        self.to_whole().unwrap_or_else(|| rounded(self.to_f64()))
    }
}

/// From here on every `f64` is a whole number.
const ALL_WHOLE: f64 = 9_007_199_254_740_992.0;

fn is_whole(value: f64) -> bool {
    value.abs() >= ALL_WHOLE || fraction(value) == 0.0
}

/// What a number below [`ALL_WHOLE`] is beyond the whole number that it begins with.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn fraction(value: f64) -> f64 {
    value - truncated(value) as f64
}

/// The nearest whole number, halves away from zero, as `f64::round`, which needs the standard library.
fn rounded(value: f64) -> i128 {
    let whole = truncated(value);
    if value.is_finite() && !is_whole(value) && fraction(value).abs() >= 0.5 {
        whole.saturating_add(if value < 0.0 { -1 } else { 1 })
    } else {
        whole
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Uint(value) => value.fmt(f),
            Self::Float32(value) => value.fmt(f),
            Self::Float64(value) => value.fmt(f),
            Self::Bytes(octets) => octets.fmt(f),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident,)*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Bool,
    i8 => Int, i16 => Int, i32 => Int, i64 => Int,
    u8 => Uint, u16 => Uint, u32 => Uint, u64 => Uint,
    f32 => Float32, f64 => Float64,
    Octets => Bytes,
}

/// The whole part; NaN is 0, and a number beyond an `i128` saturates.
#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates, as promised")]
fn truncated(value: f64) -> i128 {
    value as i128
}

/// The low 64 bits of a number in two's complement, cut to the entry.
fn field_bits(whole: i128, bits: u8) -> u64 {
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = whole.to_le_bytes();
    u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]) & low_mask(bits).unwrap_or(u64::MAX)
}

fn low_half(raw: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = raw.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}

fn lengths(data_type: DataType) -> String {
    match data_type.kind() {
        Kind::Bool => "1 to 8 bits".to_owned(),
        Kind::Float => format!("{} bits", data_type.bits()),
        Kind::Signed | Kind::Unsigned | Kind::Bytes => format!("1 to {} bits", data_type.bits()),
    }
}

fn range(data_type: DataType, bits: u8) -> String {
    if data_type == DataType::Float32 {
        return format!("{:e} to {:e}", f32::MIN, f32::MAX);
    }
    let (low, high) = data_type.limits(bits);
    format!("{low} to {high}")
}

fn kind_of(value: Value) -> String {
    match value {
        Value::Bytes(octets) => format!("{} bytes", octets.as_bytes().len()),
        Value::Bool(_) => "no bytes".to_owned(),
        _ => "a number".to_owned(),
    }
}

/// What an entry needs, for a value of another form.
fn wanted(data_type: DataType, bits: u8) -> String {
    if data_type != DataType::Bytes {
        return format!("{data_type} of {bits} bits needs a number");
    }
    let whole = bits.div_ceil(8);
    let unused = if bits.is_multiple_of(8) { "" } else { ", with nothing behind its last bit" };
    format!("bytes of {bits} bits need {whole} bytes as hexadecimal text{unused}")
}
