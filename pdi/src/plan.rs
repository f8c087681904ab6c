//! What each SubDevice adds to the cyclic exchange, and the plan that [`crate::lay_out`] makes of it.
//!
//! A frame carries datagrams of several sync units, each with a working counter of its own. The process image holds,
//! datagram by datagram, first the outputs and then the inputs of the SubDevices in it; a SubDevice with more data than a
//! frame carries has several frames to itself. Each sync manager starts on a byte. Outputs and inputs never share a byte
//! of the image, even where they share their logical addresses.
//!
//! In a frame's order stand: in the first one the datagram of the reference clock, for which [`CLOCK_ROOM`] is left; the
//! status datagram; the process data; what else is read from all.

use crate::entry::Pdo;
use crate::unit::Turn;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use zerocat_wire::Command;
use zerocat_wire::datagram::OVERHEAD;
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sync_manager::SyncManager;

/// Bytes that a frame leaves to the datagram of the reference clock (FRMW of the 8 bytes of the DC system time, register
/// 0x0910). It is the first datagram of the first frame: whoever sends it puts it before all others.
pub const CLOCK_ROOM: usize = 8 + OVERHEAD;

/// What a byte of the status area is sent as. No SubDevice that answers leaves it: bit 2 of a sync manager's status is
/// reserved and reads as 0 (ET1100 data sheet, section II, 0x0805), and an AL status has no state 15 (ETG.1000.4, 0x0130).
pub const NOBODY: u8 = 0xff;

/// Which way process data goes, as the MainDevice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// MainDevice to SubDevice (RxPDO).
    Output,
    /// SubDevice to MainDevice (TxPDO).
    Input,
}

/// When a sync manager and its FMMU are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// On the way to SAFE-OP.
    #[default]
    SafeOp,
    /// On the way to OP (`OpOnly` in the SII). Before that, its data doesn't count.
    Op,
    /// Never: it is virtual, and no channel stands behind it. The FMMU maps the address as it stands, a register of the
    /// ESC for example, and is switched on on the way to SAFE-OP.
    Virtual,
}

/// A process data sync manager and what is mapped on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncManagerLayout {
    /// Number of the sync manager, 0 to 15.
    pub number: u8,
    /// Which way its data goes.
    pub direction: Direction,
    /// First byte in the SubDevice's physical memory.
    pub start: u16,
    /// Control byte as the SubDevice's SII asks for it (mode, direction, watchdog trigger).
    pub control: u8,
    /// When it is switched on.
    pub activation: Activation,
    /// PDOs in order of assignment.
    pub pdos: Vec<Pdo>,
}

/// How a SubDevice's process data is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// LRW, with its inputs at the logical addresses of its outputs: the ESC takes its outputs out and puts its inputs
    /// in their place. The data is as long as the longer of the two.
    LrwOverlapping,
    /// LRW, inputs and outputs at logical addresses of their own.
    Lrw,
    /// LWR for the outputs and LRD for the inputs.
    LwrLrd,
}

/// What one SubDevice adds to the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubDeviceLayout {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Its process data sync managers.
    pub sync_managers: Vec<SyncManagerLayout>,
    /// FMMUs that it has.
    pub fmmus: u8,
    /// Register whose byte tells that it answers, to be mapped by an FMMU that its process data leaves free: the status of
    /// the sync manager of its mailbox, or the AL status. `None`: none is to be mapped.
    pub status: Option<u16>,
    /// How its process data is reached.
    pub access: Access,
    /// Its sync unit, as an index into the units that are laid out with it; with an index that isn't there it is
    /// exchanged on every tick.
    pub unit: usize,
}

/// What to program into one SubDevice, and where its data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubDevicePlan {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Sync managers to program, by number, as they are in OP.
    pub sync_managers: Vec<(u8, SyncManager)>,
    /// FMMUs of process data to program, by number, as they are in OP.
    pub fmmus: Vec<(u8, Fmmu)>,
    /// FMMU of its status byte; `None` where no FMMU is free, or no frame has room for the byte.
    pub status: Option<(u8, Fmmu)>,
    /// Those of both that are off until the way to OP.
    pub op_only: OpOnly,
    /// Bytes of the image that hold its outputs.
    pub outputs: Range<usize>,
    /// Bytes of the image that hold its inputs.
    pub inputs: Range<usize>,
    /// Frame that carries it, the first one if there are several; 0, without meaning, if it has no process data.
    pub frame: usize,
    /// Every mapped entry that isn't padding, with its place in the image.
    pub entries: Vec<PlacedEntry>,
}

/// Numbers of what is off until the way to OP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpOnly {
    /// Sync managers.
    pub sync_managers: Vec<u8>,
    /// FMMUs.
    pub fmmus: Vec<u8>,
}

impl OpOnly {
    /// Whether nothing is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sync_managers.is_empty() && self.fmmus.is_empty()
    }
}

/// A mapped entry and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedEntry {
    /// Which way it goes.
    pub direction: Direction,
    /// PDO that holds it.
    pub pdo: u16,
    /// Which of the SubDevice's PDOs of that index and direction, 1 for the first: two slots may bring the same index.
    pub pdo_nth: u16,
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Place in the image, in bits. Longer than 64 bits for an entry that is bytes.
    pub span: crate::BitSpan,
}

/// What one SubDevice has in a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Bytes of the image that hold its outputs in this datagram; empty where it takes none from it.
    pub outputs: Range<usize>,
    /// Bytes of the image that hold its inputs in this datagram; empty where it puts none into it.
    pub inputs: Range<usize>,
    /// What it adds to the working counter (ETG.1000.4, 5.4.1.2: read 1, write 1; LRW read 1, write 2).
    pub working_counter: u16,
    /// The same before what is for OP only is switched on.
    pub before_op: u16,
}

/// One datagram of the cyclic exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatagramPlan {
    /// Sync unit whose SubDevices it carries.
    pub unit: usize,
    /// LRW, LRD or LWR.
    pub command: Command,
    /// Logical address of its first byte.
    pub logical: u32,
    /// Bytes of its data.
    pub len: usize,
    /// Bytes of the image that its data begins with when it is sent; empty for LRD.
    pub outputs: Range<usize>,
    /// Bytes of the image that its data ends with when it comes back; empty for LWR. Where inputs overlap with
    /// outputs, both are as long as the data.
    pub inputs: Range<usize>,
    /// Working counter if every SubDevice takes part: the sum of the shares.
    pub expected_working_counter: u16,
    /// The same before what is for OP only is switched on.
    pub expected_before_op: u16,
    /// Who takes part, and with what.
    pub shares: Vec<Share>,
}

/// The status datagram of a frame: an LRD of a byte for each SubDevice, sent as [`NOBODY`]. Whoever answers puts a
/// register of its own in its place, whatever its process data do. So it tells, for this very frame, who took part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPlan {
    /// Logical address of its first byte.
    pub logical: u32,
    /// Whose bytes they are, by position.
    pub positions: Vec<u16>,
}

/// One frame of the cyclic exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePlan {
    /// Ticks on which it is sent.
    pub turn: Turn,
    /// Who answers; `None` where nobody in the frame maps a status byte.
    pub status: Option<StatusPlan>,
    /// Its process data datagrams, each of one sync unit.
    pub datagrams: Vec<DatagramPlan>,
}

impl Plan {
    /// Whether anything is off until the way to OP.
    #[must_use]
    pub fn has_op_only(&self) -> bool {
        self.subdevices.iter().any(|subdevice| !subdevice.op_only.is_empty())
    }
}

/// The whole exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Bytes of the process image.
    pub image_len: usize,
    /// Frames, those that are sent most often first.
    pub frames: Vec<FramePlan>,
    /// What to program, by position.
    pub subdevices: Vec<SubDevicePlan>,
}

/// Why SubDevices don't fit into a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutError {
    /// A SubDevice has process data, and frames have no room for any.
    NoRoom {
        /// Position on the bus.
        position: u16,
        /// Its bytes.
        bytes: usize,
    },
    /// More is mapped on a sync manager than its length can say.
    TooLong {
        /// Position on the bus.
        position: u16,
        /// Number of the sync manager.
        sync_manager: u8,
        /// Bytes that are mapped on it.
        bytes: usize,
    },
    /// A SubDevice has fewer FMMUs than process data sync managers.
    TooFewFmmus {
        /// Position on the bus.
        position: u16,
        /// FMMUs needed.
        needed: usize,
        /// FMMUs there.
        has: u8,
    },
    /// The image is larger than the logical address space.
    ImageTooLarge {
        /// Bytes of the image.
        bytes: usize,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom { position, bytes } => {
                write!(f, "SubDevice {position} has {bytes} bytes of process data, and frames have no room for any")
            }
            Self::TooLong { position, sync_manager, bytes } => {
                write!(f, "SubDevice {position} maps {bytes} bytes on sync manager {sync_manager}; it can have 65535")
            }
            Self::TooFewFmmus { position, needed, has } => {
                write!(f, "SubDevice {position} needs {needed} FMMUs and has {has}")
            }
            Self::ImageTooLarge { bytes } => {
                write!(f, "the process image would have {bytes} bytes; logical addresses end at 4294967295")
            }
        }
    }
}

impl core::error::Error for LayoutError {}
