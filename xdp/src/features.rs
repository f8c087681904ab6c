//! What an interface's driver says it can do with XDP, without anything being attached.
//!
//! A driver may say more than it keeps on a given queue or firmware; what counts is what is read back after opening.

use crate::device::Device;
use crate::error::XdpError;
use crate::resident::query_options;

/// `enum netdev_xdp_act` of `include/uapi/linux/netdev.h`.
const BASIC: u64 = 1 << 0;
const REDIRECT: u64 = 1 << 1;
const XSK_ZEROCOPY: u64 = 1 << 3;

/// XDP features of a driver (`xdp-features` of the netdev netlink family; kernel 6.3 or newer, else all false).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XdpFeatures {
    /// Runs programs in the driver: native mode.
    pub native: bool,
    /// Does `XDP_REDIRECT`, which AF_XDP in a native mode needs.
    pub redirect: bool,
    /// Does AF_XDP in zero-copy mode.
    pub zero_copy: bool,
}

impl XdpFeatures {
    /// Those of an interface of this thread's network namespace.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn of_interface(interface: &str) -> Result<Self, XdpError> {
        let flags = query_options(&Device::find(interface)?)?.feature_flags;
        let has = |flag| flags & flag != 0;
        Ok(Self { native: has(BASIC), redirect: has(REDIRECT), zero_copy: has(XSK_ZEROCOPY) })
    }
}
