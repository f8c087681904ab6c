//! What a data type of a given length holds.

use zerocat_pdi::DataType;

/// Name of a data type in the file.
pub(crate) const fn name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "bool",
        DataType::Int8 => "int8",
        DataType::Uint8 => "uint8",
        DataType::Int16 => "int16",
        DataType::Uint16 => "uint16",
        DataType::Int32 => "int32",
        DataType::Uint32 => "uint32",
        DataType::Int64 => "int64",
        DataType::Uint64 => "uint64",
        DataType::Float32 => "float32",
        DataType::Float64 => "float64",
    }
}

/// Shortest and longest entry that a type stands for, in bits. Integers may be shorter than their type (ETG.1020 has
/// BIT2, UINT24 and the like); floats may not.
const fn lengths(data_type: DataType) -> (u8, u8) {
    match data_type {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => (1, 8),
        DataType::Int16 | DataType::Uint16 => (1, 16),
        DataType::Int32 | DataType::Uint32 => (1, 32),
        DataType::Int64 | DataType::Uint64 => (1, 64),
        DataType::Float32 => (32, 32),
        DataType::Float64 => (64, 64),
    }
}

/// Whether an entry of `bits` bits can be of a type; if not, a sentence that says why.
pub(crate) fn fits(data_type: DataType, bits: u8) -> Result<(), String> {
    let (shortest, longest) = lengths(data_type);
    if (shortest..=longest).contains(&bits) {
        return Ok(());
    }
    let allowed = if shortest == longest { format!("{longest}") } else { format!("{shortest} to {longest}") };
    Err(format!("{bits} bits do not fit {}, which takes {allowed}", name(data_type)))
}

/// Least and greatest value of an entry; none where the length does not fit the type.
pub(crate) fn range(data_type: DataType, bits: u8) -> Option<(f64, f64)> {
    fits(data_type, bits).ok()?;
    let span = 2f64.powi(i32::from(bits));
    Some(match data_type {
        DataType::Bool => (0.0, 1.0),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => (-span / 2.0, span / 2.0 - 1.0),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => (0.0, span - 1.0),
        DataType::Float32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
        DataType::Float64 => (f64::MIN, f64::MAX),
    })
}
