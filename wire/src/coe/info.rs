//! SDO information service (ETG.1000.6, 5.6.3, tables 42 to 54): what is in the object dictionary.
//!
//! An answer longer than a mailbox comes in fragments. Each has an [`InfoHeader`], and the service's bytes continue
//! where those of the previous fragment ended. Join the fragments first, then parse.

use crate::WireError;
use crate::codes::coded_enum;
use crate::coe::AbortCode;
pub use crate::coe::describe::{access, value_info};
use crate::field;

/// Bytes of the header behind the CoE header.
pub const HEADER_LEN: usize = 4;

coded_enum! {
    /// What a mail of the service is.
    pub enum InfoOp: u8 {
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

coded_enum! {
    /// Which indices a list holds.
    pub enum ListType: u16 {
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

pub(crate) fn emit(bytes: &mut [u8], op: InfoOp, head: &[u8], tail: &[u8]) -> Result<usize, WireError> {
    let behind = HEADER_LEN.saturating_add(head.len());
    let end = behind.saturating_add(tail.len());
    bytes.get(..end).ok_or(WireError::NoRoom)?;
    field::put(bytes, 0, &InfoHeader::new(op).emit())?;
    field::put(bytes, HEADER_LEN, head)?;
    field::put(bytes, behind, tail)?;
    Ok(end)
}
