//! The limit of pinned memory. A process of its own, because the limit is the process's. Needs root, and fails
//! without.

mod support;

use nix::sys::resource::{Resource, setrlimit};
use support::{drop_capability, options};
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Mode, XdpError, XdpLink};

#[test]
fn a_umem_beyond_the_limit_of_pinned_memory_is_refused_with_both_numbers() {
    in_private_netns(|veth| {
        setrlimit(Resource::RLIMIT_MEMLOCK, 65_536, 65_536).unwrap();
        // CAP_IPC_LOCK lifts the limit.
        drop_capability(14);
        let error = XdpLink::open(&options(&veth.master, Mode::Generic)).unwrap_err();
        assert!(matches!(error, XdpError::MemoryLock { bytes: 430_080, limit: 65_536 }), "{error:?}");
    });
}
