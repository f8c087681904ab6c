//! CoE data types, and the names that ESI files use for them (ETG.1000.6, table 64; ETG.2000, base data types; ETG.1020,
//! table of data types).

/// CoE data types (ETG.1000.6, table 64), as far as device descriptions and profiles use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DataType {
    /// No type, or one that is not known.
    None = 0x00,
    /// BOOL, one bit.
    Bool = 0x01,
    /// SINT.
    I8 = 0x02,
    /// INT.
    I16 = 0x03,
    /// DINT.
    I32 = 0x04,
    /// USINT.
    U8 = 0x05,
    /// UINT.
    U16 = 0x06,
    /// UDINT.
    U32 = 0x07,
    /// REAL.
    F32 = 0x08,
    /// Visible string.
    Text = 0x09,
    /// Octet string.
    Octets = 0x0A,
    /// INT24.
    I24 = 0x10,
    /// LREAL.
    F64 = 0x11,
    /// LINT.
    I64 = 0x15,
    /// UINT24.
    U24 = 0x16,
    /// ULINT.
    U64 = 0x1B,
    /// BYTE.
    Byte = 0x1E,
    /// WORD.
    Word = 0x1F,
    /// DWORD.
    DWord = 0x20,
    /// BITARR8.
    BitArray8 = 0x2D,
    /// BITARR16.
    BitArray16 = 0x2E,
    /// BITARR32.
    BitArray32 = 0x2F,
    /// BIT1.
    Bit1 = 0x30,
    /// BIT2.
    Bit2 = 0x31,
    /// BIT3.
    Bit3 = 0x32,
    /// BIT4.
    Bit4 = 0x33,
    /// BIT5.
    Bit5 = 0x34,
    /// BIT6.
    Bit6 = 0x35,
    /// BIT7.
    Bit7 = 0x36,
    /// BIT8.
    Bit8 = 0x37,
}

impl DataType {
    /// Its index in the object dictionary; 0 for none.
    #[must_use]
    pub fn code(self) -> u16 {
        u16::from(self as u8)
    }

    /// All known types.
    const ALL: [Self; 29] = [
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::F32,
        Self::Text,
        Self::Octets,
        Self::I24,
        Self::F64,
        Self::I64,
        Self::U24,
        Self::U64,
        Self::Byte,
        Self::Word,
        Self::DWord,
        Self::BitArray8,
        Self::BitArray16,
        Self::BitArray32,
        Self::Bit1,
        Self::Bit2,
        Self::Bit3,
        Self::Bit4,
        Self::Bit5,
        Self::Bit6,
        Self::Bit7,
        Self::Bit8,
    ];

    /// The type of a code; `None` for one that is not known.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        Self::ALL.into_iter().find(|known| *known as u8 == code).unwrap_or(Self::None)
    }

    /// A value of this type as a number. Types that are not numbers count as unsigned.
    #[must_use]
    pub fn number(self, bytes: &[u8]) -> i64 {
        let mut wide = [0; 8];
        let len = bytes.len().min(8);
        wide[..len].copy_from_slice(&bytes[..len]);
        let unused = 64 - 8 * u32::try_from(len).unwrap_or(8);
        let value = i64::from_le_bytes(wide);
        match self {
            Self::I8 | Self::I16 | Self::I24 | Self::I32 if len > 0 => value << unused >> unused,
            _ => value,
        }
    }
}

/// A base type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) code: DataType,
    /// Length in bits.
    pub(crate) bits: u32,
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
pub(crate) fn base(name: &str) -> Option<Base> {
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
