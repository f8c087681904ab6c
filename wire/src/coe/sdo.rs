//! SDO transfer (ETG.1000.6, 5.6.2, tables 29 to 40): the bytes behind a CoE header.
//!
//! Parsing is as lenient as real devices require: reserved bytes may be missing or set. Emitting always writes them as
//! 0. The caller checks that a response belongs to its request (index, subindex, toggle).

use crate::WireError;
use crate::coe::AbortCode;
use crate::field;

/// Bytes of a command, index, subindex and four bytes more: the shortest service that is emitted.
pub const SHORTEST: usize = 8;
/// Data bytes that an expedited transfer carries.
pub const EXPEDITED: usize = 4;
/// Bytes before the data of a normal initiate: command, index, subindex, complete size.
pub const NORMAL_HEADER: usize = 8;
/// Bytes before the data of a segment.
pub const SEGMENT_HEADER: usize = 1;

const SHORTEST_SEGMENT: usize = 7;
const SPECIFIER: u8 = 0xe0;
const COMPLETE: u8 = 0x10;
const TOGGLE: u8 = 0x10;
const EXPEDITE: u8 = 0x02;
const SIZED: u8 = 0x01;
const LAST: u8 = 0x01;
const ABORT: u8 = 0x80;

/// What a transfer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SdoTarget {
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex; with complete access the first one, 0 or 1.
    pub subindex: u8,
    /// All subindices at once.
    pub complete: bool,
}

impl SdoTarget {
    /// One subindex.
    #[must_use]
    pub const fn entry(index: u16, subindex: u8) -> Self {
        Self { index, subindex, complete: false }
    }

    /// The whole object, subindex 0 included (which then takes 16 bits).
    #[must_use]
    pub const fn complete(index: u16) -> Self {
        Self { index, subindex: 0, complete: true }
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self {
            index: field::u16_at(bytes, 1)?,
            subindex: field::u8_at(bytes, 3)?,
            complete: field::u8_at(bytes, 0)? & COMPLETE != 0,
        })
    }

    fn emit(self, command: u8, bytes: &mut [u8]) -> Result<(), WireError> {
        let [i0, i1] = self.index.to_le_bytes();
        let complete = if self.complete { COMPLETE } else { 0 };
        field::put(bytes, 0, &[command | complete, i0, i1, self.subindex])
    }
}

/// The first service of a transfer that carries a value: a download request, or the answer to an upload request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdoInitiate<'a> {
    /// A whole value of 1 to 4 bytes.
    Expedited {
        /// What is written or read.
        target: SdoTarget,
        /// The value. 4 bytes if the sender doesn't say its length.
        data: &'a [u8],
    },
    /// A value of `size` bytes. What is not in `data` follows in segments. A SubDevice that doesn't know the length of a value that is
    /// read says 0, and how much follows is said by the segments.
    Normal {
        /// What is written or read.
        target: SdoTarget,
        /// Bytes of the whole value.
        size: u32,
        /// The first of them, or all.
        data: &'a [u8],
    },
}

impl<'a> SdoInitiate<'a> {
    /// What the transfer is about.
    #[must_use]
    pub const fn target(&self) -> SdoTarget {
        match *self {
            Self::Expedited { target, .. } | Self::Normal { target, .. } => target,
        }
    }

    fn parse(command: u8, bytes: &'a [u8]) -> Result<Self, WireError> {
        let target = SdoTarget::parse(bytes)?;
        if command & EXPEDITE != 0 {
            // Without a size bit all four bytes count.
            let unused = if command & SIZED != 0 { usize::from(command >> 2 & 0x03) } else { 0 };
            let end = SHORTEST.saturating_sub(unused);
            let data = bytes.get(4..end).ok_or(WireError::Truncated { needed: end, got: bytes.len() })?;
            return Ok(Self::Expedited { target, data });
        }
        // Bytes behind the size are padding.
        let size = field::u32_at(bytes, 4)?;
        let data = bytes.get(NORMAL_HEADER..).unwrap_or_default();
        let len = data.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(Self::Normal { target, size, data: data.get(..len).unwrap_or_default() })
    }

    /// The answer to an upload request. All bytes count where the length isn't known.
    fn parse_answer(command: u8, bytes: &'a [u8]) -> Result<Self, WireError> {
        Ok(match Self::parse(command, bytes)? {
            Self::Normal { target, size: 0, .. } => {
                Self::Normal { target, size: 0, data: bytes.get(NORMAL_HEADER..).unwrap_or_default() }
            }
            known => known,
        })
    }

    fn emit(self, specifier: u8, bytes: &mut [u8]) -> Result<usize, WireError> {
        match self {
            Self::Expedited { target, data } => emit_expedited(bytes, specifier, target, data),
            Self::Normal { target, size, data } => emit_normal(bytes, specifier, target, size, data),
        }
    }
}

/// The next bytes of a value, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdoSegment<'a> {
    /// False in the first segment, then alternating.
    pub toggle: bool,
    /// No segment follows.
    pub last: bool,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> SdoSegment<'a> {
    /// The count of unused bytes holds for segments of at most 7 bytes, as longer ones need no padding.
    fn parse(command: u8, bytes: &'a [u8]) -> Self {
        let data = bytes.get(SEGMENT_HEADER..).unwrap_or_default();
        let unused = if data.len() > SHORTEST_SEGMENT { 0 } else { usize::from(command >> 1 & 0x07) };
        let used = data.len().max(SHORTEST_SEGMENT).saturating_sub(unused).min(data.len());
        Self { toggle: command & TOGGLE != 0, last: command & LAST != 0, data: data.get(..used).unwrap_or_default() }
    }

    fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        let padding = SHORTEST_SEGMENT.saturating_sub(self.data.len());
        let unused = u8::try_from(padding).unwrap_or_default() << 1;
        let command = unused | if self.toggle { TOGGLE } else { 0 } | if self.last { LAST } else { 0 };
        let end = SEGMENT_HEADER.saturating_add(self.data.len().max(SHORTEST_SEGMENT));
        bytes.get_mut(..end).ok_or(WireError::NoRoom)?.fill(0);
        field::put(bytes, 0, &[command])?;
        field::put(bytes, SEGMENT_HEADER, self.data)?;
        Ok(end)
    }
}

/// Ends a transfer, or refuses it. Either side may send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdoAbort {
    /// What the transfer was about.
    pub target: SdoTarget,
    /// Why.
    pub code: AbortCode,
}

impl SdoAbort {
    /// The command of an abort has no bit for complete access.
    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let target = SdoTarget { complete: false, ..SdoTarget::parse(bytes)? };
        Ok(Self { target, code: AbortCode(field::u32_at(bytes, 4)?) })
    }

    fn emit(self, bytes: &mut [u8]) -> Result<usize, WireError> {
        emit_short(bytes, ABORT, SdoTarget { complete: false, ..self.target }, self.code.0)
    }
}

/// What the MainDevice asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdoRequest<'a> {
    /// Writes a value, or begins to.
    Download(SdoInitiate<'a>),
    /// The next bytes of a download.
    DownloadSegment(SdoSegment<'a>),
    /// Reads.
    Upload {
        /// What is read.
        target: SdoTarget,
    },
    /// Asks for the next bytes of an upload.
    UploadSegment {
        /// False in the first segment, then alternating.
        toggle: bool,
    },
    /// Ends the transfer.
    Abort(SdoAbort),
}

impl<'a> SdoRequest<'a> {
    /// Reads the bytes behind a CoE header of service SDO request.
    ///
    /// # Errors
    /// `Truncated`, or `BadValue` for an unknown command.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let command = field::u8_at(bytes, 0)?;
        Ok(match command & SPECIFIER {
            0x00 => Self::DownloadSegment(SdoSegment::parse(command, bytes)),
            0x20 => Self::Download(SdoInitiate::parse(command, bytes)?),
            0x40 => Self::Upload { target: SdoTarget::parse(bytes)? },
            0x60 => Self::UploadSegment { toggle: command & TOGGLE != 0 },
            ABORT => Self::Abort(SdoAbort::parse(bytes)?),
            _ => return Err(WireError::BadValue(u32::from(command))),
        })
    }

    /// Writes the bytes behind the CoE header and returns their number.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` for expedited data of 0 or more than 4 bytes, or more data than the size says.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        match *self {
            Self::Download(initiate) => initiate.emit(0x20, bytes),
            Self::DownloadSegment(segment) => segment.emit(bytes),
            Self::Upload { target } => emit_short(bytes, 0x40, target, 0),
            Self::UploadSegment { toggle } => emit_toggle(bytes, 0x60, toggle),
            Self::Abort(abort) => abort.emit(bytes),
        }
    }
}

/// What the SubDevice answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdoResponse<'a> {
    /// The download was taken, or its first bytes.
    Download {
        /// What is written.
        target: SdoTarget,
    },
    /// A segment of the download was taken.
    DownloadSegment {
        /// As in the request.
        toggle: bool,
    },
    /// The value, or the beginning of it.
    Upload(SdoInitiate<'a>),
    /// The next bytes of an upload. Its toggle is that of the request.
    UploadSegment(SdoSegment<'a>),
    /// Ends the transfer, or refuses it.
    Abort(SdoAbort),
}

impl<'a> SdoResponse<'a> {
    /// Reads the bytes behind a CoE header of service SDO response. An abort may also come as SDO request: both
    /// parsers take it.
    ///
    /// # Errors
    /// `Truncated`, or `BadValue` for an unknown command.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let command = field::u8_at(bytes, 0)?;
        Ok(match command & SPECIFIER {
            0x00 => Self::UploadSegment(SdoSegment::parse(command, bytes)),
            0x20 => Self::DownloadSegment { toggle: command & TOGGLE != 0 },
            0x40 => Self::Upload(SdoInitiate::parse_answer(command, bytes)?),
            0x60 => Self::Download { target: SdoTarget::parse(bytes)? },
            ABORT => Self::Abort(SdoAbort::parse(bytes)?),
            _ => return Err(WireError::BadValue(u32::from(command))),
        })
    }

    /// Writes the bytes behind the CoE header and returns their number.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` for expedited data of 0 or more than 4 bytes, or more data than the size says.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        match *self {
            Self::Download { target } => emit_short(bytes, 0x60, target, 0),
            Self::DownloadSegment { toggle } => emit_toggle(bytes, 0x20, toggle),
            Self::Upload(initiate) => initiate.emit(0x40, bytes),
            Self::UploadSegment(segment) => segment.emit(bytes),
            Self::Abort(abort) => abort.emit(bytes),
        }
    }
}

fn emit_short(bytes: &mut [u8], command: u8, target: SdoTarget, word: u32) -> Result<usize, WireError> {
    field::put(bytes, 4, &word.to_le_bytes())?;
    target.emit(command, bytes)?;
    Ok(SHORTEST)
}

fn emit_toggle(bytes: &mut [u8], command: u8, toggle: bool) -> Result<usize, WireError> {
    let command = command | if toggle { TOGGLE } else { 0 };
    field::put(bytes, 0, &[command, 0, 0, 0, 0, 0, 0, 0])?;
    Ok(SHORTEST)
}

fn emit_expedited(bytes: &mut [u8], specifier: u8, target: SdoTarget, data: &[u8]) -> Result<usize, WireError> {
    let unused: u8 = match data.len() {
        1 => 3,
        2 => 2,
        3 => 1,
        EXPEDITED => 0,
        _ => return Err(WireError::BadLength),
    };
    emit_short(bytes, specifier | EXPEDITE | SIZED | unused << 2, target, 0)?;
    field::put(bytes, 4, data)?;
    Ok(SHORTEST)
}

fn emit_normal(bytes: &mut [u8], specifier: u8, target: SdoTarget, size: u32, data: &[u8]) -> Result<usize, WireError> {
    if usize::try_from(size).is_ok_and(|size| data.len() > size) {
        return Err(WireError::BadLength);
    }
    field::put(bytes, NORMAL_HEADER, data)?;
    emit_short(bytes, specifier | SIZED, target, size)?;
    Ok(NORMAL_HEADER.saturating_add(data.len()))
}
