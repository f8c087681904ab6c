//! Which parts of XDP an interface's driver claims to support, without attaching anything.
//!
//! A driver may claim more than it supports on a given queue or with a given firmware. What really works is read back
//! when a link is opened.

use super::netdev;
use std::io;

/// `enum netdev_xdp_act` of `include/uapi/linux/netdev.h`.
const BASIC: u64 = 1 << 0;
const REDIRECT: u64 = 1 << 1;
const XSK_ZEROCOPY: u64 = 1 << 3;
/// `NETDEV_XDP_RX_METADATA_TIMESTAMP` of the same header.
const TIMESTAMP: u64 = 1 << 0;

/// XDP features of a driver (`xdp-features` of the netdev netlink family; kernel 6.3 or newer, else all false).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XdpFeatures {
    /// It runs programs in the driver: native mode.
    pub native: bool,
    /// It supports `XDP_REDIRECT`, which AF_XDP needs in native mode.
    pub redirect: bool,
    /// It supports AF_XDP in zero-copy mode.
    pub zero_copy: bool,
    /// It tells a program when the NIC received a frame (`bpf_xdp_metadata_rx_timestamp`); older kernels don't report
    /// this. Not used: receive times are software stamps.
    pub receive_stamps: bool,
}

impl XdpFeatures {
    /// Reads those of the interface with this number in the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel's error. A kernel that doesn't know the question is no error.
    pub fn of_interface(index: u32) -> io::Result<Self> {
        let netdev::Features { xdp: flags, receive_metadata: metadata } = netdev::features(index)?;
        let has = |flag| flags & flag != 0;
        Ok(Self {
            native: has(BASIC),
            redirect: has(REDIRECT),
            zero_copy: has(XSK_ZEROCOPY),
            receive_stamps: metadata & TIMESTAMP != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::net::if_::if_nametoindex;
    use zerocat_testkit::netns::in_private_netns;

    #[test]
    fn features_are_those_of_the_driver() {
        in_private_netns(|veth| {
            let of = |name: &str| XdpFeatures::of_interface(if_nametoindex(name).unwrap()).unwrap();
            let features = of(&veth.master);
            assert!(features.native && features.redirect && !features.zero_copy, "{features:?}");
            assert!(features.receive_stamps, "veth has the kfunc: {features:?}");
            assert_eq!(of("lo"), XdpFeatures::default());
        });
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        in_private_netns(|_| {
            let error = XdpFeatures::of_interface(4_000_000).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(nix::libc::ENODEV), "{error}");
        });
    }
}
