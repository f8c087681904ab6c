//! Base data types by the names that ESI files use (ETG.2000, base data types; ETG.1020, table of data types).

use crate::describe::DataType;

/// A base type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) code: DataType,
    /// Length in bits.
    pub(super) bits: u32,
}

const BASES: [(&str, DataType, u32); 30] = [
    ("BOOL", DataType::Bool, 1),
    ("SINT", DataType::I8, 8),
    ("INT", DataType::I16, 16),
    ("DINT", DataType::I32, 32),
    ("LINT", DataType::I64, 64),
    ("USINT", DataType::U8, 8),
    ("UINT", DataType::U16, 16),
    ("UDINT", DataType::U32, 32),
    ("ULINT", DataType::U64, 64),
    ("REAL", DataType::F32, 32),
    ("LREAL", DataType::F64, 64),
    ("INT24", DataType::I24, 24),
    ("UINT24", DataType::U24, 24),
    ("BYTE", DataType::Byte, 8),
    ("WORD", DataType::Word, 16),
    ("DWORD", DataType::DWord, 32),
    ("BITARR8", DataType::BitArray8, 8),
    ("BITARR16", DataType::BitArray16, 16),
    ("BITARR32", DataType::BitArray32, 32),
    ("BIT", DataType::Bit1, 1),
    ("BIT1", DataType::Bit1, 1),
    ("BIT2", DataType::Bit2, 2),
    ("BIT3", DataType::Bit3, 3),
    ("BIT4", DataType::Bit4, 4),
    ("BIT5", DataType::Bit5, 5),
    ("BIT6", DataType::Bit6, 6),
    ("BIT7", DataType::Bit7, 7),
    ("BIT8", DataType::Bit8, 8),
    ("UNSIGNED32", DataType::U32, 32),
    ("UNSIGNED16", DataType::U16, 16),
];

/// The base type of a name, `STRING(8)` and `ARRAY [0..7] OF BYTE` among them.
pub(super) fn base(name: &str) -> Option<Base> {
    let name = name.trim().to_ascii_uppercase();
    if let Some((_, code, bits)) = BASES.iter().find(|(known, ..)| *known == name) {
        return Some(Base { code: *code, bits: *bits });
    }
    if let Some(length) = name.strip_prefix("STRING(").and_then(|rest| rest.strip_suffix(')')) {
        return Some(Base { code: DataType::Text, bits: length.trim().parse::<u32>().ok()?.checked_mul(8)? });
    }
    let (bounds, of) = name.strip_prefix("ARRAY")?.trim_start().strip_prefix('[')?.split_once(']')?;
    let (low, high) = bounds.split_once("..")?;
    let (low, high): (u32, u32) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    let count = high.checked_sub(low)?.checked_add(1)?;
    let element = match of.trim().strip_prefix("OF")?.trim() {
        "BYTE" | "USINT" | "SINT" => 8,
        "UINT" | "INT" | "WORD" => 16,
        "UDINT" | "DINT" | "DWORD" => 32,
        _ => return None,
    };
    Some(Base { code: DataType::Octets, bits: count.checked_mul(element)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_lengths_are_known() {
        assert_eq!(base("STRING(10)"), Some(Base { code: DataType::Text, bits: 80 }));
        assert_eq!(base("ARRAY [0..5] OF BYTE"), Some(Base { code: DataType::Octets, bits: 48 }));
        assert_eq!(base("udint"), Some(Base { code: DataType::U32, bits: 32 }));
        assert_eq!(base("DT1018"), None);
        assert_eq!(base("STRING(4294967295)"), None);
    }
}
