//! Descriptions of objects and entries, the part of the SDO information service that tells types, lengths and access
//! rights (ETG.1000.6, 5.6.3, tables 46 to 53).
//!
//! An answer that came in fragments is joined before it is parsed, as in [`crate::coe::info`].

use crate::WireError;
use crate::coe::info::{self, InfoOp};
use crate::field;

/// Asks for an object's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectQuery {
    /// Index in the object dictionary.
    pub index: u16,
}

impl ObjectQuery {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        field::u16_at(bytes, 0).map(|index| Self { index })
    }

    /// Writes header and request, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        info::emit(bytes, InfoOp::ObjectRequest, &self.index.to_le_bytes(), &[])
    }
}

/// Kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectCode {
    /// One value (7).
    Variable,
    /// Values of one type (8).
    Array,
    /// Values of several types (9).
    Record,
    /// Another code.
    Other(u8),
}

impl ObjectCode {
    /// The kind with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            7 => Self::Variable,
            8 => Self::Array,
            9 => Self::Record,
            other => Self::Other(other),
        }
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Variable => 7,
            Self::Array => 8,
            Self::Record => 9,
            Self::Other(code) => code,
        }
    }
}

/// An object's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectAnswer<'a> {
    /// Index in the object dictionary.
    pub index: u16,
    /// Data type (index in the object dictionary).
    pub data_type: u16,
    /// Highest subindex.
    pub max_subindex: u8,
    /// Kind of the object.
    pub code: ObjectCode,
    /// Its name, not terminated.
    pub name: &'a [u8],
}

impl<'a> ObjectAnswer<'a> {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 6 bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let [max_subindex, code] = field::array(bytes, 4)?;
        Ok(Self {
            index: field::u16_at(bytes, 0)?,
            data_type: field::u16_at(bytes, 2)?,
            max_subindex,
            code: ObjectCode::from_code(code),
            name: bytes.get(6..).unwrap_or_default(),
        })
    }

    /// Writes header and answer, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        let [i0, i1] = self.index.to_le_bytes();
        let [t0, t1] = self.data_type.to_le_bytes();
        info::emit(bytes, InfoOp::ObjectResponse, &[i0, i1, t0, t1, self.max_subindex, self.code.code()], self.name)
    }
}

/// Asks for an entry's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryQuery {
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// What is to be in the answer: see [`value_info`].
    pub value_info: u8,
}

/// Bits of the value information (ETG.1000.6, table 51).
pub mod value_info {
    /// Unit type, 4 bytes.
    pub const UNIT: u8 = 1 << 3;
    /// Default value.
    pub const DEFAULT: u8 = 1 << 4;
    /// Lowest value.
    pub const MINIMUM: u8 = 1 << 5;
    /// Highest value.
    pub const MAXIMUM: u8 = 1 << 6;
}

/// Bits of an entry's access (ETG.1000.6, table 52).
pub mod access {
    /// Readable in PRE-OP.
    pub const READ_PRE_OP: u16 = 1 << 0;
    /// Readable in SAFE-OP.
    pub const READ_SAFE_OP: u16 = 1 << 1;
    /// Readable in OP.
    pub const READ_OP: u16 = 1 << 2;
    /// Writable in PRE-OP.
    pub const WRITE_PRE_OP: u16 = 1 << 3;
    /// Writable in SAFE-OP.
    pub const WRITE_SAFE_OP: u16 = 1 << 4;
    /// Writable in OP.
    pub const WRITE_OP: u16 = 1 << 5;
    /// Can be mapped into an RxPDO.
    pub const RX_PDO: u16 = 1 << 6;
    /// Can be mapped into a TxPDO.
    pub const TX_PDO: u16 = 1 << 7;
    /// For backup.
    pub const BACKUP: u16 = 1 << 8;
    /// For start-up settings.
    pub const SETTINGS: u16 = 1 << 9;
    /// Readable in every state.
    pub const READ: u16 = READ_PRE_OP | READ_SAFE_OP | READ_OP;
    /// Writable in every state.
    pub const WRITE: u16 = WRITE_PRE_OP | WRITE_SAFE_OP | WRITE_OP;
}

impl EntryQuery {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [subindex, value_info] = field::array(bytes, 2)?;
        Ok(Self { index: field::u16_at(bytes, 0)?, subindex, value_info })
    }

    /// Writes header and request, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        let [i0, i1] = self.index.to_le_bytes();
        info::emit(bytes, InfoOp::EntryRequest, &[i0, i1, self.subindex, self.value_info], &[])
    }
}

/// An entry's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryAnswer<'a> {
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// What `data` holds: see [`value_info`].
    pub value_info: u8,
    /// Data type (index in the object dictionary).
    pub data_type: u16,
    /// Length in bits.
    pub bit_length: u16,
    /// See [`access`].
    pub access: u16,
    /// Unit, default, lowest and highest value as `value_info` says, then the entry's name.
    pub data: &'a [u8],
}

impl<'a> EntryAnswer<'a> {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 10 bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let [subindex, value_info] = field::array(bytes, 2)?;
        Ok(Self {
            index: field::u16_at(bytes, 0)?,
            subindex,
            value_info,
            data_type: field::u16_at(bytes, 4)?,
            bit_length: field::u16_at(bytes, 6)?,
            access: field::u16_at(bytes, 8)?,
            data: bytes.get(10..).unwrap_or_default(),
        })
    }

    /// Writes header and answer, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        let [i0, i1] = self.index.to_le_bytes();
        let [t0, t1] = self.data_type.to_le_bytes();
        let [b0, b1] = self.bit_length.to_le_bytes();
        let [a0, a1] = self.access.to_le_bytes();
        let head = [i0, i1, self.subindex, self.value_info, t0, t1, b0, b1, a0, a1];
        info::emit(bytes, InfoOp::EntryResponse, &head, self.data)
    }

    /// The entry's name: what is left of `data` behind the values that `value_info` announces.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        let value = usize::from(self.bit_length).div_ceil(8);
        let parts = [
            (value_info::UNIT, 4),
            (value_info::DEFAULT, value),
            (value_info::MINIMUM, value),
            (value_info::MAXIMUM, value),
        ];
        let taken = parts
            .iter()
            .filter(|(bit, _)| self.value_info & bit != 0)
            .fold(0usize, |sum, (_, len)| sum.saturating_add(*len));
        self.data.get(taken..).unwrap_or_default()
    }
}
