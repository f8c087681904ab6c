//! Kinds of ESCs: what each of them has, and what it says about itself.
//!
//! The values were read from devices: `sim/tests/hardware` has the frames. What no frame shows (the number of FMMUs of
//! an ET1200 for example) is from the data sheets.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An ESC by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EscModel {
    /// An ET1100 with four ports on the E-bus.
    Et1100,
    /// The ET1100 of a coupler (EK1100, EK1914): ports 0 and 2 are Ethernet, port 1 is on the E-bus.
    Ek1100,
    /// An ET1200, as in an EL1004, EL2828 or EL3004.
    Et1200,
    /// An ET1200 without the enhanced SYNC unit, as in an EL2004 or EL2889.
    Et1200Early,
    /// The IP core of a Kollmorgen AKD: an emulated SII, a clock of 32 bits, and firmware that takes its time to read
    /// AL control.
    Akd,
    /// A Microchip LAN9252 with a microcontroller that polls it.
    Lan9252,
}

/// What an ESC is. The defaults of a profile stand in its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EscKind {
    /// Register 0x0000.
    pub(crate) kind: u8,
    /// Register 0x0001.
    pub(crate) revision: u8,
    /// Register 0x0002.
    pub(crate) build: u16,
    /// FMMUs, at most 16.
    pub(crate) fmmus: u8,
    /// Sync managers, at most 16.
    pub(crate) sync_managers: u8,
    /// Process data RAM in KiB.
    pub(crate) ram_kib: u8,
    /// Register 0x0007.
    pub(crate) ports: u8,
    /// Register 0x0008, without the bit that says that there is no LRW.
    pub(crate) features: u16,
    /// Register 0x0102 after power-on: FIFO size, and signalling on the E-bus.
    pub(crate) fifo: u8,
    /// Register 0x0502 while nothing is done: how wide reads are, and whether the memory is emulated.
    pub(crate) sii_status: u16,
    /// Bits of the clock; 0 where there are receive times and no system time.
    pub(crate) clock_bits: u8,
    /// Receive times before the first is latched.
    pub(crate) stamps: [[u8; 4]; 4],
    /// Register 0x0140 where it doesn't come from the SII.
    pub(crate) pdi_control: Option<u16>,
    /// Time until the application reads what was written to AL control. Without device emulation the register takes no
    /// other write before.
    pub(crate) al_latency: Duration,
    /// Frames after which it does so in any case: a segment in software is asked faster than one on a cable.
    pub(crate) al_frames: u8,
    /// Whether LRW is processed.
    pub(crate) lrw: bool,
}

/// Bit 6 of the SII status: eight bytes are read at a time, else four (ETG.1000.4, table 48).
pub(super) const READS_EIGHT: u16 = 1 << 6;
/// Bit 7: the memory has addresses of two bytes.
pub(super) const TWO_ADDRESS_BYTES: u16 = 1 << 7;
/// Bit 5: the application emulates the memory.
const EMULATED: u16 = 1 << 5;
/// Shown by an ET1200 until its application starts; no document says what it means.
const ET1200_BIT: u16 = 1 << 4;

/// What Beckhoff's ESCs show in place of receive times.
const BECKHOFF: [[u8; 4]; 4] = [*b"Beck", *b"hoff", [0; 4], *b"Verl"];
/// Firmware that polls AL control: the next frame 0.6 ms after a write found it not read by any AKD or LAN9252 board; 7 ms
/// and a dozen frames later it was, by most.
const FIRMWARE: Duration = Duration::from_millis(5);
const FIRMWARE_FRAMES: u8 = 3;
/// The type of a port: not configured, E-bus, MII (ETG.1000.4, table 31).
const E_BUS: u8 = 2;

const ET1100: EscKind = EscKind {
    kind: 0x11,
    revision: 0,
    build: 3,
    fmmus: 8,
    sync_managers: 8,
    ram_kib: 8,
    ports: 0xaa,
    features: 0x00fc,
    fifo: 0xc7,
    sii_status: READS_EIGHT,
    clock_bits: 64,
    stamps: BECKHOFF,
    pdi_control: None,
    al_latency: Duration::ZERO,
    al_frames: u8::MAX,
    lrw: true,
};

const ET1200: EscKind = EscKind {
    kind: 0x12,
    revision: 1,
    build: 1,
    fmmus: 3,
    sync_managers: 4,
    ram_kib: 1,
    ports: 0x4a,
    features: 0x01fc,
    sii_status: READS_EIGHT | ET1200_BIT,
    ..ET1100
};

const AKD: EscKind = EscKind {
    kind: 0x04,
    revision: 2,
    build: 0x43,
    fmmus: 3,
    sync_managers: 4,
    ram_kib: 4,
    ports: 0x0f,
    features: 0x0184,
    fifo: 0x07,
    sii_status: EMULATED,
    clock_bits: 32,
    stamps: [*b"Beck", *b"hoff", [0; 4], [0; 4]],
    pdi_control: Some(0x0c08),
    al_latency: FIRMWARE,
    al_frames: FIRMWARE_FRAMES,
    ..ET1100
};

const LAN9252: EscKind = EscKind {
    kind: 0xc0,
    revision: 2,
    build: 0,
    fmmus: 3,
    sync_managers: 4,
    ram_kib: 4,
    ports: 0x1f,
    features: 0x01cc,
    fifo: 0x07,
    sii_status: TWO_ADDRESS_BYTES,
    stamps: [*b"Ethe", *b"rCAT", [0; 4], [0; 4]],
    al_latency: FIRMWARE,
    al_frames: FIRMWARE_FRAMES,
    ..ET1100
};

impl EscModel {
    /// What it is.
    pub(crate) const fn kind(self) -> EscKind {
        match self {
            Self::Et1100 => ET1100,
            Self::Ek1100 => EscKind { ports: 0x3b, ..ET1100 },
            Self::Et1200 => ET1200,
            Self::Et1200Early => EscKind { features: 0x00fc, sii_status: READS_EIGHT, ..ET1200 },
            Self::Akd => AKD,
            Self::Lan9252 => LAN9252,
        }
    }
}

/// Vendors that are known.
const BECKHOFF_VENDOR: u32 = 0x0000_0002;
const MICROCHIP_VENDOR: u32 = 0x0000_0009;
const KOLLMORGEN_VENDOR: u32 = 0x0000_006a;

/// The ESC of a device that is known by vendor and product code, and the bits of its clock: 0 where it has receive
/// times and no system time.
pub(crate) const fn known(vendor: u32, product: u32) -> Option<(EscModel, u8)> {
    Some(match (vendor, product) {
        // EK1100.
        (BECKHOFF_VENDOR, 0x044c_2c52) => (EscModel::Ek1100, 64),
        // EK1914.
        (BECKHOFF_VENDOR, 0x077a_2c52) => (EscModel::Ek1100, 0),
        // EL1004, EL2828, EL3004.
        (BECKHOFF_VENDOR, 0x03ec_3052 | 0x0b0c_3052 | 0x0bbc_3052) => (EscModel::Et1200, 0),
        // EL2004.
        (BECKHOFF_VENDOR, 0x07d4_3052) => (EscModel::Et1200Early, 0),
        // EL2889.
        (BECKHOFF_VENDOR, 0x0b49_3052) => (EscModel::Et1200Early, 64),
        // AKD.
        (KOLLMORGEN_VENDOR, 0x0041_4b44) => (EscModel::Akd, 32),
        // LAN9252-EVB.
        (MICROCHIP_VENDOR, 0x0000_9252) => (EscModel::Lan9252, 64),
        _ => return None,
    })
}

impl EscKind {
    /// The same with as many FMMUs, sync managers and KiB of RAM as a device uses, where it has fewer.
    pub(crate) fn with_room(self, fmmus: usize, sync_managers: usize, end: usize) -> Self {
        let least = |had: u8, used: usize| had.max(u8::try_from(used.min(16)).unwrap_or(16));
        let ram = end.saturating_sub(0x1000).div_ceil(1024).min(60);
        Self {
            fmmus: least(self.fmmus, fmmus),
            sync_managers: least(self.sync_managers, sync_managers),
            ram_kib: self.ram_kib.max(u8::try_from(ram).unwrap_or(60)),
            ..self
        }
    }

    /// Register 0x0007 with a port in use: it is there, on the E-bus where nothing else is known.
    pub(super) const fn with_port(ports: u8, port: usize) -> u8 {
        let at = 2 * port;
        if ports >> at & 3 < E_BUS { ports & !(3 << at) | E_BUS << at } else { ports }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_in_use_is_there() {
        assert_eq!(EscKind::with_port(0x4a, 3), 0x8a);
        assert_eq!(EscKind::with_port(0x4a, 2), 0x6a);
        assert_eq!(EscKind::with_port(0x3b, 2), 0x3b);
    }

    #[test]
    fn room_is_made_where_a_device_needs_it_and_nothing_is_taken_away() {
        let kind = EscModel::Et1200.kind();
        assert_eq!(kind.with_room(1, 1, 0x1001), kind);
        assert_eq!(kind.with_room(4, 20, 0x1801), EscKind { fmmus: 4, sync_managers: 16, ram_kib: 3, ..kind });
        assert_eq!(kind.with_room(0, 0, 0x20000).ram_kib, 60);
    }
}
