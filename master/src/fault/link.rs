//! Which fault it is that a link couldn't be opened.

use crate::link::LinkOpenError;
use zerocat_faults::Fault;
use zerocat_link::lock::LockError;
#[cfg(feature = "packet")]
use zerocat_link::packet::PacketError;

impl LinkOpenError {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Lock(error) => lock(error),
            #[cfg(feature = "xdp")]
            Self::Xdp { source, .. } => crate::link::xdp_fault(source),
            #[cfg(feature = "packet")]
            Self::Packet { source, .. } => packet(source),
            Self::NotBuilt { .. } => Fault::LinkUnavailable,
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
#[cfg(feature = "packet")]
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
