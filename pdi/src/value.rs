//! The eleven data types of a channel, and their values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data type of a channel, named as in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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
}

/// A value of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
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
}
