//! XDP programs for the far end of a cable, for measurements and tests.
//!
//! A [`Reflector`] is a segment without SubDevices that answers in the kernel. Over veth both ends must be of one kind.
//! Frames from a native reflector arrive only where the other end has a native program too, either a link's or a
//! [`Passthrough`]. A generic link needs a generic reflector.

use crate::attached_program;
use crate::device::Device;
use crate::error::XdpError;
use crate::mode::{Attached, Mode};
use crate::open::DESCRIPTORS;
use crate::privilege;
use crate::program::{Attachment, Kind, Program};
use zerocat_link::descriptors;

/// Sends every EtherCAT frame back: with bit 1 of the first byte of its source address set, and the working counters
/// of its first 16 datagrams raised by 3 (LRW), 0 (NOP) or 1 (all others). It leaves the interface when it is dropped.
#[derive(Debug)]
pub struct Reflector {
    attachment: Attachment,
}

impl Reflector {
    /// Puts a reflector on an interface: in the driver for the native modes, else in the network stack.
    ///
    /// # Errors
    /// `NoInterface`, `NoPermission`, `Occupied`, `Load`, `Attach`.
    pub fn attach(interface: &str, mode: Mode) -> Result<Self, XdpError> {
        Ok(Self { attachment: attach(interface, mode, Kind::Reflect)? })
    }

    /// Where it runs.
    #[must_use]
    pub fn attached(&self) -> Attached {
        self.attachment.attached()
    }
}

/// A program that passes every frame to the network stack. With it on its interface, an AF_PACKET socket on veth gets
/// what a native reflector returns. It leaves the interface when it is dropped.
#[derive(Debug)]
pub struct Passthrough {
    attachment: Attachment,
}

impl Passthrough {
    /// Puts it on an interface.
    ///
    /// # Errors
    /// As for [`Reflector::attach`].
    pub fn attach(interface: &str, mode: Mode) -> Result<Self, XdpError> {
        // Without a socket in its map our program passes everything.
        Ok(Self { attachment: attach(interface, mode, Kind::Redirect { queues: 1 })? })
    }

    /// Where it runs.
    #[must_use]
    pub fn attached(&self) -> Attached {
        self.attachment.attached()
    }
}

fn attach(interface: &str, mode: Mode, kind: Kind) -> Result<Attachment, XdpError> {
    descriptors::ensure(DESCRIPTORS)?;
    let device = Device::find(interface)?;
    privilege::check()?;
    attached_program::clear(&device, false)?;
    Program::load(kind)?.attach(&device, mode.attachment())
}
