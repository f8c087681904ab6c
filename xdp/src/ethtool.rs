//! Structures of the ethtool commands (`include/uapi/linux/ethtool.h`), for [`crate::Device::ethtool`]. Those of
//! offloads are in [`crate::Offloads`].
//!
//! Each structure is made by a constructor that puts its command into its first field, so that the kernel is never
//! handed one with another's command. What the values mean, and which of them are wanted, is up to `zerocat-host`.

use std::io;

/// The structure of an ethtool command.
///
/// # Safety
/// It is laid out as the kernel's structure for the command that its constructor, or [`Adjustable::to_set`], puts into
/// its first field, so the kernel reads and writes no further than its end.
pub unsafe trait EthtoolCommand {}

/// A structure that the kernel takes back as it gives it, with another command.
pub trait Adjustable: EthtoolCommand {
    /// What it is read with.
    fn to_get() -> Self;
    /// The same values, for the command that sets them.
    fn to_set(self) -> Self;
    /// The values that may be changed, by the names that ethtool(8) has for them.
    fn words(&mut self) -> Vec<(&'static str, &mut u32)>;

    /// Changes the value of this name.
    ///
    /// # Errors
    /// `InvalidInput` for a name that it doesn't have.
    fn set_word(&mut self, name: &str, value: u32) -> io::Result<()> {
        let (_, word) =
            self.words().into_iter().find(|(known, _)| *known == name).ok_or_else(|| no_such_setting(name))?;
        *word = value;
        Ok(())
    }
}

pub(crate) fn no_such_setting(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("there is no setting {name}"))
}

const GSET: u32 = 0x01;
const GDRVINFO: u32 = 0x03;
const GLINK: u32 = 0x0a;
const GCOALESCE: u32 = 0x0e;
const SCOALESCE: u32 = 0x0f;
const GPAUSEPARAM: u32 = 0x12;
const SPAUSEPARAM: u32 = 0x13;
const GFLAGS: u32 = 0x25;
const GGRO: u32 = 0x2b;
const GCHANNELS: u32 = 0x3c;
const SCHANNELS: u32 = 0x3d;
const GEEE: u32 = 0x44;
const SEEE: u32 = 0x45;

/// `ETH_FLAG_RXVLAN`, a bit of [`Value::flags`]: the NIC takes VLAN tags off.
pub const FLAG_RX_VLAN: u32 = 1 << 8;
/// `ETH_FLAG_LRO`, a bit of [`Value::flags`]: large receive offload.
pub const FLAG_LRO: u32 = 1 << 15;

/// `struct ethtool_drvinfo`.
#[repr(C)]
#[derive(Debug)]
pub struct DriverInfo {
    command: u32,
    /// Name of the driver, ended by a NUL.
    pub driver: [u8; 32],
    versions: [u8; 64],
    /// Where the device is on its bus, ended by a NUL.
    pub bus: [u8; 32],
    rest: [u8; 64],
}

impl DriverInfo {
    /// `ETHTOOL_GDRVINFO`.
    #[must_use]
    pub const fn new() -> Self {
        Self { command: GDRVINFO, driver: [0; 32], versions: [0; 64], bus: [0; 32], rest: [0; 64] }
    }
}

impl Default for DriverInfo {
    fn default() -> Self {
        Self::new()
    }
}

/// `struct ethtool_value`.
#[repr(C)]
#[derive(Debug)]
pub struct Value {
    command: u32,
    /// The number.
    pub data: u32,
}

impl Value {
    /// `ETHTOOL_GLINK`: 0 without a carrier.
    #[must_use]
    pub const fn carrier() -> Self {
        Self { command: GLINK, data: 0 }
    }

    /// `ETHTOOL_GGRO`: 0 where generic receive offload is off.
    #[must_use]
    pub const fn receive_offload() -> Self {
        Self { command: GGRO, data: 0 }
    }

    /// `ETHTOOL_GFLAGS`.
    #[must_use]
    pub const fn flags() -> Self {
        Self { command: GFLAGS, data: 0 }
    }
}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Channels {
    command: u32,
    max: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

impl Channels {
    /// `ETHTOOL_GCHANNELS`.
    #[must_use]
    pub fn new() -> Self {
        Self::to_get()
    }

    /// Queues that receive: of their own, and combined with a transmit queue.
    #[must_use]
    pub const fn receiving(&self) -> u32 {
        self.receive.saturating_add(self.combined)
    }
}

impl Adjustable for Channels {
    fn to_get() -> Self {
        Self { command: GCHANNELS, ..Self::default() }
    }

    fn to_set(self) -> Self {
        Self { command: SCHANNELS, ..self }
    }

    fn words(&mut self) -> Vec<(&'static str, &mut u32)> {
        vec![
            ("rx", &mut self.receive),
            ("tx", &mut self.transmit),
            ("other", &mut self.other),
            ("combined", &mut self.combined),
        ]
    }
}

/// `struct ethtool_cmd`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct LinkSettings {
    command: u32,
    modes: [u32; 2],
    speed_low: u16,
    /// 0 is half, 1 full, 0xff unknown.
    pub duplex: u8,
    port: [u8; 5],
    packets: [u32; 2],
    speed_high: u16,
    crossover: [u8; 2],
    rest: [u32; 3],
}

impl LinkSettings {
    /// `ETHTOOL_GSET`.
    #[must_use]
    pub fn new() -> Self {
        Self { command: GSET, ..Self::default() }
    }

    /// Mb/s; `None` is `SPEED_UNKNOWN`.
    #[must_use]
    pub fn speed(&self) -> Option<u32> {
        let speed = u32::from(self.speed_high) << 16 | u32::from(self.speed_low);
        Some(speed).filter(|speed| ![0, 0xffff, u32::MAX].contains(speed))
    }
}

/// `struct ethtool_coalesce`: 23 words, of which these count here.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Coalesce {
    command: u32,
    /// Time to wait after a frame was received, in us.
    pub receive_us: u32,
    /// Or received frames to wait for; 0 where frames are not counted.
    pub receive_frames: u32,
    receive_irq: [u32; 2],
    /// Time to wait after a frame was sent, in us.
    pub transmit_us: u32,
    /// Or sent frames to wait for; 0 where frames are not counted.
    pub transmit_frames: u32,
    transmit_irq: [u32; 2],
    statistics: u32,
    /// Not 0: the driver changes the receive time by itself.
    pub adaptive_receive: u32,
    /// Not 0: the driver changes the transmit time by itself.
    pub adaptive_transmit: u32,
    rates: [u32; 11],
}

impl Adjustable for Coalesce {
    fn to_get() -> Self {
        Self { command: GCOALESCE, ..Self::default() }
    }

    fn to_set(self) -> Self {
        Self { command: SCOALESCE, ..self }
    }

    fn words(&mut self) -> Vec<(&'static str, &mut u32)> {
        vec![
            ("rx-usecs", &mut self.receive_us),
            ("rx-frames", &mut self.receive_frames),
            ("tx-usecs", &mut self.transmit_us),
            ("tx-frames", &mut self.transmit_frames),
            ("adaptive-rx", &mut self.adaptive_receive),
            ("adaptive-tx", &mut self.adaptive_transmit),
        ]
    }
}

/// `struct ethtool_pauseparam`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct PauseParameters {
    command: u32,
    autonegotiated: u32,
    /// Not 0: pause frames stop us.
    pub receive: u32,
    /// Not 0: pause frames are sent.
    pub transmit: u32,
}

impl Adjustable for PauseParameters {
    fn to_get() -> Self {
        Self { command: GPAUSEPARAM, ..Self::default() }
    }

    fn to_set(self) -> Self {
        Self { command: SPAUSEPARAM, ..self }
    }

    fn words(&mut self) -> Vec<(&'static str, &mut u32)> {
        vec![("autoneg", &mut self.autonegotiated), ("rx", &mut self.receive), ("tx", &mut self.transmit)]
    }
}

/// `struct ethtool_eee`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct EnergyEfficient {
    command: u32,
    supported: u32,
    advertised: u32,
    partner: u32,
    active: u32,
    /// Not 0: Energy Efficient Ethernet is on.
    pub enabled: u32,
    idle: u32,
    idle_us: u32,
    reserved: [u32; 2],
}

impl Adjustable for EnergyEfficient {
    fn to_get() -> Self {
        Self { command: GEEE, ..Self::default() }
    }

    fn to_set(self) -> Self {
        Self { command: SEEE, ..self }
    }

    fn words(&mut self) -> Vec<(&'static str, &mut u32)> {
        vec![
            ("eee", &mut self.enabled),
            ("advertise", &mut self.advertised),
            ("tx-lpi", &mut self.idle),
            ("tx-timer", &mut self.idle_us),
        ]
    }
}

// SAFETY: `struct ethtool_drvinfo`, 196 bytes, made with ETHTOOL_GDRVINFO only.
unsafe impl EthtoolCommand for DriverInfo {}
// SAFETY: `struct ethtool_value`, 8 bytes, made with ETHTOOL_GLINK, ETHTOOL_GGRO and ETHTOOL_GFLAGS only.
unsafe impl EthtoolCommand for Value {}
// SAFETY: `struct ethtool_channels`, 36 bytes, made with ETHTOOL_GCHANNELS and ETHTOOL_SCHANNELS only.
unsafe impl EthtoolCommand for Channels {}
// SAFETY: `struct ethtool_cmd`, 44 bytes, made with ETHTOOL_GSET only.
unsafe impl EthtoolCommand for LinkSettings {}
// SAFETY: `struct ethtool_coalesce`, 92 bytes, made with ETHTOOL_GCOALESCE and ETHTOOL_SCOALESCE only.
unsafe impl EthtoolCommand for Coalesce {}
// SAFETY: `struct ethtool_pauseparam`, 16 bytes, made with ETHTOOL_GPAUSEPARAM and ETHTOOL_SPAUSEPARAM only.
unsafe impl EthtoolCommand for PauseParameters {}
// SAFETY: `struct ethtool_eee`, 40 bytes, made with ETHTOOL_GEEE and ETHTOOL_SEEE only.
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
        assert_eq!((offset_of!(Coalesce, receive_frames), offset_of!(Coalesce, transmit_frames)), (8, 24));
        assert_eq!((offset_of!(Coalesce, adaptive_receive), offset_of!(Coalesce, adaptive_transmit)), (40, 44));
        assert_eq!((offset_of!(EnergyEfficient, advertised), offset_of!(EnergyEfficient, enabled)), (8, 20));
        assert_eq!((offset_of!(EnergyEfficient, idle), offset_of!(EnergyEfficient, idle_us)), (24, 28));
        assert_eq!((offset_of!(Channels, receive), offset_of!(Channels, combined)), (20, 32));
    }

    #[test]
    fn an_unknown_speed_is_none() {
        let speed = |low, high| LinkSettings { speed_low: low, speed_high: high, ..LinkSettings::new() }.speed();
        assert_eq!(speed(100, 0), Some(100));
        assert_eq!(speed(0xa120, 7), Some(500_000));
        assert_eq!([speed(0xffff, 0xffff), speed(0xffff, 0), speed(0, 0)], [None; 3]);
    }
}
