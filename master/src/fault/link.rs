//! Which fault it is that a link couldn't be opened.

use crate::link::LinkOpenError;
use zerocat_faults::Fault;
use zerocat_link::lock::LockError;
use zerocat_link::packet::PacketError;
use zerocat_xdp::XdpError;

impl LinkOpenError {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Lock(error) => lock(error),
            Self::Xdp { source, .. } => xdp(source),
            Self::Packet { source, .. } => packet(source),
        }
    }
}

/// Which fault it is that the lock of an interface couldn't be taken.
#[must_use]
pub fn lock(error: &LockError) -> Fault {
    match error {
        LockError::InUse { .. } => Fault::InterfaceInUse,
        LockError::NoSuchInterface { .. } => Fault::NoSuchInterface,
        LockError::Descriptors(_) => Fault::FileLimit,
        LockError::SetUp { .. } => Fault::LinkUnavailable,
    }
}

/// Which fault it is that an AF_PACKET socket couldn't be opened.
#[must_use]
pub fn packet(error: &PacketError) -> Fault {
    match error {
        PacketError::NoSuchInterface { .. } => Fault::NoSuchInterface,
        PacketError::NoPermission { .. } => Fault::PermissionMissing,
        PacketError::InterfaceDown { .. } => Fault::InterfaceDown,
        PacketError::NotEthernet { .. } => Fault::InterfaceUnsuited,
        PacketError::Descriptors(_) => Fault::FileLimit,
        PacketError::SetUp { .. } => Fault::LinkUnavailable,
    }
}

/// Which fault it is that an AF_XDP socket couldn't be opened.
#[must_use]
pub fn xdp(error: &XdpError) -> Fault {
    match error {
        XdpError::NoInterface { .. } => Fault::NoSuchInterface,
        XdpError::NoPermission { .. } => Fault::PermissionMissing,
        XdpError::Down { .. } => Fault::InterfaceDown,
        XdpError::NoSuchQueue { .. } | XdpError::QueueRefused { .. } | XdpError::Mtu { .. } => Fault::InterfaceUnsuited,
        XdpError::Occupied { .. } => Fault::XdpProgramPresent,
        XdpError::MemoryLock { .. } => Fault::LockedMemoryLimit,
        XdpError::NoCarrier { .. } | XdpError::CarrierLost { .. } => Fault::NoCarrier,
        XdpError::Descriptors(_) => Fault::FileLimit,
        XdpError::QueueBusy { .. } => Fault::InterfaceInUse,
        XdpError::Stopped { .. } => Fault::StoppedBySignal,
        _ => Fault::XdpUnavailable,
    }
}
