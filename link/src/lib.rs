//! Network ports that send from persistent slots and lend what they received.
//!
//! A [`Link`] has a fixed number of transmit slots. Its owner writes a frame into a slot once, posts it again and
//! again, and changes only the bytes that change. A received frame is lent until the next call of [`Link::receive`].
//! After a link is open nothing allocates and nothing blocks.
//!
//! Guarantees: a slot's bytes go on the wire as they were when it was posted; a slot that the network still owns can't
//! be written; a frame that was posted and not yet taken by the network can be withdrawn. Not guaranteed: the order of
//! posted slots, or that anything arrives.
//!
//! Features, both off by default: `packet` for AF_PACKET, `capture` for a wrapper that writes frames to a pcapng file.

pub mod datagram;
mod delegate;
pub mod descriptors;
pub mod fault;
pub mod host_interface;
mod interfaces;
pub mod lock;
#[cfg(feature = "packet")]
pub mod packet;
pub mod pair;
mod slots;
#[cfg_attr(not(feature = "packet"), expect(dead_code, reason = "a watch is a socket that receives nothing"))]
mod socket;
#[cfg(feature = "capture")]
pub mod tap;
pub mod waiting;
pub mod watch;

use std::time::Duration;

pub use interfaces::interfaces;

/// Number of a transmit slot, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u16);

/// Why a cycle's call on a link didn't do what was asked. Plain data: nothing is allocated to report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// There is no such slot.
    NoSuchSlot(Slot),
    /// The network still owns the slot: its last transmission has not completed.
    Busy(Slot),
    /// The frame is longer than a slot, or shorter than an Ethernet header.
    BadLength(usize),
    /// The interface is down or its carrier is gone.
    Down,
    /// The transmit queue has no room.
    Full,
    /// The kernel gave a descriptor that doesn't name one of our buffers.
    BadDescriptor(u64),
    /// Another error of the operating system, as errno.
    Os(i32),
}

impl std::fmt::Display for LinkFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::NoSuchSlot(slot) => write!(f, "no transmit slot {}", slot.0),
            Self::Busy(slot) => {
                write!(f, "transmit slot {} is still with the network; look at the carrier and at pause frames", slot.0)
            }
            Self::BadLength(len) => write!(f, "frame of {len} bytes"),
            Self::Down => f.write_str(
                "interface is down or has no carrier; look at the cable, and set it up (ip link set dev IF up)",
            ),
            Self::Full => f.write_str("transmit queue is full; look at the carrier and at pause frames"),
            Self::BadDescriptor(address) => write!(f, "descriptor {address:#x} from the kernel is none of ours"),
            Self::Os(errno) => write!(f, "{}", std::io::Error::from_raw_os_error(errno)),
        }
    }
}

impl std::error::Error for LinkFault {}

/// What a link counted since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounters {
    /// Frames handed to the network.
    pub sent: u64,
    /// Frames lent by [`Link::receive`].
    pub received: u64,
    /// Frames that the network refused or that failed to go out.
    pub send_errors: u64,
    /// Frames that arrived and were dropped by the link: no room, a bad descriptor, not for us.
    pub dropped: u64,
    /// System calls made to send or to wake the network.
    pub kicks: u64,
    /// System calls made to have the kernel look for received frames (busy polling).
    pub polls: u64,
}

/// How many buffers a link is opened with. Fixed for its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizing {
    /// Transmit slots, of 1,514 usable bytes each.
    pub slots: u16,
    /// Frames that may wait to be received.
    pub receive: u16,
}

/// Usable bytes of a slot, and the longest frame that is received: 1,514.
pub const MAX_FRAME: usize = 1514;
/// Shortest frame that is put on the wire; shorter ones are padded with zeros by the link.
pub const MIN_FRAME: usize = 60;

/// A port to one network.
///
/// After it is open no method allocates, locks, logs or makes a system call that can block.
pub trait Link {
    /// Number of transmit slots.
    fn slots(&self) -> u16;

    /// The bytes of a slot, as last written. Always [`MAX_FRAME`] long.
    ///
    /// # Errors
    /// `NoSuchSlot`.
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault>;

    /// The bytes of a slot, to write. Always [`MAX_FRAME`] long.
    ///
    /// # Errors
    /// `NoSuchSlot`, or `Busy` while the network still reads it.
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault>;

    /// Queues the first `len` bytes of a slot. They may go out now or at [`Link::kick`].
    ///
    /// # Errors
    /// `NoSuchSlot`, `Busy`, `BadLength`, `Full`; with the last the slot stays ours.
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault>;

    /// Hands everything that was posted to the network, with at most one system call where that is possible.
    ///
    /// # Errors
    /// `Down`, `Os`. What was posted may be lost; its slots come back.
    fn kick(&mut self) -> Result<(), LinkFault>;

    /// Takes back slots whose transmission completed, then lends the next frame that has arrived, if any. It never
    /// waits. The bytes are good until the next call.
    ///
    /// # Errors
    /// `Down`, `BadDescriptor`, `Os`. The next call may succeed.
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault>;

    /// What was counted since the link was opened.
    fn counters(&self) -> LinkCounters;

    /// Makes frames harmless that were posted and not yet taken by the network: if one is sent later it commands
    /// nothing. This is for a network that was lost: when it is back, outputs from before must not be the first frames
    /// on it.
    ///
    /// The slots come back at once, or when they would have come back without this, and keep their bytes. It makes no
    /// system call; its time grows with the number of slots. A frame that the driver or the network has taken already
    /// can't be withdrawn. The provided method does nothing: it is for links that never hold a posted frame.
    fn withdraw(&mut self) {}

    /// How long the frame that [`Link::receive`] lent last had waited for it by now, where the link knows. The provided method
    /// knows nothing.
    fn waited(&self) -> Option<Duration> {
        None
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn slots(&self) -> u16 {
        (**self).slots()
    }
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        (**self).slot(slot)
    }
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        (**self).slot_mut(slot)
    }
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        (**self).post(slot, len)
    }
    fn kick(&mut self) -> Result<(), LinkFault> {
        (**self).kick()
    }
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        (**self).receive()
    }
    fn counters(&self) -> LinkCounters {
        (**self).counters()
    }
    fn withdraw(&mut self) {
        (**self).withdraw();
    }
    fn waited(&self) -> Option<Duration> {
        (**self).waited()
    }
}
