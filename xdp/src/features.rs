//! What an interface's driver says it can do with XDP, without anything being attached.
//!
//! A driver may say more than it keeps on a given queue or firmware; what counts is what is read back after opening.

use crate::device::Device;
use crate::error::XdpError;
use crate::netdev;
use crate::resident::query_options;

/// `enum netdev_xdp_act` of `include/uapi/linux/netdev.h`.
const BASIC: u64 = 1 << 0;
const REDIRECT: u64 = 1 << 1;
const XSK_ZEROCOPY: u64 = 1 << 3;
/// `NETDEV_XDP_RX_METADATA_TIMESTAMP` of the same header.
const TIMESTAMP: u64 = 1 << 0;

/// XDP features of a driver (`xdp-features` of the netdev netlink family; kernel 6.3 or newer, else all false).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XdpFeatures {
    /// Runs programs in the driver: native mode.
    pub native: bool,
    /// Does `XDP_REDIRECT`, which AF_XDP in a native mode needs.
    pub redirect: bool,
    /// Does AF_XDP in zero-copy mode.
    pub zero_copy: bool,
    /// Tells a program when the NIC received a frame (`bpf_xdp_metadata_rx_timestamp`); older kernels do not say.
    /// Not used: the times of received frames are software stamps.
    pub receive_stamps: bool,
}

impl XdpFeatures {
    /// Those of an interface of this thread's network namespace.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn of_interface(interface: &str) -> Result<Self, XdpError> {
        let device = Device::find(interface)?;
        let flags = query_options(&device)?.feature_flags;
        let metadata = netdev::receive_metadata(&device).ok().flatten().unwrap_or(0);
        let has = |flag| flags & flag != 0;
        Ok(Self {
            native: has(BASIC),
            redirect: has(REDIRECT),
            zero_copy: has(XSK_ZEROCOPY),
            receive_stamps: metadata & TIMESTAMP != 0,
        })
    }
}
