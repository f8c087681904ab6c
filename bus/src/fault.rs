//! Which fault of the list an error of the bus is.

use zerocat_faults::Fault;

use crate::aoe::AoeError;
use crate::assign::AssignFailed;
use crate::coe::SdoError;
use crate::eoe::IpError;
use crate::error::{AlError, BringUpError, DatagramError, SiiError};
use crate::soe::IdnError;
use crate::startup::{StartupFailed, StartupProblem};
use crate::voe::VoeError;

impl DatagramError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotMoved { .. } => Fault::RealtimeThreadStuck,
            Self::Pool { .. } | Self::NoAnswer { .. } | Self::WorkingCounter { .. } | Self::TooLong { .. } => {
                Fault::DatagramFailed
            }
        }
    }
}

impl SiiError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Datagram(error) => error.fault(),
            Self::Silent(_) | Self::Busy { .. } | Self::Failed { .. } | Self::Category { .. } => Fault::SiiUnreadable,
        }
    }
}

impl AlError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Datagram { source, .. } => source.fault(),
            Self::Refused { .. } => Fault::StateRefused,
            Self::Timeout { .. } => Fault::StateTimeout,
        }
    }
}

impl SdoError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Mail { .. } | Self::NoCoe { .. } => Fault::MailboxFailed,
            Self::Abort { .. } | Self::Answer { .. } | Self::Unplaced { .. } => Fault::SdoFailed,
        }
    }
}

impl IdnError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Mail { .. } | Self::NoSoe { .. } => Fault::MailboxFailed,
            Self::Refused { .. } | Self::Answer { .. } | Self::Command { .. } => Fault::SdoFailed,
        }
    }
}

impl AoeError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        Fault::MailboxFailed
    }
}

impl VoeError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        Fault::MailboxFailed
    }
}

impl IpError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Refused { .. } | Self::Answer { .. } => Fault::IpParameterRefused,
            Self::Mail { .. } | Self::NoEoe { .. } => Fault::MailboxFailed,
        }
    }
}

impl StartupFailed {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match &self.source {
            StartupProblem::Sdo(error) => error.fault(),
            StartupProblem::Idn(error) => error.fault(),
            StartupProblem::ReadBack(_) | StartupProblem::Value(_) => Fault::SdoFailed,
        }
    }
}

impl AssignFailed {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        if self.source.is_mail() { Fault::MailboxFailed } else { Fault::PdoAssignmentRefused }
    }
}

impl BringUpError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Nobody => Fault::NoSubdeviceAnswers,
            Self::CountChanged { .. } => Fault::SubdeviceCountChanged,
            Self::Datagram(source) | Self::SubDevice { source, .. } => source.fault(),
            Self::Sii { source, .. } => source.fault(),
            Self::Al(error) => error.fault(),
            Self::Sdo(error) => error.fault(),
            Self::Startup(failed) => failed.fault(),
            Self::Assign(failed) => failed.fault(),
            Self::Watchdog { .. } | Self::WatchdogTime { .. } => Fault::WatchdogNotSet,
            Self::Sync(_) => Fault::SyncNotStarted,
            Self::NoReferenceClock { .. } => Fault::NoReferenceClock,
            Self::NoSuchPosition { .. } => Fault::SubdeviceMissing,
        }
    }
}
