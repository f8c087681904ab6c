//! FMMU entity: maps bits of the logical address space to physical memory (ETG.1000.4, 6.6.1, table 56).

use crate::field;
use crate::{WireError, register};

/// Bytes of one entity.
pub const LEN: usize = 16;

/// Offset of the byte that switches an entity on.
pub const ACTIVE: u16 = 12;

/// Register offset of FMMU `n` (0 to 15).
#[must_use]
pub const fn register(n: u8) -> u16 {
    let offset = (n as u16).saturating_mul(16);
    register::FMMU.saturating_add(offset)
}

/// One FMMU as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fmmu {
    /// First logical byte.
    pub logical_start: u32,
    /// Logical bytes that are touched, the first and last in part.
    pub length: u16,
    /// First bit in the first logical byte, 0 to 7.
    pub logical_start_bit: u8,
    /// Last bit in the last logical byte, 0 to 7.
    pub logical_end_bit: u8,
    /// First physical byte.
    pub physical_start: u16,
    /// First bit in the first physical byte, 0 to 7.
    pub physical_start_bit: u8,
    /// The MainDevice reads through it (inputs).
    pub read: bool,
    /// The MainDevice writes through it (outputs).
    pub write: bool,
    /// It is switched on.
    pub active: bool,
}

impl Fmmu {
    /// An active FMMU over whole bytes.
    #[must_use]
    pub const fn bytes(logical_start: u32, length: u16, physical_start: u16, read: bool, write: bool) -> Self {
        Self {
            logical_start,
            length,
            logical_start_bit: 0,
            logical_end_bit: 7,
            physical_start,
            physical_start_bit: 0,
            read,
            write,
            active: true,
        }
    }

    /// Reads an entity.
    ///
    /// # Errors
    /// `Truncated` below 16 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [start_bit, end_bit] = field::array(bytes, 6)?;
        let [physical_start_bit, direction, active, _] = field::array(bytes, 10)?;
        field::u16_at(bytes, 14)?;
        Ok(Self {
            logical_start: field::u32_at(bytes, 0)?,
            length: field::u16_at(bytes, 4)?,
            logical_start_bit: start_bit & 7,
            logical_end_bit: end_bit & 7,
            physical_start: field::u16_at(bytes, 8)?,
            physical_start_bit: physical_start_bit & 7,
            read: direction & 1 != 0,
            write: direction & 2 != 0,
            active: active & 1 != 0,
        })
    }

    /// The entity's 16 bytes.
    #[must_use]
    pub fn emit(&self) -> [u8; LEN] {
        let [l0, l1, l2, l3] = self.logical_start.to_le_bytes();
        let [n0, n1] = self.length.to_le_bytes();
        let [p0, p1] = self.physical_start.to_le_bytes();
        let direction = u8::from(self.read) | u8::from(self.write) << 1;
        let (start, end, physical) =
            (self.logical_start_bit & 7, self.logical_end_bit & 7, self.physical_start_bit & 7);
        [l0, l1, l2, l3, n0, n1, start, end, p0, p1, physical, direction, u8::from(self.active), 0, 0, 0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_and_parses_literal_bytes() {
        let fmmu = Fmmu::bytes(0x0001_0002, 4, 0x1100, false, true);
        let bytes = [2, 0, 1, 0, 4, 0, 0, 7, 0x00, 0x11, 0, 2, 1, 0, 0, 0];
        assert_eq!(fmmu.emit(), bytes);
        assert_eq!(Fmmu::parse(&bytes), Ok(fmmu));
        assert!(Fmmu::parse(&bytes[..15]).is_err());
    }

    #[test]
    fn registers_are_sixteen_bytes_apart() {
        assert_eq!((register(0), register(1), register(15)), (0x0600, 0x0610, 0x06f0));
    }
}
