//! A network interface of the calling thread's network namespace: its settings, what its driver supports, and how the
//! settings are changed.
//!
//! `ioctl` and netlink apply to the network namespace of the calling thread. sysfs shows the namespace in which it was
//! mounted, so an interface is looked up there by name and number.

mod control;
mod features;
mod irq;
mod netdev;
mod settings;
mod upper;

/// Why the files of an interface that exists can't be read.
pub(crate) const NOT_IN_SYSFS: &str = "/sys shows another network namespace; `ip netns exec` shows the right one";

pub use control::{NicControl, NicGroup, NicWords};
pub use features::XdpFeatures;
pub use irq::set_irq_affinity;
pub use settings::{Coalescing, NicSettings, has_carrier};
pub use upper::Upper;
