//! The FMMU and sync manager categories (ETG.1000.6, tables 22 and 23; ETG.2010, tables 8 and 9).

use crate::WireError;
use crate::field;

/// Bytes of one sync manager entry.
pub const LEN: usize = 8;

/// What an FMMU is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FmmuUsage {
    /// Not used (0 or 0xff).
    Unused,
    /// Outputs.
    Outputs,
    /// Inputs.
    Inputs,
    /// State of the mailbox that the MainDevice reads.
    MailboxState,
    /// Another value.
    Other(u8),
}

impl FmmuUsage {
    /// The usage that a byte of the category stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 | 0xff => Self::Unused,
            1 => Self::Outputs,
            2 => Self::Inputs,
            3 => Self::MailboxState,
            other => Self::Other(other),
        }
    }

    /// The byte.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unused => 0,
            Self::Outputs => 1,
            Self::Inputs => 2,
            Self::MailboxState => 3,
            Self::Other(code) => code,
        }
    }

    /// Walks an FMMU category: one byte an FMMU. The last may be padding.
    pub fn walk(data: &[u8]) -> impl Iterator<Item = Self> + use<'_> {
        data.iter().map(|code| Self::from_code(*code))
    }
}

/// What a sync manager is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncManagerUse {
    /// Not used, or not known (0).
    Unused,
    /// Mailbox that the MainDevice writes.
    MailboxOut,
    /// Mailbox that the MainDevice reads.
    MailboxIn,
    /// Process data outputs.
    Outputs,
    /// Process data inputs.
    Inputs,
    /// Another value.
    Other(u8),
}

impl SyncManagerUse {
    /// The use that the type byte stands for. The object 0x1C00 has the same codes.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Unused,
            1 => Self::MailboxOut,
            2 => Self::MailboxIn,
            3 => Self::Outputs,
            4 => Self::Inputs,
            other => Self::Other(other),
        }
    }

    /// The type byte.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unused => 0,
            Self::MailboxOut => 1,
            Self::MailboxIn => 2,
            Self::Outputs => 3,
            Self::Inputs => 4,
            Self::Other(code) => code,
        }
    }
}

/// Bits of the enable byte.
pub mod enable {
    /// The sync manager is to be switched on.
    pub const ON: u8 = 1 << 0;
    /// Its content is fixed.
    pub const FIXED: u8 = 1 << 1;
    /// It is virtual: no hardware behind it.
    pub const VIRTUAL: u8 = 1 << 2;
    /// It is switched on in OP only.
    pub const OP_ONLY: u8 = 1 << 3;
}

/// A sync manager as the SII describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncManagerEntry {
    /// First byte in physical memory.
    pub start: u16,
    /// Default length in bytes.
    pub length: u16,
    /// Control byte: see [`crate::sync_manager::control`].
    pub control: u8,
    /// Status byte, of no meaning.
    pub status: u8,
    /// See [`enable`].
    pub enable: u8,
    /// What it is for.
    pub usage: SyncManagerUse,
}

impl SyncManagerEntry {
    /// Reads one entry.
    ///
    /// # Errors
    /// `Truncated` below 8 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [control, status, enable, usage] = field::array(bytes, 4)?;
        Ok(Self {
            start: field::u16_at(bytes, 0)?,
            length: field::u16_at(bytes, 2)?,
            control,
            status,
            enable,
            usage: SyncManagerUse::from_code(usage),
        })
    }

    /// The entry's 8 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; LEN] {
        let [s0, s1] = self.start.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        [s0, s1, l0, l1, self.control, self.status, self.enable, self.usage.code()]
    }

    /// Walks a sync manager category, number 0 first. An incomplete entry at the end is left out.
    pub fn walk(data: &[u8]) -> impl Iterator<Item = Self> + use<'_> {
        data.chunks_exact(LEN).filter_map(|bytes| Self::parse(bytes).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn walks_the_literal_bytes_of_two_sync_managers() {
        let data =
            [0x00, 0x10, 0x80, 0x00, 0x26, 0x00, 0x01, 0x01, 0x80, 0x10, 0x80, 0x00, 0x22, 0x00, 0x01, 0x02, 0xff];
        let entries: Vec<_> = SyncManagerEntry::walk(&data).collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].usage, SyncManagerUse::MailboxOut);
        assert_eq!((entries[1].start, entries[1].length, entries[1].control), (0x1080, 128, 0x22));
        assert_eq!(entries[1].emit(), data[8..16]);
    }

    #[test]
    fn an_erased_fmmu_is_unused() {
        let usages: Vec<_> = FmmuUsage::walk(&[1, 2, 3, 0xff]).collect();
        assert_eq!(usages, [FmmuUsage::Outputs, FmmuUsage::Inputs, FmmuUsage::MailboxState, FmmuUsage::Unused]);
        assert_eq!(FmmuUsage::Other(9).code(), 9);
    }
}
