//! SDO information service (ETG.1000.6, 5.6.3, tables 42 to 54): what is in the object dictionary.
//!
//! An answer longer than a mailbox comes in fragments: each has an [`InfoHeader`], and the service's bytes go on
//! where those of the fragment before ended. Put together first, then parse.

use crate::WireError;
use crate::coe::AbortCode;
use crate::field;

/// Bytes of the header behind the CoE header.
pub const HEADER_LEN: usize = 4;

/// What a mail of the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InfoOp {
    /// Asks for a list of indices.
    ListRequest = 1,
    /// A list of indices.
    ListResponse = 2,
    /// Asks for an object's description.
    ObjectRequest = 3,
    /// An object's description.
    ObjectResponse = 4,
    /// Asks for an entry's description.
    EntryRequest = 5,
    /// An entry's description.
    EntryResponse = 6,
    /// The request failed: an abort code follows.
    Error = 7,
}

impl InfoOp {
    /// The operation with this code.
    ///
    /// # Errors
    /// `BadValue` for a code that is reserved.
    pub const fn from_code(code: u8) -> Result<Self, WireError> {
        Ok(match code {
            1 => Self::ListRequest,
            2 => Self::ListResponse,
            3 => Self::ObjectRequest,
            4 => Self::ObjectResponse,
            5 => Self::EntryRequest,
            6 => Self::EntryResponse,
            7 => Self::Error,
            other => return Err(WireError::BadValue(other as u32)),
        })
    }
}

/// The service's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoHeader {
    /// What the mail is.
    pub op: InfoOp,
    /// Fragments follow.
    pub incomplete: bool,
    /// How many fragments follow.
    pub fragments_left: u16,
}

impl InfoHeader {
    /// A header of a mail that is all.
    #[must_use]
    pub const fn new(op: InfoOp) -> Self {
        Self { op, incomplete: false, fragments_left: 0 }
    }

    /// Reads the bytes behind the CoE header; gives those behind this one.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes, `BadValue` for a reserved operation.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let op = field::u8_at(bytes, 0)?;
        let header = Self {
            op: InfoOp::from_code(op & 0x7f)?,
            incomplete: op & 0x80 != 0,
            fragments_left: field::u16_at(bytes, 2)?,
        };
        Ok((header, bytes.get(HEADER_LEN..).unwrap_or_default()))
    }

    /// The header's 4 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; HEADER_LEN] {
        let [f0, f1] = self.fragments_left.to_le_bytes();
        [self.op as u8 | if self.incomplete { 0x80 } else { 0 }, 0, f0, f1]
    }
}

/// Which indices a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum ListType {
    /// Not indices, but the lengths of the five lists.
    Lengths = 0,
    /// All objects.
    All = 1,
    /// Those that can be mapped into an RxPDO.
    RxPdo = 2,
    /// Those that can be mapped into a TxPDO.
    TxPdo = 3,
    /// Those to be stored for a device replacement.
    Backup = 4,
    /// Those for start-up parameters.
    Settings = 5,
}

impl ListType {
    /// The list with this code.
    ///
    /// # Errors
    /// `BadValue` above 5.
    pub const fn from_code(code: u16) -> Result<Self, WireError> {
        Ok(match code {
            0 => Self::Lengths,
            1 => Self::All,
            2 => Self::RxPdo,
            3 => Self::TxPdo,
            4 => Self::Backup,
            5 => Self::Settings,
            other => return Err(WireError::BadValue(other as u32)),
        })
    }
}

/// Asks for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListQuery(pub ListType);

impl ListQuery {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes, `BadValue` for an unknown list.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        ListType::from_code(field::u16_at(bytes, 0)?).map(Self)
    }

    /// Writes header and request, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        emit(bytes, InfoOp::ListRequest, &(self.0 as u16).to_le_bytes(), &[])
    }
}

/// A list, put together from all fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListAnswer<'a> {
    /// Which one.
    pub kind: ListType,
    words: &'a [u8],
}

impl<'a> ListAnswer<'a> {
    /// Reads the bytes behind the header of the first fragment and of those after it.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes, `BadValue` for an unknown list.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let kind = ListType::from_code(field::u16_at(bytes, 0)?)?;
        Ok(Self { kind, words: bytes.get(2..).unwrap_or_default() })
    }

    /// The indices (or, for [`ListType::Lengths`], lengths). An odd byte at the end is left out.
    pub fn words(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.words.chunks_exact(2).filter_map(|bytes| field::u16_at(bytes, 0).ok())
    }

    /// Writes the bytes behind the header, to be cut into fragments by the caller, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit<I: IntoIterator<Item = u16>>(kind: ListType, words: I, bytes: &mut [u8]) -> Result<usize, WireError> {
        field::put(bytes, 0, &(kind as u16).to_le_bytes())?;
        let mut end = 2usize;
        for word in words {
            field::put(bytes, end, &word.to_le_bytes())?;
            end = end.saturating_add(2);
        }
        Ok(end)
    }
}

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
        emit(bytes, InfoOp::ObjectRequest, &self.index.to_le_bytes(), &[])
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
        emit(bytes, InfoOp::ObjectResponse, &[i0, i1, t0, t1, self.max_subindex, self.code.code()], self.name)
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
        emit(bytes, InfoOp::EntryRequest, &[i0, i1, self.subindex, self.value_info], &[])
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
        emit(bytes, InfoOp::EntryResponse, &head, self.data)
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

/// Says that a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoError(pub AbortCode);

impl InfoError {
    /// Reads the bytes behind the service's header.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        field::u32_at(bytes, 0).map(|code| Self(AbortCode(code)))
    }

    /// Writes header and error, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        emit(bytes, InfoOp::Error, &self.0.0.to_le_bytes(), &[])
    }
}

fn emit(bytes: &mut [u8], op: InfoOp, head: &[u8], tail: &[u8]) -> Result<usize, WireError> {
    let behind = HEADER_LEN.saturating_add(head.len());
    let end = behind.saturating_add(tail.len());
    bytes.get(..end).ok_or(WireError::NoRoom)?;
    field::put(bytes, 0, &InfoHeader::new(op).emit())?;
    field::put(bytes, HEADER_LEN, head)?;
    field::put(bytes, behind, tail)?;
    Ok(end)
}
