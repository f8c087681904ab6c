//! The settings of an interface as its driver reports them: link, queues, coalescing, offloads.
//!
//! Only reads. `None` is what a driver doesn't report.

use std::net::IpAddr;
use zerocat_xdp::ethtool::{
    Adjustable, Channels, Coalesce, DriverInfo, EnergyEfficient, EthtoolCommand, FLAG_LRO, FLAG_RX_VLAN, LinkSettings,
    PauseParameters, Value,
};
use zerocat_xdp::{Device, Offloads, XdpError};

/// Settings of an interface of the calling thread's network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NicSettings {
    /// Its name.
    pub name: String,
    /// Its number in its network namespace.
    pub index: u32,
    /// Whether it is up (`IFF_UP`).
    pub up: Option<bool>,
    /// Whether it has a carrier.
    pub carrier: Option<bool>,
    /// Name of the driver.
    pub driver: Option<String>,
    /// Address of the device on its bus: `0000:03:00.0`, `usb-0000:00:14.0-2`; `None` for a virtual interface.
    pub bus: Option<String>,
    /// Speed in Mb/s.
    pub speed_mbit: Option<u32>,
    /// Whether it is full duplex.
    pub full_duplex: Option<bool>,
    /// Largest payload of an Ethernet frame, in bytes.
    pub mtu: Option<u32>,
    /// Number of receive queues in use.
    pub queues: Option<u32>,
    /// How long the NIC delays its interrupts.
    pub coalescing: Option<Coalescing>,
    /// Whether Energy Efficient Ethernet is on.
    pub energy_efficient: Option<bool>,
    /// Whether pause frames are received or sent.
    pub pause: Option<bool>,
    /// Whether generic receive offload is on.
    pub generic_receive_offload: Option<bool>,
    /// Whether the NIC merges received frames (`rx-gro-hw`).
    pub hardware_receive_offload: Option<bool>,
    /// Whether large receive offload is on.
    pub large_receive_offload: Option<bool>,
    /// Whether the NIC removes VLAN tags.
    pub receive_vlan: Option<bool>,
    /// Its IP addresses; `None` if they can't be listed.
    pub addresses: Option<Vec<IpAddr>>,
}

/// How long a NIC delays its interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coalescing {
    /// After receiving a frame, in us.
    pub receive_us: u32,
    /// Or until so many frames were received; 0 if frames aren't counted.
    pub receive_frames: u32,
    /// After sending a frame, in us.
    pub transmit_us: u32,
    /// Or until so many frames were sent; 0 if frames aren't counted.
    pub transmit_frames: u32,
    /// Whether the driver adapts the times by itself.
    pub adaptive: bool,
}

impl NicSettings {
    /// Reads the settings of an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn of_interface(interface: &str) -> Result<Self, XdpError> {
        let device = Device::find(interface)?;
        let driver = answer(&device, DriverInfo::new());
        let link = answer(&device, LinkSettings::new());
        let flags = answer(&device, Value::flags()).map(|flags| flags.data);
        let pause = answer(&device, PauseParameters::to_get());
        Ok(Self {
            name: interface.to_owned(),
            index: u32::try_from(device.index()).unwrap_or(0),
            up: device.is_up().ok(),
            carrier: answer(&device, Value::carrier()).map(|carrier| carrier.data != 0),
            driver: driver.as_ref().and_then(|driver| string(&driver.driver)),
            bus: driver.as_ref().and_then(|driver| string(&driver.bus)),
            speed_mbit: link.as_ref().and_then(LinkSettings::speed),
            full_duplex: link.and_then(|link| match link.duplex {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }),
            mtu: device.mtu().ok(),
            queues: answer(&device, Channels::new()).map(|channels| channels.receiving()),
            coalescing: answer(&device, Coalesce::to_get()).map(|coalesce| Coalescing {
                receive_us: coalesce.receive_us,
                receive_frames: coalesce.receive_frames,
                transmit_us: coalesce.transmit_us,
                transmit_frames: coalesce.transmit_frames,
                adaptive: coalesce.adaptive_receive != 0 || coalesce.adaptive_transmit != 0,
            }),
            energy_efficient: answer(&device, EnergyEfficient::to_get()).map(|eee| eee.enabled != 0),
            pause: pause.map(|pause| pause.receive != 0 || pause.transmit != 0),
            generic_receive_offload: answer(&device, Value::receive_offload()).map(|value| value.data != 0),
            hardware_receive_offload: merged_by_the_nic(&device),
            large_receive_offload: flags.map(|flags| flags & FLAG_LRO != 0),
            receive_vlan: flags.map(|flags| flags & FLAG_RX_VLAN != 0),
            addresses: addresses(interface),
        })
    }
}

/// Whether an interface of the calling thread's network namespace has a carrier; `None` if that can't be determined.
#[must_use]
pub fn has_carrier(interface: &str) -> Option<bool> {
    let device = Device::find(interface).ok()?;
    answer(&device, Value::carrier()).map(|carrier| carrier.data != 0)
}

fn answer<T: EthtoolCommand>(device: &Device, mut command: T) -> Option<T> {
    device.ethtool(&mut command).ok()?;
    Some(command)
}

fn merged_by_the_nic(device: &Device) -> Option<bool> {
    let all = Offloads::read(device).ok()?.list();
    Some(all.iter().find(|offload| offload.name == "rx-gro-hw")?.active)
}

fn string(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}

fn addresses(interface: &str) -> Option<Vec<IpAddr>> {
    let all = nix::ifaddrs::getifaddrs().ok()?.filter(|entry| entry.interface_name == interface);
    let addresses = all.filter_map(|entry| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    });
    Some(addresses.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use zerocat_testkit::netns::in_private_netns;

    #[test]
    fn reads_a_veth_and_leaves_out_what_it_does_not_report() {
        in_private_netns(|veth| {
            let nic = NicSettings::of_interface(&veth.master).unwrap();
            assert_eq!((nic.up, nic.carrier, nic.mtu), (Some(true), Some(true), Some(1500)));
            assert_eq!((nic.driver.as_deref(), nic.bus.as_deref()), (Some("veth"), None));
            assert_eq!((nic.speed_mbit, nic.full_duplex, nic.queues), (Some(10_000), Some(true), Some(1)));
            assert_eq!((nic.coalescing, nic.energy_efficient, nic.pause), (None, None, None));
            assert_eq!(nic.addresses, Some(Vec::new()));
        });
    }

    #[test]
    fn reads_the_address_of_the_loopback() {
        let addresses = NicSettings::of_interface("lo").unwrap().addresses.unwrap();
        assert!(addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{addresses:?}");
    }
}
