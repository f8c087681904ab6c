//! Index groups that SubDevices serve, and what their index offsets mean.

/// The router: with [`NET_ID`], the NetID of the SubDevice is written.
pub const ROUTER: u32 = 1;
/// Offset in [`ROUTER`] of its NetID.
pub const NET_ID: u32 = 3;
/// SDO read and write: index in the upper word, [`COMPLETE_ACCESS`], subindex in the lowest byte.
pub const SDO: u32 = 0xf302;
/// Bit of an offset in [`SDO`]: complete access.
pub const COMPLETE_ACCESS: u32 = 0x100;
/// Bits of an offset in [`SDO`] that must be 0.
pub const SDO_RESERVED: u32 = 0xfe00;
/// SDO information, list: type in the upper word. The data begin with the type.
pub const SDO_LIST: u32 = 0xf3fc;
/// SDO information, object: index in the upper word.
pub const SDO_OBJECT: u32 = 0xf3fd;
/// SDO information, entry: index in the upper word, value info and subindex in the lower one.
pub const SDO_ENTRY: u32 = 0xf3fe;
/// FoE: opens a file to be read; its name is written, the handle read. The offset is the password.
pub const FOE_OPEN_READ: u32 = 0xf401;
/// FoE: opens a file to be written, in the same way.
pub const FOE_OPEN_WRITE: u32 = 0xf402;
/// FoE: closes the file whose handle is the offset.
pub const FOE_CLOSE: u32 = 0xf403;
/// FoE: reads from the file whose handle is the offset.
pub const FOE_READ: u32 = 0xf404;
/// FoE: writes to the file whose handle is the offset.
pub const FOE_WRITE: u32 = 0xf405;
/// FoE: how far the file is whose handle is the offset.
pub const FOE_PROGRESS: u32 = 0xf406;
/// SoE: bit 27 procedure command, bits 24 to 26 drive, 16 to 23 elements, 0 to 15 IDN.
pub const SOE: u32 = 0xf420;
/// VoE.
pub const VOE: u32 = 0xf430;

/// The offset of an entry in [`SDO`] and [`SDO_ENTRY`].
#[must_use]
pub const fn entry(index: u16, subindex: u8) -> u32 {
    (index as u32) << 16 | subindex as u32
}

/// The offset of an object with all its subindices from one on in [`SDO`].
#[must_use]
pub const fn complete(index: u16, subindex: u8) -> u32 {
    entry(index, subindex) | COMPLETE_ACCESS
}
