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

/// What the MainDevice asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdoRequest<'a> {
    /// Writes 1 to 4 bytes.
    DownloadExpedited {
        /// What is written.
        target: SdoTarget,
        /// The value.
        data: &'a [u8],
    },
    /// Writes `size` bytes, the first of which are here; the others follow in segments.
    Download {
        /// What is written.
        target: SdoTarget,
        /// Bytes of the whole value.
        size: u32,
        /// The first of them, or all.
        data: &'a [u8],
    },
    /// The next bytes of a download.
    DownloadSegment {
        /// False in the first segment, then alternating.
        toggle: bool,
        /// No segment follows.
        last: bool,
        /// The bytes.
        data: &'a [u8],
    },
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
    Abort {
        /// What the transfer was about.
        target: SdoTarget,
        /// Why.
        code: AbortCode,
    },
}

impl<'a> SdoRequest<'a> {
    /// Reads the bytes behind a CoE header of service SDO request.
    ///
    /// # Errors
    /// `Truncated`, or `BadValue` for an unknown command.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let command = field::u8_at(bytes, 0)?;
        let toggle = command & TOGGLE != 0;
        Ok(match command & SPECIFIER {
            0x00 => Self::DownloadSegment { toggle, last: command & LAST != 0, data: segment(command, bytes) },
            0x20 if command & EXPEDITE != 0 => {
                Self::DownloadExpedited { target: SdoTarget::parse(bytes)?, data: expedited(command, bytes)? }
            }
            0x20 => {
                let (size, data) = normal(bytes)?;
                Self::Download { target: SdoTarget::parse(bytes)?, size, data }
            }
            0x40 => Self::Upload { target: SdoTarget::parse(bytes)? },
            0x60 => Self::UploadSegment { toggle },
            ABORT => Self::Abort { target: abort_target(bytes)?, code: AbortCode(field::u32_at(bytes, 4)?) },
            _ => return Err(WireError::BadValue(u32::from(command))),
        })
    }

    /// Writes the bytes behind the CoE header and returns their number.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` for expedited data of 0 or more than 4 bytes, or more data than the size says.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        match *self {
            Self::DownloadExpedited { target, data } => emit_expedited(bytes, 0x20, target, data),
            Self::Download { target, size, data } => emit_normal(bytes, 0x20, target, size, data),
            Self::DownloadSegment { toggle, last, data } => emit_segment(bytes, toggle, last, data),
            Self::Upload { target } => emit_short(bytes, 0x40, target, 0),
            Self::UploadSegment { toggle } => emit_toggle(bytes, 0x60, toggle),
            Self::Abort { target, code } => emit_abort(bytes, target, code),
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
    /// A value of 1 to 4 bytes.
    UploadExpedited {
        /// What is read.
        target: SdoTarget,
        /// The value. 4 bytes where the SubDevice doesn't say its length.
        data: &'a [u8],
    },
    /// A value of `size` bytes, the first of which are here; the others are fetched in segments.
    Upload {
        /// What is read.
        target: SdoTarget,
        /// Bytes of the whole value.
        size: u32,
        /// The first of them, or all.
        data: &'a [u8],
    },
    /// The next bytes of an upload.
    UploadSegment {
        /// As in the request.
        toggle: bool,
        /// No segment follows.
        last: bool,
        /// The bytes.
        data: &'a [u8],
    },
    /// Ends the transfer, or refuses it.
    Abort {
        /// What the transfer was about.
        target: SdoTarget,
        /// Why.
        code: AbortCode,
    },
}

impl<'a> SdoResponse<'a> {
    /// Reads the bytes behind a CoE header of service SDO response. An abort may also come as SDO request: both
    /// parsers take it.
    ///
    /// # Errors
    /// `Truncated`, or `BadValue` for an unknown command.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let command = field::u8_at(bytes, 0)?;
        let toggle = command & TOGGLE != 0;
        Ok(match command & SPECIFIER {
            0x00 => Self::UploadSegment { toggle, last: command & LAST != 0, data: segment(command, bytes) },
            0x20 => Self::DownloadSegment { toggle },
            0x40 if command & EXPEDITE != 0 => {
                Self::UploadExpedited { target: SdoTarget::parse(bytes)?, data: expedited(command, bytes)? }
            }
            0x40 => {
                let (size, data) = normal(bytes)?;
                Self::Upload { target: SdoTarget::parse(bytes)?, size, data }
            }
            0x60 => Self::Download { target: SdoTarget::parse(bytes)? },
            ABORT => Self::Abort { target: abort_target(bytes)?, code: AbortCode(field::u32_at(bytes, 4)?) },
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
            Self::UploadExpedited { target, data } => emit_expedited(bytes, 0x40, target, data),
            Self::Upload { target, size, data } => emit_normal(bytes, 0x40, target, size, data),
            Self::UploadSegment { toggle, last, data } => emit_segment(bytes, toggle, last, data),
            Self::Abort { target, code } => emit_abort(bytes, target, code),
        }
    }
}

/// The 1 to 4 data bytes of an expedited service. Without a size bit all four count.
fn expedited(command: u8, bytes: &[u8]) -> Result<&[u8], WireError> {
    let unused = if command & SIZED != 0 { usize::from(command >> 2 & 0x03) } else { 0 };
    let end = SHORTEST.saturating_sub(unused);
    bytes.get(4..end).ok_or(WireError::Truncated { needed: end, got: bytes.len() })
}

/// Size and first data of a normal initiate. Bytes behind the size are padding.
fn normal(bytes: &[u8]) -> Result<(u32, &[u8]), WireError> {
    let size = field::u32_at(bytes, 4)?;
    let data = bytes.get(NORMAL_HEADER..).unwrap_or_default();
    let len = data.len().min(usize::try_from(size).unwrap_or(usize::MAX));
    Ok((size, data.get(..len).unwrap_or_default()))
}

/// Data of a segment. The count of unused bytes holds for segments of at most 7 bytes, as longer ones need no padding.
fn segment(command: u8, bytes: &[u8]) -> &[u8] {
    let data = bytes.get(SEGMENT_HEADER..).unwrap_or_default();
    if data.len() > SHORTEST_SEGMENT {
        return data;
    }
    let used = SHORTEST_SEGMENT.saturating_sub(usize::from(command >> 1 & 0x07)).min(data.len());
    data.get(..used).unwrap_or_default()
}

/// What an abort is about. Its command has no bit for complete access.
fn abort_target(bytes: &[u8]) -> Result<SdoTarget, WireError> {
    SdoTarget::parse(bytes).map(|target| SdoTarget { complete: false, ..target })
}

fn emit_short(bytes: &mut [u8], command: u8, target: SdoTarget, word: u32) -> Result<usize, WireError> {
    field::put(bytes, 4, &word.to_le_bytes())?;
    target.emit(command, bytes)?;
    Ok(SHORTEST)
}

fn emit_abort(bytes: &mut [u8], target: SdoTarget, code: AbortCode) -> Result<usize, WireError> {
    emit_short(bytes, ABORT, SdoTarget { complete: false, ..target }, code.0)
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

fn emit_segment(bytes: &mut [u8], toggle: bool, last: bool, data: &[u8]) -> Result<usize, WireError> {
    let padding = SHORTEST_SEGMENT.saturating_sub(data.len());
    let unused = u8::try_from(padding).unwrap_or_default() << 1;
    let command = unused | if toggle { TOGGLE } else { 0 } | if last { LAST } else { 0 };
    let end = SEGMENT_HEADER.saturating_add(data.len().max(SHORTEST_SEGMENT));
    bytes.get_mut(..end).ok_or(WireError::NoRoom)?.fill(0);
    field::put(bytes, 0, &[command])?;
    field::put(bytes, SEGMENT_HEADER, data)?;
    Ok(end)
}
