//! Why a link, a reflector or a floor measurement couldn't be opened. Each error says what to do about it where that is
//! known.

use crate::attached_program::AttachedProgram;
use crate::mode::{Attached, Mode};
use std::io;
use std::time::Duration;
use zerocat_link::descriptors::TooManyFiles;
use zerocat_sched::Capabilities;

/// A mode that was tried and refused.
#[derive(Debug, thiserror::Error)]
#[error("{mode}: {step}: {source}")]
pub struct Refusal {
    /// The mode.
    pub mode: Mode,
    /// What failed.
    pub step: Step,
    /// As the kernel said it.
    pub source: io::Error,
}

/// A step on the way to a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Attaching the program.
    Attach,
    /// Binding the socket.
    Bind,
    /// Reading the mode back, which was another than the one asked for.
    ReadBack,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Attach => "attach the program",
            Self::Bind => "bind the socket",
            Self::ReadBack => "read the mode back",
        })
    }
}

/// Why AF_XDP isn't available on an interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XdpError {
    /// There is no such interface in this network namespace.
    #[error("no interface {interface} here; there are: {}", present.join(", "))]
    NoInterface {
        /// What was asked for.
        interface: String,
        /// What there is.
        present: Vec<String>,
    },
    /// Capabilities are missing.
    #[error(
        "not permitted: this thread lacks {}; run as root, or grant them to the binary with setcap",
        list_missing(missing)
    )]
    NoPermission {
        /// Capability and what it is needed for.
        missing: Vec<(Capabilities, &'static str)>,
    },
    /// The interface is set down.
    #[error("interface {interface} is down; set it up: ip link set dev {interface} up")]
    Down {
        /// Its name.
        interface: String,
    },
    /// The interface has no such queue.
    #[error("interface {interface} has {queues} receive queues, counted from 0; there is no queue {queue}")]
    NoSuchQueue {
        /// Its name.
        interface: String,
        /// The queue asked for.
        queue: u32,
        /// How many there are.
        queues: u32,
    },
    /// The interface refused the queue, and doesn't say how many it has.
    #[error("interface {interface} refuses queue {queue} and doesn't say how many it has; use queue 0")]
    QueueRefused {
        /// Its name.
        interface: String,
        /// The queue asked for.
        queue: u32,
    },
    /// Full EtherCAT frames don't fit the interface, or its frames don't fit our chunks.
    #[error(
        "interface {interface} has an MTU of {mtu}, and {min} to {max} work; set it: ip link set dev {interface} mtu {min}"
    )]
    Mtu {
        /// Its name.
        interface: String,
        /// Its MTU, in bytes.
        mtu: u32,
        /// Smallest that works.
        min: u32,
        /// Largest that works.
        max: u32,
    },
    /// The sizing makes no rings.
    #[error("{slots} transmit slots and {receive} receive buffers: both must be 1 to 16384")]
    Sizing {
        /// Transmit slots.
        slots: u16,
        /// Receive buffers.
        receive: u16,
    },
    /// The frame to measure with is none.
    #[error("a frame of {len} bytes to measure with; 14 to 1514 work")]
    Frame {
        /// Its length, in bytes.
        len: usize,
    },
    /// The interface has an XDP program already.
    #[error("interface {} has an XDP program: {program}; {}", program.interface, program.remedy())]
    Occupied {
        /// The program.
        program: Box<AttachedProgram>,
    },
    /// The program on the interface couldn't be removed.
    #[error("remove the XDP program of interface {}: {program}", program.interface)]
    Remove {
        /// The program.
        program: Box<AttachedProgram>,
        /// Why not.
        source: io::Error,
    },
    /// The kernel didn't take our program.
    #[error("load the XDP program {name}")]
    Load {
        /// Its name.
        name: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program couldn't be attached.
    #[error("attach the XDP program to {interface} ({attached})")]
    Attach {
        /// The interface.
        interface: String,
        /// Where it should run.
        attached: Attached,
        /// Why not.
        source: io::Error,
    },
    /// The UMEM couldn't be made.
    #[error("register {chunks} chunks of {chunk_size} bytes as UMEM")]
    Umem {
        /// How many.
        chunks: u32,
        /// Bytes of each.
        chunk_size: u32,
        /// Why not.
        source: io::Error,
    },
    /// The UMEM is more memory than this process may pin.
    #[error(
        "the UMEM needs {bytes} bytes of pinned memory, and the limit is {limit}; raise it (ulimit -l, or LimitMEMLOCK= in a systemd unit) or grant CAP_IPC_LOCK"
    )]
    MemoryLock {
        /// Bytes needed.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Huge pages were asked for, and none are free.
    #[error(
        "the UMEM needs {pages} huge pages of 2 MiB, and they are not free; reserve them: sysctl vm.nr_hugepages={pages} (added to those in use)"
    )]
    HugePages {
        /// Pages needed.
        pages: u32,
        /// Why not.
        source: io::Error,
    },
    /// Another AF_XDP socket has the queue.
    #[error(
        "queue {queue} of {interface} is held by another AF_XDP socket and didn't come free in {} s; stop its process (ss --xdp -p names it) or choose another queue",
        waited.as_secs_f32()
    )]
    QueueBusy {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// The forced mode isn't available.
    #[error("{} on {interface} is not available ({}: {}); {}", refusal.mode, refusal.step, refusal.source, list_working(works))]
    ModeRefused {
        /// The interface.
        interface: String,
        /// What was refused and why.
        refusal: Refusal,
        /// Modes that were tried instead and work.
        works: Vec<Mode>,
    },
    /// No mode is available.
    #[error("no AF_XDP mode works on {interface}: {}", list_refusals(refused))]
    NoMode {
        /// The interface.
        interface: String,
        /// Every mode that was tried and why it was refused.
        refused: Vec<Refusal>,
    },
    /// The socket couldn't be entered in the program's map.
    #[error("enter the socket in the XDP program's map at queue {queue}")]
    Register {
        /// The queue.
        queue: u32,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no carrier.
    #[error(
        "interface {interface} has no carrier, and got none within {} s; look at the cable, the plug and the power of \
         the first SubDevice",
        waited.as_secs_f32()
    )]
    NoCarrier {
        /// The interface.
        interface: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The carrier went away when the program was attached, and didn't return.
    #[error(
        "the carrier of {interface} went away when the XDP program was attached, and didn't return within {} s; look \
         at dmesg and at the cable, or use mode \"generic\", which leaves the NIC alone",
        waited.as_secs_f32()
    )]
    CarrierLost {
        /// The interface.
        interface: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The caller didn't want it any more.
    #[error("open {interface}: stopped while {awaited} was waited for")]
    Stopped {
        /// The interface.
        interface: String,
        /// What was waited for.
        awaited: &'static str,
    },
    /// The process has too many files open.
    #[error(transparent)]
    Descriptors(#[from] TooManyFiles),
    /// The interface couldn't be asked.
    #[error("{step} of {interface}")]
    Device {
        /// The interface.
        interface: String,
        /// What was asked.
        step: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl XdpError {
    /// Name of the resource limit that was in the way, if one was.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Descriptors(error) => Some(error.limit()),
            Self::MemoryLock { .. } => Some("RLIMIT_MEMLOCK"),
            _ => None,
        }
    }

    pub(crate) fn device(interface: &str, step: &'static str, source: io::Error) -> Self {
        Self::Device { interface: interface.into(), step, source }
    }
}

fn list_missing(missing: &[(Capabilities, &str)]) -> String {
    missing.iter().map(|(name, purpose)| format!("{name} (to {purpose})")).collect::<Vec<_>>().join(", ")
}

fn list_working(works: &[Mode]) -> String {
    if works.is_empty() {
        return "no other mode works either".into();
    }
    format!("these modes work: {}", works.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn list_refusals(refused: &[Refusal]) -> String {
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
