//! DL control (0x0100) and DL status (0x0110) (ETG.1000.4, 6.2, tables 33 and 34; ET1100 data sheet, section II).

use crate::WireError;
use crate::codes::word_register;
use crate::field;

/// Ports of an ESC.
pub const PORTS: u8 = 4;

/// How an ESC treats the loop of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LoopControl {
    /// Closed without a link, open with one.
    #[default]
    Auto,
    /// Closed without a link; opened by writing this register after the link is there.
    AutoClose,
    /// Open, link or not: frames are lost behind a port without one.
    Open,
    /// Closed.
    Closed,
}

impl LoopControl {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::Auto,
            1 => Self::AutoClose,
            2 => Self::Open,
            _ => Self::Closed,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Auto => 0,
            Self::AutoClose => 1,
            Self::Open => 2,
            Self::Closed => 3,
        }
    }
}

/// DL control as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DlControl {
    /// Frames that aren't EtherCAT are destroyed, and the source address is marked (the power-up value).
    pub ethercat_only: bool,
    /// The loop settings hold for about a second only, then the old ones come back.
    pub temporary: bool,
    /// Loops of ports 0 to 3.
    pub loops: [LoopControl; 4],
    /// Size of the receive FIFO, 0 to 7 (7 is the power-up value).
    pub fifo: u8,
    /// Low jitter on the E-bus.
    pub ebus_low_jitter: bool,
    /// The station alias may be used as a configured address.
    pub alias: bool,
}

impl Default for DlControl {
    fn default() -> Self {
        Self {
            ethercat_only: true,
            temporary: false,
            loops: [LoopControl::Auto; 4],
            fifo: 7,
            ebus_low_jitter: false,
            alias: false,
        }
    }
}

impl DlControl {
    /// Reads the register.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let [rule, loops, fifo, alias] = field::array(bytes, 0)?;
        Ok(Self {
            ethercat_only: rule & 0x01 != 0,
            temporary: rule & 0x02 != 0,
            loops: [loops, loops >> 2, loops >> 4, loops >> 6].map(LoopControl::from_bits),
            fifo: fifo & 0x07,
            ebus_low_jitter: fifo & 0x08 != 0,
            alias: alias & 0x01 != 0,
        })
    }

    /// The register's 4 bytes.
    #[must_use]
    pub fn emit(&self) -> [u8; 4] {
        let [l0, l1, l2, l3] = self.loops.map(LoopControl::bits);
        [
            u8::from(self.ethercat_only) | u8::from(self.temporary) << 1,
            l0 | l1 << 2 | l2 << 4 | l3 << 6,
            self.fifo & 0x07 | u8::from(self.ebus_low_jitter) << 3,
            u8::from(self.alias),
        ]
    }
}

/// DL status as the SubDevice shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DlStatus(pub u16);

word_register!(DlStatus);

impl DlStatus {
    /// The local application's interface works and the SII is loaded.
    pub const PDI_OPERATIONAL: u16 = 1 << 0;
    /// The PDI watchdog has not expired.
    pub const PDI_WATCHDOG: u16 = 1 << 1;
    /// Enhanced link detection is on for at least one port.
    pub const ENHANCED_LINK: u16 = 1 << 2;

    /// Whether the local application's interface works.
    #[must_use]
    pub const fn pdi_operational(self) -> bool {
        self.any(Self::PDI_OPERATIONAL)
    }

    /// Whether the PDI watchdog has not expired.
    #[must_use]
    pub const fn pdi_watchdog_alive(self) -> bool {
        self.any(Self::PDI_WATCHDOG)
    }

    /// Whether a port (0 to 3) has a physical link. False for other ports.
    #[must_use]
    pub const fn link(self, port: u8) -> bool {
        self.bit(port, 4, 1)
    }

    /// Whether the loop of a port is closed: nothing goes out there. True for other ports.
    #[must_use]
    pub const fn loop_closed(self, port: u8) -> bool {
        port >= PORTS || self.bit(port, 8, 2)
    }

    /// Whether communication on a port is established.
    #[must_use]
    pub const fn communication(self, port: u8) -> bool {
        self.bit(port, 9, 2)
    }

    /// Whether frames go through a port: its loop is open and communication is established.
    #[must_use]
    pub const fn open(self, port: u8) -> bool {
        !self.loop_closed(port) && self.communication(port)
    }

    /// The same status with link, loop and communication of a port set, as a segment does it.
    #[must_use]
    pub const fn with_port(self, port: u8, link: bool, loop_closed: bool, communication: bool) -> Self {
        let status = self.with(port, 4, 1, link);
        status.with(port, 8, 2, loop_closed).with(port, 9, 2, communication)
    }

    const fn mask(port: u8, first: u8, stride: u8) -> u16 {
        if port < PORTS {
            let shift = port.saturating_mul(stride).saturating_add(first);
            match 1u16.checked_shl(shift as u32) {
                Some(mask) => mask,
                None => 0,
            }
        } else {
            0
        }
    }

    const fn bit(self, port: u8, first: u8, stride: u8) -> bool {
        self.any(Self::mask(port, first, stride))
    }

    const fn with(self, port: u8, first: u8, stride: u8, value: bool) -> Self {
        let mask = Self::mask(port, first, stride);
        Self(if value { self.0 | mask } else { self.0 & !mask })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The last SubDevice of a line: a link on port 0 only, its loop open, all others closed.
    const LAST: [u8; 2] = [0x11, 0x56];
    // One in the middle of a line: ports 0 and 1.
    const MIDDLE: [u8; 2] = [0x31, 0x5a];

    #[test]
    fn reads_the_ports_of_literal_bytes() {
        let last = DlStatus::parse(&LAST).unwrap();
        assert!(last.pdi_operational() && !last.pdi_watchdog_alive());
        let open: std::vec::Vec<_> = (0..5).map(|port| last.open(port)).collect();
        assert_eq!(open, [true, false, false, false, false]);
        assert!(last.link(0) && !last.link(1) && last.loop_closed(1) && !last.communication(1));
        let middle = DlStatus::parse(&MIDDLE).unwrap();
        assert!(middle.open(0) && middle.open(1) && !middle.open(2) && !middle.open(3));
        assert!(DlStatus::parse(&LAST[..1]).is_err());
    }

    #[test]
    fn sets_the_ports_of_literal_bytes() {
        let closed =
            (1..4).fold(DlStatus(DlStatus::PDI_OPERATIONAL), |status, port| status.with_port(port, false, true, false));
        let last = closed.with_port(0, true, false, true);
        assert_eq!(last.emit(), LAST);
        assert_eq!(last.with_port(1, true, false, true).emit(), MIDDLE);
        assert_eq!(last.with_port(4, true, true, true), last);
    }

    #[test]
    fn control_is_four_literal_bytes() {
        assert_eq!(DlControl::default().emit(), [0x01, 0x00, 0x07, 0x00]);
        let mut control = DlControl { temporary: true, alias: true, ..DlControl::default() };
        control.loops[1] = LoopControl::Closed;
        control.loops[3] = LoopControl::Open;
        assert_eq!(control.emit(), [0x03, 0x8c, 0x07, 0x01]);
        assert_eq!(DlControl::parse(&control.emit()), Ok(control));
        assert!(DlControl::parse(&[0; 3]).is_err());
    }
}
