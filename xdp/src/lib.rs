//! AF_XDP: frames between a NIC's queue and this process, without the kernel's network stack.
//!
//! [`XdpLink`] is a [`zerocat_link::Link`] over an AF_XDP socket. Its XDP program takes EtherCAT frames and leaves all
//! others to the kernel. [`Reflector`] and [`FloorPing`] are for measurements. No type of xsk-rs or libbpf is visible
//! outside.
//!
//! Opening needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF. The kernel must be 5.11 or newer: attaching XDP programs by
//! bpf_link came with 5.9, `recvfrom` as a wake-up with 5.11.

mod attached_program;
mod busy;
mod carrier;
mod chunks;
mod device;
mod error;
pub mod ethtool;
mod floor;
mod link;
mod misdirected;
mod mitigation;
mod mode;
mod napi;
mod offload;
mod open;
mod privilege;
mod program;
mod reflector;
mod socket;
mod umem;
mod watch;

pub use attached_program::{AttachedProgram, HeldBy};
pub use busy::{BusyPoll, BusyPolling};
pub use device::Device;
pub use error::{Refusal, Step, XdpError};
pub use floor::FloorPing;
pub use link::XdpLink;
pub use misdirected::{Misdirected, MisdirectedCounters};
pub use mitigation::{HeldMitigation, IrqMitigation, MitigationError};
pub use mode::{Attached, Mode, ModeRequest};
pub use napi::{NapiKnob, NapiKnobs};
pub use offload::{Offload, Offloads};
pub use open::{OnOccupied, XdpOptions, XdpReport};
pub use reflector::{Passthrough, Reflector};
pub use socket::{Wakeup, XdpStatistics};
pub use umem::{ChunkSize, Pages};
pub use watch::XdpWatch;
pub use zerocat_link::packet::floor::FloorFault;
