//! A network interface of the calling thread's network namespace: how it is set, what its driver can do, and how that is
//! changed.
//!
//! Settings are asked for by `ioctl` and netlink on a socket of the calling thread, so they concern the network namespace
//! that the thread is in. sysfs shows the one that mounted it.

mod control;
mod features;
mod irq;
mod netdev;
mod settings;

/// Why files of sysfs can't be read of an interface that is there.
pub(crate) const NOT_IN_SYSFS: &str = "/sys shows another network namespace; `ip netns exec` shows the right one";

pub use control::{NicControl, NicGroup, NicWords};
pub use features::XdpFeatures;
pub use irq::set_irq_affinity;
pub use settings::{Coalescing, NicSettings, has_carrier};
