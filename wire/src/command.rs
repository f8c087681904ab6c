//! Datagram commands and their addresses (ETG.1000.4, 5.4.1, table 11 and following).

use crate::codes::coded_enum;

coded_enum! {
    /// What a SubDevice does with a datagram.
    pub enum Command: u8 {
        /// No operation: passes untouched.
        Nop = 0,
        /// Auto-increment physical read.
        Aprd = 1,
        /// Auto-increment physical write.
        Apwr = 2,
        /// Auto-increment physical read and write.
        Aprw = 3,
        /// Configured-address physical read.
        Fprd = 4,
        /// Configured-address physical write.
        Fpwr = 5,
        /// Configured-address physical read and write.
        Fprw = 6,
        /// Broadcast read: each SubDevice ORs its bytes in.
        Brd = 7,
        /// Broadcast write.
        Bwr = 8,
        /// Broadcast read and write.
        Brw = 9,
        /// Logical read.
        Lrd = 10,
        /// Logical write.
        Lwr = 11,
        /// Logical read and write.
        Lrw = 12,
        /// Auto-increment physical read, multiple write: the addressed one reads, all others write.
        Armw = 13,
        /// Configured-address physical read, multiple write.
        Frmw = 14,
    }
}

impl Command {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether the address is one 32-bit logical address.
    #[must_use]
    pub const fn is_logical(self) -> bool {
        matches!(self, Self::Lrd | Self::Lwr | Self::Lrw)
    }
}

/// The 32-bit address field of a datagram: position or station and register, or a logical address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub u32);

impl Address {
    /// SubDevice at `position` (0-based) from the MainDevice, by auto-increment: sent as `-position`.
    #[must_use]
    pub const fn position(position: u16, register: u16) -> Self {
        Self::parts(0u16.wrapping_sub(position), register)
    }

    /// SubDevice with the configured station address `station`.
    #[must_use]
    pub const fn station(station: u16, register: u16) -> Self {
        Self::parts(station, register)
    }

    /// All SubDevices.
    #[must_use]
    pub const fn broadcast(register: u16) -> Self {
        Self::parts(0, register)
    }

    /// A byte in the 4 GiB logical address space.
    #[must_use]
    pub const fn logical(address: u32) -> Self {
        Self(address)
    }

    /// The address field from its two halves, ADP (first on the wire) and ADO.
    #[must_use]
    pub const fn parts(adp: u16, ado: u16) -> Self {
        Self((ado as u32) << 16 | adp as u32)
    }

    /// First half: position counter or station address.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "takes the low half")]
    pub const fn adp(self) -> u16 {
        self.0 as u16
    }

    /// Second half: register or memory offset.
    #[must_use]
    pub const fn ado(self) -> u16 {
        (self.0 >> 16) as u16
    }
}
