//! Write protection of registers and of the whole ESC (ET1100 data sheet, section I, 17.3, and section II, 0x0020 to
//! 0x0031). Write enable holds until the frame that set it has passed.

use super::{Esc, Pending};

const REGISTER_ENABLE: u16 = 0x0020;
const REGISTER_PROTECTION: u16 = 0x0021;
const ESC_ENABLE: u16 = 0x0030;
const ESC_PROTECTION: u16 = 0x0031;
/// First address that register protection leaves alone: user RAM.
const UNPROTECTED: usize = 0x0F80;

/// What is protected, and what this frame may write all the same.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Protection {
    registers: bool,
    esc: bool,
    registers_enabled: bool,
    esc_enabled: bool,
}

impl Protection {
    /// Whether anything is protected.
    pub(super) const fn is_on(self) -> bool {
        self.registers || self.esc
    }

    /// First address that the network may write now; `None` for none.
    pub(super) const fn first_writable(self) -> Option<usize> {
        if self.esc && !self.esc_enabled {
            None
        } else if self.registers && !self.registers_enabled {
            Some(UNPROTECTED)
        } else {
            Some(0)
        }
    }
}

impl Esc {
    /// Writes with what is protected left out: write enables are seen first, wherever they stand in the data.
    pub(super) fn write_protected(&mut self, address: u16, data: &[u8]) -> bool {
        let mut admitted = false;
        for (at, byte) in (address..).zip(data) {
            if matches!(at, REGISTER_ENABLE | ESC_ENABLE) {
                admitted |= self.write_protection(at, *byte);
            }
        }
        let Some(first) = self.protection.first_writable() else { return admitted };
        let skipped = first.saturating_sub(usize::from(address)).min(data.len());
        let start = address.wrapping_add(u16::try_from(skipped).unwrap_or(u16::MAX));
        let rest = data.get(skipped..).unwrap_or_default();
        admitted | (!rest.is_empty() && self.write_admitted(start, rest))
    }

    /// Writes one of the registers of protection.
    pub(super) fn write_protection(&mut self, address: u16, byte: u8) -> bool {
        let on = byte & 1 != 0;
        match address {
            REGISTER_ENABLE => self.protection.registers_enabled = on,
            ESC_ENABLE => self.protection.esc_enabled = on,
            REGISTER_PROTECTION => self.protection.registers = on,
            ESC_PROTECTION => self.protection.esc = on,
            _ => return false,
        }
        if matches!(address, REGISTER_PROTECTION | ESC_PROTECTION) {
            self.memory.set_byte(address, byte & 1);
        }
        self.note(Pending::WRITE_ENABLE);
        true
    }

    /// The frame has passed.
    pub(super) fn end_write_enable(&mut self) {
        self.protection.registers_enabled = false;
        self.protection.esc_enabled = false;
    }
}
