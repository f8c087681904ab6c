//! The ESC register map (ETG.1000.4, 6; offsets as in the ET1100 data sheet, section II, table 2).
//!
//! Offsets are those of a byte in the SubDevice's 64 KiB physical memory. Multi-byte registers are little-endian.

/// ESC type, u8.
pub const TYPE: u16 = 0x0000;
/// Revision, u8.
pub const REVISION: u16 = 0x0001;
/// Build, u16.
pub const BUILD: u16 = 0x0002;
/// Number of FMMUs, u8.
pub const FMMU_COUNT: u16 = 0x0004;
/// Number of sync managers, u8.
pub const SYNC_MANAGER_COUNT: u16 = 0x0005;
/// Process data RAM in KiB, u8.
pub const RAM_SIZE: u16 = 0x0006;
/// Port descriptors, two bits a port, u8.
pub const PORT_DESCRIPTOR: u16 = 0x0007;
/// Features, u16: see [`features`].
pub const FEATURES: u16 = 0x0008;
/// Configured station address, u16.
pub const STATION_ADDRESS: u16 = 0x0010;
/// Station alias, u16, loaded from the SII.
pub const STATION_ALIAS: u16 = 0x0012;
/// DL control, u32.
pub const DL_CONTROL: u16 = 0x0100;
/// DL status, u16.
pub const DL_STATUS: u16 = 0x0110;
/// AL control, u16.
pub const AL_CONTROL: u16 = 0x0120;
/// AL status, u16.
pub const AL_STATUS: u16 = 0x0130;
/// AL status code, u16.
pub const AL_STATUS_CODE: u16 = 0x0134;
/// PDI control, u8.
pub const PDI_CONTROL: u16 = 0x0140;
/// Event mask towards the MainDevice, u16.
pub const EVENT_MASK: u16 = 0x0200;
/// Event request towards the MainDevice, u16.
pub const EVENT_REQUEST: u16 = 0x0210;
/// DL status event in both: a link or a loop changed, until the DL status is read (ET1100 data sheet, section II, 0x0210).
pub const DL_STATUS_EVENT: u16 = 1 << 2;
/// AL status event in both: the AL status changed, until it is read (ET1100 data sheet, section II, 0x0210).
pub const AL_STATUS_EVENT: u16 = 1 << 3;
/// Event of sync manager 1, usually the mailbox that is read: it is full (ET1100 data sheet, section II, 0x0210).
pub const MAIL_EVENT: u16 = 1 << 5;
/// AL event request towards the local application, u32.
pub const AL_EVENT_REQUEST: u16 = 0x0220;
/// RX error counters: invalid frame and physical error, a byte each, four ports.
pub const RX_ERRORS: u16 = 0x0300;
/// Forwarded RX errors, a byte a port.
pub const FORWARDED_ERRORS: u16 = 0x0308;
/// Processing unit errors, u8.
pub const PROCESSING_UNIT_ERRORS: u16 = 0x030C;
/// PDI errors, u8.
pub const PDI_ERRORS: u16 = 0x030D;
/// Lost links, a byte a port.
pub const LOST_LINKS: u16 = 0x0310;
/// Watchdog divider, u16: a tick is 40 ns * (divider + 2).
pub const WATCHDOG_DIVIDER: u16 = 0x0400;
/// PDI watchdog in ticks, u16.
pub const WATCHDOG_PDI: u16 = 0x0410;
/// Sync manager watchdog in ticks, u16. 0 switches it off.
pub const WATCHDOG_SYNC_MANAGER: u16 = 0x0420;
/// Sync manager watchdog status, u16: bit 0 set while it has not expired.
pub const WATCHDOG_STATUS: u16 = 0x0440;
/// Times that the sync manager watchdog expired, u8.
pub const WATCHDOG_COUNT: u16 = 0x0442;
/// SII configuration, u8.
pub const SII_CONFIG: u16 = 0x0500;
/// SII access by the PDI, u8.
pub const SII_PDI_ACCESS: u16 = 0x0501;
/// SII control and status, u16: see [`crate::sii`].
pub const SII_CONTROL: u16 = 0x0502;
/// SII word address, u32.
pub const SII_ADDRESS: u16 = 0x0504;
/// SII data, 4 or 8 bytes.
pub const SII_DATA: u16 = 0x0508;
/// First FMMU; each takes 16 bytes.
pub const FMMU: u16 = 0x0600;
/// First sync manager; each takes 8 bytes.
pub const SYNC_MANAGER: u16 = 0x0800;
/// DC receive time of port 0, u32; ports 1 to 3 follow. A write latches all of them.
pub const DC_RECEIVE_TIME: u16 = 0x0900;
/// DC system time, u64.
pub const DC_SYSTEM_TIME: u16 = 0x0910;
/// DC receive time of the processing unit, u64.
pub const DC_RECEIVE_TIME_UNIT: u16 = 0x0918;
/// DC system time offset, u64.
pub const DC_OFFSET: u16 = 0x0920;
/// DC system time delay, u32.
pub const DC_DELAY: u16 = 0x0928;
/// DC system time difference, u32, sign and magnitude.
pub const DC_DIFFERENCE: u16 = 0x092C;
/// DC speed counter start, u16.
pub const DC_SPEED_COUNTER_START: u16 = 0x0930;
/// DC speed counter difference, u16.
pub const DC_SPEED_COUNTER_DIFFERENCE: u16 = 0x0932;
/// DC filter depths as powers of two, u8 each: of the system time difference, of the speed counter.
pub const DC_FILTER_DEPTHS: u16 = 0x0934;
/// DC cyclic unit control, u8.
pub const DC_CYCLIC_CONTROL: u16 = 0x0980;
/// DC activation, u8.
pub const DC_ACTIVATION: u16 = 0x0981;
/// DC start time of cyclic operation, u64.
pub const DC_START_TIME: u16 = 0x0990;
/// DC SYNC0 cycle time in ns, u32.
pub const DC_SYNC0_CYCLE: u16 = 0x09A0;
/// DC SYNC1 cycle time in ns, u32.
pub const DC_SYNC1_CYCLE: u16 = 0x09A4;
/// First byte of process data RAM.
pub const RAM: u16 = 0x1000;

/// Bits of [`FEATURES`] (ETG.1000.4, table 31).
pub mod features {
    /// FMMUs map bytes only, not bits.
    pub const FMMU_BYTES_ONLY: u16 = 1 << 0;
    /// Distributed clocks are there.
    pub const DC: u16 = 1 << 2;
    /// Distributed clocks are 64 bits wide.
    pub const DC_64: u16 = 1 << 3;
    /// LRW is not supported.
    pub const NO_LRW: u16 = 1 << 9;
    /// BRW, APRW and FPRW are not supported.
    pub const NO_READ_WRITE: u16 = 1 << 10;
    /// FMMU and sync manager configuration is fixed.
    pub const FIXED_FMMU_SYNC_MANAGER: u16 = 1 << 11;
}
