//! The general category (ETG.1000.6, table 21; ETG.2010, table 7).

use crate::WireError;
use crate::field;

/// Bytes of the category.
pub const LEN: usize = 32;
/// Bytes that must be there to be read; older images end behind the E-bus current.
pub const SHORTEST: usize = 14;

/// Bits of the CoE details.
pub mod coe {
    /// SDO transfer.
    pub const SDO: u8 = 1 << 0;
    /// SDO information service.
    pub const SDO_INFO: u8 = 1 << 1;
    /// PDO assignment can be written.
    pub const PDO_ASSIGN: u8 = 1 << 2;
    /// PDO mapping can be written.
    pub const PDO_CONFIG: u8 = 1 << 3;
    /// PDOs are to be read from the object dictionary at start-up.
    pub const UPLOAD_AT_STARTUP: u8 = 1 << 4;
    /// Complete access.
    pub const COMPLETE_ACCESS: u8 = 1 << 5;
}

/// Bits of the flags.
pub mod flags {
    /// SAFE-OP is supported.
    pub const SAFE_OP: u8 = 1 << 0;
    /// LRW is not supported.
    pub const NOT_LRW: u8 = 1 << 1;
    /// The mailbox data link layer (repeat) is supported.
    pub const MAILBOX_DATA_LINK: u8 = 1 << 2;
    /// Identification by AL status code.
    pub const IDENT_AL_STATUS: u8 = 1 << 3;
    /// Identification by physical memory.
    pub const IDENT_MEMORY: u8 = 1 << 4;
}

/// What is at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// Not used.
    Unused,
    /// MII or RMII.
    Mii,
    /// E-bus (LVDS).
    Ebus,
    /// Fast hot connect.
    FastHotConnect,
    /// Reserved value.
    Reserved(u8),
}

/// The general category as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct General {
    /// String: group.
    pub group: u8,
    /// String: image.
    pub image: u8,
    /// String: order number.
    pub order: u8,
    /// String: name of the device.
    pub name: u8,
    /// See [`coe`].
    pub coe: u8,
    /// Bit 0: FoE.
    pub foe: u8,
    /// Bit 0: EoE.
    pub eoe: u8,
    /// See [`flags`].
    pub flags: u8,
    /// Current taken from the E-bus in mA; negative if it supplies current.
    pub ebus_current: i16,
    /// Kinds of the ports, four bits each: see [`General::port`].
    pub ports: u16,
    /// Where its identification is read, with [`flags::IDENT_MEMORY`].
    pub ident_address: u16,
}

impl General {
    /// Reads the category's data.
    ///
    /// # Errors
    /// `Truncated` below 14 bytes; what is missing behind them is 0.
    pub fn parse(data: &[u8]) -> Result<Self, WireError> {
        let [group, image, order, name, _, coe, foe, eoe, _, _, _, flags] = field::array(data, 0)?;
        Ok(Self {
            group,
            image,
            order,
            name,
            coe,
            foe,
            eoe,
            flags,
            ebus_current: i16::from_le_bytes(field::array(data, 12)?),
            ports: field::u16_at(data, 16).unwrap_or_default(),
            ident_address: field::u16_at(data, 18).unwrap_or_default(),
        })
    }

    /// Writes the category's data and returns their length, 32.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit(&self, data: &mut [u8]) -> Result<usize, WireError> {
        data.get_mut(..LEN).ok_or(WireError::NoRoom)?.fill(0);
        field::put(data, 0, &[self.group, self.image, self.order, self.name, 0])?;
        field::put(data, 5, &[self.coe, self.foe, self.eoe, 0, 0, 0, self.flags])?;
        field::put(data, 12, &self.ebus_current.to_le_bytes())?;
        field::put(data, 14, &[self.group])?;
        field::put_words(data, 16, [self.ports, self.ident_address])?;
        Ok(LEN)
    }

    /// What is at port 0 to 3.
    #[must_use]
    pub fn port(&self, port: u8) -> PortKind {
        let nibble = self.ports.checked_shr(u32::from(port).saturating_mul(4)).unwrap_or_default() & 0x0f;
        match nibble.to_le_bytes() {
            [0, _] => PortKind::Unused,
            [1, _] => PortKind::Mii,
            [3, _] => PortKind::Ebus,
            [4, _] => PortKind::FastHotConnect,
            [other, _] => PortKind::Reserved(other),
        }
    }

    /// Whether it supports LRW, according to the SII.
    #[must_use]
    pub const fn lrw(&self) -> bool {
        self.flags & flags::NOT_LRW == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const GENERAL: [u8; 32] = [
        0x02, 0x00, 0x01, 0x04, 0x00, 0x23, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02, 0x30, 0xf8, 0x02, 0x00,
        0x31, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn reads_and_writes_literal_bytes() {
        let general = General::parse(&GENERAL).unwrap();
        assert_eq!((general.group, general.order, general.name), (2, 1, 4));
        assert_eq!(general.coe, coe::SDO | coe::SDO_INFO | coe::COMPLETE_ACCESS);
        assert_eq!((general.foe, general.eoe, general.lrw()), (1, 0, false));
        assert_eq!(general.ebus_current, -2000);
        assert_eq!(
            (general.port(0), general.port(1), general.port(2)),
            (PortKind::Mii, PortKind::Ebus, PortKind::Unused)
        );
        let mut bytes = [0xee; 32];
        assert_eq!(general.emit(&mut bytes), Ok(32));
        assert_eq!(bytes, GENERAL);
    }

    #[test]
    fn an_old_short_category_is_read() {
        assert_eq!(General::parse(&GENERAL[..14]).unwrap().ports, 0);
        assert!(General::parse(&GENERAL[..13]).is_err());
        assert_eq!(General::parse(&GENERAL).unwrap().port(200), PortKind::Unused);
    }
}
