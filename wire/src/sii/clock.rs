//! The DC category: modes of operation with distributed clocks (ETG.2010, table 12).

use crate::WireError;
use crate::field;

/// Bytes of one mode.
pub const LEN: usize = 24;

/// One mode of operation. The first is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockMode {
    /// SYNC0 cycle time in ns; 0: that of the MainDevice.
    pub cycle_time_0: u32,
    /// SYNC0 shift time in ns.
    pub shift_time_0: i32,
    /// SYNC1 shift time in ns.
    pub shift_time_1: i32,
    /// SYNC1 cycle as a factor of SYNC0's.
    pub sync1_cycle_factor: i16,
    /// Word for the registers 0x0980 and 0x0981.
    pub assign_activate: u16,
    /// SYNC0 cycle as a factor of the MainDevice's.
    pub sync0_cycle_factor: i16,
    /// String: name.
    pub name: u8,
    /// String: description.
    pub description: u8,
}

impl ClockMode {
    /// Reads one mode.
    ///
    /// # Errors
    /// `Truncated` below 24 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        field::array::<LEN>(bytes, 0)?;
        Ok(Self {
            cycle_time_0: field::u32_at(bytes, 0)?,
            shift_time_0: i32::from_le_bytes(field::array(bytes, 4)?),
            shift_time_1: i32::from_le_bytes(field::array(bytes, 8)?),
            sync1_cycle_factor: i16::from_le_bytes(field::array(bytes, 12)?),
            assign_activate: field::u16_at(bytes, 14)?,
            sync0_cycle_factor: i16::from_le_bytes(field::array(bytes, 16)?),
            name: field::u8_at(bytes, 18)?,
            description: field::u8_at(bytes, 19)?,
        })
    }

    /// Writes the mode and returns its length, 24.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        field::put(bytes, 20, &[0; 4])?;
        field::put(bytes, 0, &self.cycle_time_0.to_le_bytes())?;
        field::put(bytes, 4, &self.shift_time_0.to_le_bytes())?;
        field::put(bytes, 8, &self.shift_time_1.to_le_bytes())?;
        field::put(bytes, 12, &self.sync1_cycle_factor.to_le_bytes())?;
        field::put(bytes, 14, &self.assign_activate.to_le_bytes())?;
        field::put(bytes, 16, &self.sync0_cycle_factor.to_le_bytes())?;
        field::put(bytes, 18, &[self.name, self.description])?;
        Ok(LEN)
    }

    /// Walks a DC category. An incomplete mode at the end is left out.
    pub fn walk(data: &[u8]) -> impl Iterator<Item = Self> + use<'_> {
        data.chunks_exact(LEN).filter_map(|bytes| Self::parse(bytes).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_and_parses_literal_bytes() {
        #[rustfmt::skip]
        let bytes = [
            0x40, 0x42, 0x0f, 0x00, 0xf0, 0xd8, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
            0x01, 0x00, 0x00, 0x03, 0xff, 0xff, 0x07, 0x08, 0x00, 0x00, 0x00, 0x00,
        ];
        let mode = ClockMode {
            cycle_time_0: 1_000_000,
            shift_time_0: -10_000,
            sync1_cycle_factor: 1,
            assign_activate: 0x0300,
            sync0_cycle_factor: -1,
            name: 7,
            description: 8,
            ..ClockMode::default()
        };
        assert_eq!(ClockMode::parse(&bytes), Ok(mode));
        let mut emitted = [0xee; 24];
        assert_eq!(mode.emit(&mut emitted), Ok(24));
        assert_eq!(emitted, bytes);
        assert_eq!(ClockMode::walk(&bytes[..23]).count(), 0);
    }
}
