//! The ESC's access to the SII: owner (0x0500), control and status (0x0502) (ETG.1000.4, 6.4, tables 48 to 51).

use crate::WireError;
use crate::codes::word_register;
use crate::field;

/// Who may use the SII: the bytes at 0x0500 and 0x0501.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SiiOwner {
    /// The MainDevice offers the SII to the local application.
    pub offered_to_pdi: bool,
    /// The MainDevice takes the SII back by force (resets `taken_by_pdi`).
    pub force: bool,
    /// The local application uses the SII. Written by it only.
    pub taken_by_pdi: bool,
}

impl SiiOwner {
    /// The MainDevice uses the SII.
    pub const MAIN_DEVICE: Self = Self { offered_to_pdi: false, force: false, taken_by_pdi: false };
    /// The MainDevice uses the SII even where the local application holds it. Write [`SiiOwner::MAIN_DEVICE`] next.
    pub const FORCED: Self = Self { offered_to_pdi: false, force: true, taken_by_pdi: false };
    /// The local application may use the SII, as it needs to from INIT to PRE-OP.
    pub const PDI: Self = Self { offered_to_pdi: true, force: false, taken_by_pdi: false };

    /// Reads the two bytes.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [config, access] = field::array(bytes, 0)?;
        Ok(Self { offered_to_pdi: config & 0x01 != 0, force: config & 0x02 != 0, taken_by_pdi: access & 0x01 != 0 })
    }

    /// The two bytes. The MainDevice writes the first only.
    #[must_use]
    pub const fn emit(self) -> [u8; 2] {
        let offered = if self.offered_to_pdi { 0x01 } else { 0 };
        let force = if self.force { 0x02 } else { 0 };
        [offered | force, if self.taken_by_pdi { 0x01 } else { 0 }]
    }
}

/// What the SII interface is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum SiiCommand {
    /// Nothing; as a command it clears the error bits.
    Idle = 0x0000,
    /// Read 4 or 8 bytes from the word address at 0x0504 to 0x0508.
    Read = 0x0100,
    /// Write the word at 0x0508. Needs write enable in the same access.
    Write = 0x0200,
    /// Load the ESC configuration area (words 0 to 7) anew.
    Reload = 0x0400,
}

/// What the MainDevice writes to 0x0502, alone or followed by the word address (0x0504) and data (0x0508).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiiControl {
    /// What to do.
    pub command: SiiCommand,
    /// Lets a write through; it holds for this access only.
    pub write_enable: bool,
}

impl SiiControl {
    /// Reads from an address.
    pub const READ: Self = Self { command: SiiCommand::Read, write_enable: false };
    /// Writes a word.
    pub const WRITE: Self = Self { command: SiiCommand::Write, write_enable: true };
    /// Loads the configuration area anew.
    pub const RELOAD: Self = Self { command: SiiCommand::Reload, write_enable: false };
    /// Clears the error bits.
    pub const CLEAR: Self = Self { command: SiiCommand::Idle, write_enable: false };

    /// Reads what was written. Status bits in it are left out, as an ESC does.
    ///
    /// # Errors
    /// `Truncated` below 2 bytes, `BadValue` for a command that is none or several.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let raw = field::u16_at(bytes, 0)?;
        let command = match raw & SiiStatus::COMMAND {
            0x0000 => SiiCommand::Idle,
            0x0100 => SiiCommand::Read,
            0x0200 => SiiCommand::Write,
            0x0400 => SiiCommand::Reload,
            other => return Err(WireError::BadValue(u32::from(other))),
        };
        Ok(Self { command, write_enable: raw & SiiStatus::WRITE_ENABLE != 0 })
    }

    /// The register's 2 bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; 2] {
        (self.command as u16 | if self.write_enable { SiiStatus::WRITE_ENABLE } else { 0 }).to_le_bytes()
    }

    /// Control and word address, as one write of 6 bytes from 0x0502.
    #[must_use]
    pub const fn emit_at(self, word: u32) -> [u8; 6] {
        let [c0, c1] = self.emit();
        let [a0, a1, a2, a3] = word.to_le_bytes();
        [c0, c1, a0, a1, a2, a3]
    }
}

/// What the register at 0x0502 shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SiiStatus(pub u16);

word_register!(SiiStatus);

impl SiiStatus {
    /// Write access is enabled.
    pub const WRITE_ENABLE: u16 = 1 << 0;
    /// The SII is emulated by the local application.
    pub const EMULATED: u16 = 1 << 5;
    /// A read gives 8 bytes, else 4.
    pub const READ_8: u16 = 1 << 6;
    /// The memory takes two address bytes (above 16 Kibit), else one.
    pub const TWO_ADDRESS_BYTES: u16 = 1 << 7;
    /// The command that runs: see [`SiiCommand`].
    pub const COMMAND: u16 = 0x0700;
    /// The checksum of the configuration area is wrong.
    pub const CHECKSUM_ERROR: u16 = 1 << 11;
    /// The configuration area is not loaded: being loaded, or loading failed.
    pub const NOT_LOADED: u16 = 1 << 12;
    /// The memory didn't acknowledge, or the command is invalid.
    pub const ACKNOWLEDGE_ERROR: u16 = 1 << 13;
    /// A write came without write enable.
    pub const WRITE_ENABLE_ERROR: u16 = 1 << 14;
    /// A command runs.
    pub const BUSY: u16 = 1 << 15;
    /// Bits that say that the last command failed.
    pub const COMMAND_ERRORS: u16 = Self::ACKNOWLEDGE_ERROR | Self::WRITE_ENABLE_ERROR;

    /// Whether a command runs.
    #[must_use]
    pub const fn busy(self) -> bool {
        self.any(Self::BUSY)
    }

    /// Whether the last command failed.
    #[must_use]
    pub const fn failed(self) -> bool {
        self.any(Self::COMMAND_ERRORS)
    }

    /// Whether the configuration area is wrong or not loaded.
    #[must_use]
    pub const fn not_loaded(self) -> bool {
        self.any(Self::CHECKSUM_ERROR | Self::NOT_LOADED)
    }

    /// Bytes that one read gives: 4 or 8.
    #[must_use]
    pub const fn read_len(self) -> usize {
        if self.any(Self::READ_8) { 8 } else { 4 }
    }

    /// The failure in words, if there is one.
    #[must_use]
    pub const fn error(self) -> Option<&'static str> {
        if self.any(Self::WRITE_ENABLE_ERROR) {
            Some("write without write enable")
        } else if self.any(Self::ACKNOWLEDGE_ERROR) {
            Some("memory doesn't acknowledge, or invalid command")
        } else if self.any(Self::CHECKSUM_ERROR) {
            Some("checksum of the configuration area is wrong")
        } else if self.any(Self::NOT_LOADED) {
            Some("configuration area is not loaded")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_of_word_8_is_six_literal_bytes() {
        assert_eq!(SiiControl::READ.emit_at(0x0008), [0x00, 0x01, 0x08, 0x00, 0x00, 0x00]);
        assert_eq!(SiiControl::WRITE.emit(), [0x01, 0x02]);
        assert_eq!(SiiControl::RELOAD.emit(), [0x00, 0x04]);
        assert_eq!(SiiControl::parse(&[0x01, 0x82]), Ok(SiiControl::WRITE));
        assert_eq!(SiiControl::parse(&[0x00, 0x03]), Err(WireError::BadValue(0x0300)));
    }

    #[test]
    fn status_says_width_busy_and_failure() {
        let idle = SiiStatus::parse(&[0xc0, 0x00]).unwrap();
        assert_eq!((idle.busy(), idle.failed(), idle.read_len(), idle.error()), (false, false, 8, None));
        let failed = SiiStatus(0x2180 | SiiStatus::BUSY);
        assert!(failed.busy() && failed.failed());
        assert_eq!(failed.read_len(), 4);
        assert_eq!(SiiStatus(0x0800).error(), Some("checksum of the configuration area is wrong"));
        assert!(SiiStatus(0x1000).not_loaded());
    }

    #[test]
    fn the_owner_is_two_literal_bytes() {
        assert_eq!(SiiOwner::FORCED.emit(), [0x02, 0x00]);
        assert_eq!(SiiOwner::PDI.emit(), [0x01, 0x00]);
        assert_eq!(SiiOwner::parse(&[0x01, 0x01]), Ok(SiiOwner { taken_by_pdi: true, ..SiiOwner::PDI }));
        assert!(SiiOwner::parse(&[0x01]).is_err());
    }
}
