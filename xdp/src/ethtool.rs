//! Structures of the ethtool commands that only read (`include/uapi/linux/ethtool.h`).

/// The structure of an ethtool command.
///
/// # Safety
/// It is laid out as the kernel's structure for the command that its constructor puts into its first field, so the
/// kernel writes no further than its end.
pub(crate) unsafe trait EthtoolCommand {}

const GSET: u32 = 0x01;
const GDRVINFO: u32 = 0x03;
const GLINK: u32 = 0x0a;
const GCOALESCE: u32 = 0x0e;
const GPAUSEPARAM: u32 = 0x12;
const GFLAGS: u32 = 0x25;
const GGRO: u32 = 0x2b;
const GCHANNELS: u32 = 0x3c;
const GEEE: u32 = 0x44;

/// Bits of `GFLAGS`: `ETH_FLAG_RXVLAN`, `ETH_FLAG_LRO`.
pub(crate) const FLAG_RX_VLAN: u32 = 1 << 8;
pub(crate) const FLAG_LRO: u32 = 1 << 15;

/// `struct ethtool_drvinfo`.
#[repr(C)]
pub(crate) struct DriverInfo {
    command: u32,
    pub(crate) driver: [u8; 32],
    versions: [u8; 64],
    pub(crate) bus: [u8; 32],
    rest: [u8; 64],
}

impl DriverInfo {
    pub(crate) const fn new() -> Self {
        Self { command: GDRVINFO, driver: [0; 32], versions: [0; 64], bus: [0; 32], rest: [0; 64] }
    }
}

/// `struct ethtool_value`.
#[repr(C)]
pub(crate) struct Value {
    command: u32,
    pub(crate) data: u32,
}

impl Value {
    pub(crate) const fn carrier() -> Self {
        Self { command: GLINK, data: 0 }
    }

    pub(crate) const fn receive_offload() -> Self {
        Self { command: GGRO, data: 0 }
    }

    pub(crate) const fn flags() -> Self {
        Self { command: GFLAGS, data: 0 }
    }
}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Channels {
    command: u32,
    max: [u32; 4],
    pub(crate) receive: u32,
    transmit: u32,
    other: u32,
    pub(crate) combined: u32,
}

impl Channels {
    pub(crate) fn new() -> Self {
        Self { command: GCHANNELS, ..Self::default() }
    }
}

/// `struct ethtool_cmd`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct LinkSettings {
    command: u32,
    modes: [u32; 2],
    speed_low: u16,
    pub(crate) duplex: u8,
    port: [u8; 5],
    packets: [u32; 2],
    speed_high: u16,
    crossover: [u8; 2],
    rest: [u32; 3],
}

impl LinkSettings {
    pub(crate) fn new() -> Self {
        Self { command: GSET, ..Self::default() }
    }

    /// Mb/s; `None` is `SPEED_UNKNOWN`.
    pub(crate) fn speed(&self) -> Option<u32> {
        let speed = u32::from(self.speed_high) << 16 | u32::from(self.speed_low);
        Some(speed).filter(|speed| ![0, 0xffff, u32::MAX].contains(speed))
    }
}

/// `struct ethtool_coalesce`: 23 words, of which these count here.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Coalesce {
    command: u32,
    pub(crate) receive_us: u32,
    receive: [u32; 3],
    pub(crate) transmit_us: u32,
    transmit: [u32; 3],
    statistics: u32,
    pub(crate) adaptive_receive: u32,
    pub(crate) adaptive_transmit: u32,
    rates: [u32; 11],
}

impl Coalesce {
    pub(crate) fn new() -> Self {
        Self { command: GCOALESCE, ..Self::default() }
    }
}

/// `struct ethtool_pauseparam`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct PauseParameters {
    command: u32,
    autonegotiated: u32,
    pub(crate) receive: u32,
    pub(crate) transmit: u32,
}

impl PauseParameters {
    pub(crate) fn new() -> Self {
        Self { command: GPAUSEPARAM, ..Self::default() }
    }
}

/// `struct ethtool_eee`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct EnergyEfficient {
    command: u32,
    modes: [u32; 3],
    active: u32,
    pub(crate) enabled: u32,
    idle: [u32; 2],
    reserved: [u32; 2],
}

impl EnergyEfficient {
    pub(crate) fn new() -> Self {
        Self { command: GEEE, ..Self::default() }
    }
}

// SAFETY: `struct ethtool_drvinfo`, 196 bytes, made with ETHTOOL_GDRVINFO only.
unsafe impl EthtoolCommand for DriverInfo {}
// SAFETY: `struct ethtool_value`, 8 bytes, made with ETHTOOL_GLINK, ETHTOOL_GGRO and ETHTOOL_GFLAGS only.
unsafe impl EthtoolCommand for Value {}
// SAFETY: `struct ethtool_channels`, 36 bytes, made with ETHTOOL_GCHANNELS only.
unsafe impl EthtoolCommand for Channels {}
// SAFETY: `struct ethtool_cmd`, 44 bytes, made with ETHTOOL_GSET only.
unsafe impl EthtoolCommand for LinkSettings {}
// SAFETY: `struct ethtool_coalesce`, 92 bytes, made with ETHTOOL_GCOALESCE only.
unsafe impl EthtoolCommand for Coalesce {}
// SAFETY: `struct ethtool_pauseparam`, 16 bytes, made with ETHTOOL_GPAUSEPARAM only.
unsafe impl EthtoolCommand for PauseParameters {}
// SAFETY: `struct ethtool_eee`, 40 bytes, made with ETHTOOL_GEEE only.
unsafe impl EthtoolCommand for EnergyEfficient {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn structures_have_the_kernels_sizes() {
        assert_eq!(size_of::<DriverInfo>(), 196);
        assert_eq!(size_of::<Channels>(), 36);
        assert_eq!(size_of::<Value>(), 8);
        assert_eq!(size_of::<LinkSettings>(), 44);
        assert_eq!(size_of::<Coalesce>(), 92);
        assert_eq!(size_of::<PauseParameters>(), 16);
        assert_eq!(size_of::<EnergyEfficient>(), 40);
    }

    #[test]
    fn fields_lie_where_the_kernel_has_them() {
        assert_eq!(offset_of!(DriverInfo, bus), 100);
        assert_eq!((offset_of!(LinkSettings, speed_low), offset_of!(LinkSettings, duplex)), (12, 14));
        assert_eq!(offset_of!(LinkSettings, speed_high), 28);
        assert_eq!((offset_of!(Coalesce, receive_us), offset_of!(Coalesce, transmit_us)), (4, 20));
        assert_eq!((offset_of!(Coalesce, adaptive_receive), offset_of!(Coalesce, adaptive_transmit)), (40, 44));
        assert_eq!(offset_of!(EnergyEfficient, enabled), 20);
    }

    #[test]
    fn an_unknown_speed_is_none() {
        let speed = |low, high| LinkSettings { speed_low: low, speed_high: high, ..LinkSettings::new() }.speed();
        assert_eq!(speed(100, 0), Some(100));
        assert_eq!(speed(0xa120, 7), Some(500_000));
        assert_eq!([speed(0xffff, 0xffff), speed(0xffff, 0), speed(0, 0)], [None; 3]);
    }
}
