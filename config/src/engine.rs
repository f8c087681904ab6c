//! The `engine` section: how the cycle runs on this machine. Every key has a default.

use crate::busy_poll::BusyPoll;
use crate::dc::DcSection;
use crate::duration;
use crate::exchange::{Overlap, SyncUnitSection};
use crate::mailbox_gateway::MailboxGateway;
use crate::patience::Patience;
use crate::safe::Stop;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of the realtime thread and its link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EngineSection {
    /// Socket that carries the frames.
    pub link: LinkKind,
    /// XDP mode; only for link `xdp`.
    pub mode: XdpMode,
    /// Receive and transmit queue of the interface that an XDP socket is bound to.
    pub queue: u32,
    /// Whether the kernel says when it must be woken; only for link `xdp`.
    pub wakeup: Wakeup,
    /// Pages of the memory that is shared with the kernel; only for link `xdp`.
    pub umem_pages: UmemPages,
    /// Busy polling in place of interrupts; only for link `xdp`.
    pub busy_poll: BusyPoll,
    /// CPU that the realtime thread is pinned to; null leaves it unpinned.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority of the realtime thread, 1 to 98.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 98)))]
    pub priority: u8,
    /// How the realtime thread waits for a tick.
    pub wait: Wait,
    /// How long before the tick the wait `hybrid` stops sleeping; with null it is measured at start. Only for wait
    /// `hybrid`.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub spin_margin: Option<Duration>,
    /// Distributed clocks: a word, or an object with settings.
    pub dc: DcSection,
    /// Time after the tick by which all frames of a cycle must be back; null leaves it to the engine.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub deadline: Option<Duration>,
    /// Time before the next tick in which no acyclic frame is sent; null leaves it to the engine.
    #[serde(with = "duration::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub guard: Option<Duration>,
    /// Process data watchdog of the SubDevices, programmed and read back (registers 0x0400 and 0x0420).
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub watchdog: Duration,
    /// What outputs without a `safe` of their own are while outputs are safe.
    pub safe_outputs: SafeOutputs,
    /// How long a start waits for SubDevices that don't answer, a duration or `forever`; with null it doesn't.
    pub wait_for_subdevices: Option<Patience>,
    /// How a run ends in OP.
    pub stop: Stop,
    /// Where vendors' tools reach SubDevices while the bus runs; with null nowhere.
    pub mailbox_gateway: Option<MailboxGateway>,
    /// Whether inputs may lie at the logical addresses of outputs.
    pub overlap: Overlap,
    /// Keys of slaves that are to be exchanged without LRW although they claim to support it.
    pub without_lrw: Vec<String>,
    /// Keys of slaves that are to get no FMMU for a status byte although they have one to spare.
    pub without_status: Vec<String>,
    /// Slaves that are exchanged on every n-th cycle; all others are on every one.
    pub sync_units: Vec<SyncUnitSection>,
}

impl Default for EngineSection {
    fn default() -> Self {
        Self {
            link: LinkKind::Xdp,
            mode: XdpMode::Auto,
            queue: 0,
            wakeup: Wakeup::WhenNeeded,
            umem_pages: UmemPages::Ordinary,
            busy_poll: BusyPoll::Off,
            cpu: None,
            priority: 80,
            wait: Wait::Hybrid,
            spin_margin: None,
            dc: DcSection::default(),
            deadline: None,
            guard: None,
            watchdog: Duration::from_millis(100),
            safe_outputs: SafeOutputs::Zero,
            wait_for_subdevices: None,
            stop: Stop::default(),
            mailbox_gateway: None,
            overlap: Overlap::Off,
            without_lrw: Vec::new(),
            without_status: Vec::new(),
            sync_units: Vec::new(),
        }
    }
}

/// Kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// AF_XDP.
    Xdp,
    /// AF_PACKET.
    Packet,
}

/// How an XDP socket is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum XdpMode {
    /// The best of the three that the driver supports.
    Auto,
    /// In the driver, frames in place.
    ZeroCopy,
    /// In the driver, frames copied.
    NativeCopy,
    /// In the kernel's stack, frames copied.
    Generic,
}

/// Whether the kernel says when it must be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wakeup {
    /// It does (`XDP_USE_NEED_WAKEUP`), so a cycle makes a system call only where one is needed.
    WhenNeeded,
    /// It doesn't: every cycle makes one.
    Always,
}

/// Pages of the memory that is shared with the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UmemPages {
    /// As the kernel chooses.
    Ordinary,
    /// Reserved ones of 2 MiB (`vm.nr_hugepages`).
    Huge,
}

/// How the realtime thread waits for a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Sleeps, then spins the last part.
    Hybrid,
    /// Sleeps to the tick.
    Sleep,
    /// Spins all the time; for an isolated CPU.
    Spin,
}

/// What outputs are while they are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SafeOutputs {
    /// All bits zero.
    Zero,
    /// The last values sent.
    Hold,
}
