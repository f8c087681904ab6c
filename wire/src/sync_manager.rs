//! Sync manager channel (ETG.1000.4, 6.7.2, table 58).

use crate::field;
use crate::{WireError, register};

/// Bytes of one channel.
pub const LEN: usize = 8;

/// Offset of the activate byte in a channel.
pub const ACTIVATE: u16 = 6;

/// Bits of the control byte.
pub mod control {
    /// Mask of the mode; 0 is buffered, 2 is mailbox.
    pub const MODE: u8 = 0x03;
    /// Mailbox mode.
    pub const MAILBOX: u8 = 0x02;
    /// Mask of the direction; 0: the MainDevice reads, 1 (0x04): it writes.
    pub const DIRECTION: u8 = 0x0c;
    /// The MainDevice writes.
    pub const WRITE: u8 = 0x04;
    /// Interrupt towards the MainDevice.
    pub const ECAT_EVENT: u8 = 0x10;
    /// Interrupt towards the local application.
    pub const PDI_EVENT: u8 = 0x20;
    /// Watchdog trigger.
    pub const WATCHDOG: u8 = 0x40;
}

/// Bits of the status byte.
pub mod status {
    /// Mailbox is full (mailbox mode).
    pub const MAILBOX_FULL: u8 = 0x08;
}

/// Bits of the activate byte.
pub mod activate {
    /// The channel is on.
    pub const ENABLE: u8 = 0x01;
    /// Repeat request: toggled by the MainDevice to have the last mail again.
    pub const REPEAT: u8 = 0x02;
}

/// Register offset of channel `n` (0 to 15).
#[must_use]
pub const fn register(n: u8) -> u16 {
    let offset = (n as u16).saturating_mul(8);
    register::SYNC_MANAGER.saturating_add(offset)
}

/// One channel as a value. Status and PDI control are the SubDevice's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncManager {
    /// First byte in physical memory.
    pub start: u16,
    /// Length in bytes.
    pub length: u16,
    /// Mode, direction and events: see [`control`].
    pub control: u8,
    /// See [`status`]. Written as 0.
    pub status: u8,
    /// See [`activate`].
    pub activate: u8,
    /// PDI control. Written as 0.
    pub pdi_control: u8,
}

impl SyncManager {
    /// Whether the channel is on.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.activate & activate::ENABLE != 0
    }

    /// Whether it is in mailbox mode.
    #[must_use]
    pub const fn is_mailbox(&self) -> bool {
        self.control & control::MODE == control::MAILBOX
    }

    /// Whether the MainDevice writes to it.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        self.control & control::DIRECTION == control::WRITE
    }

    /// Reads a channel.
    ///
    /// # Errors
    /// `Truncated` below 8 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [control, status, activate, pdi_control] = field::array(bytes, 4)?;
        Ok(Self {
            start: field::u16_at(bytes, 0)?,
            length: field::u16_at(bytes, 2)?,
            control,
            status,
            activate,
            pdi_control,
        })
    }

    /// The channel's 8 bytes.
    #[must_use]
    pub fn emit(&self) -> [u8; LEN] {
        let [s0, s1] = self.start.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        [s0, s1, l0, l1, self.control, self.status, self.activate, self.pdi_control]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_and_parses_literal_bytes() {
        let channel = SyncManager { start: 0x1000, length: 128, control: 0x26, status: 0, activate: 1, pdi_control: 0 };
        let bytes = [0x00, 0x10, 0x80, 0x00, 0x26, 0x00, 0x01, 0x00];
        assert_eq!(channel.emit(), bytes);
        assert_eq!(SyncManager::parse(&bytes), Ok(channel));
        assert!(channel.is_mailbox() && channel.is_written() && channel.enabled());
        assert!(SyncManager::parse(&bytes[..7]).is_err());
    }
}
