//! Which fault of the list each error and event of a session is.
//!
//! The texts are those of the errors; the list has names, categories and exit codes.

mod link;

#[cfg(feature = "xdp")]
pub use crate::link::xdp_fault as fault_of_xdp;
pub use link::lock as fault_of_lock;
#[cfg(feature = "packet")]
pub use link::packet as fault_of_packet;

use crate::bring_up::StartError;
use crate::capture::CaptureError;
use crate::eoe::EthernetError;
use crate::events::SessionEvent;
use crate::health::OutOfOp;
use crate::limit::Limit;
use crate::machine::LifeError;
use crate::outfile::OutfileError;
use crate::scan::ScanError;
use crate::session::SessionError;
use crate::supervision::Cause;
use crate::tasks::TaskStartError;
use zerocat_bus::Missing;
use zerocat_config::ConfigError;
use zerocat_faults::Fault;
use zerocat_tasks::SourceEvent;
use zerocat_wire::al::AlStatusCode;

impl SessionError {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        if let Some(limit) = Limit::of(self) {
            return limit.fault();
        }
        match self {
            Self::Rate(_) => Fault::RatesImpossible,
            Self::Link(error) => error.fault(),
            Self::Strict(_) => Fault::StrictUnavailable,
            Self::Capture(CaptureError::File(error)) => error.fault(),
            Self::Capture(_) => Fault::CaptureFailed,
            Self::Gateway(_) => Fault::GatewayCannotListen,
            Self::Thread(_) => Fault::SystemCallFailed,
            Self::Start(error) => error.fault(),
            Self::Task(error) => error.fault(),
            Self::Descriptions(_) => Fault::DeviceDescriptionWrong,
            Self::Rig(error) => fault_of_config(error),
            Self::Entries(_) => Fault::ChannelUnplaced,
            Self::Panic(_) => Fault::ThreadPanicked,
            Self::RealtimeEnded => Fault::RealtimeThreadEnded,
            Self::Interrupted => Fault::StoppedBySignal,
        }
    }
}

impl LifeError {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Start(error) => error.fault(),
            Self::Task(error) => error.fault(),
            Self::Entries(_) => Fault::ChannelUnplaced,
            Self::Stopped => Fault::StoppedBySignal,
        }
    }
}

impl StartError {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Ethernet(error) => error.fault(),
            Self::Silent | Self::Unheard(_) => Fault::NoSubdeviceAnswers,
            Self::Driven(_) => Fault::BusDriven,
            Self::Bus(error) => error.fault(),
            Self::Unwatched(_) => Fault::OutputsUnwatched,
            Self::TooLong { .. } => Fault::BringUpTimeout,
            Self::ShutdownTooLong { .. } => Fault::ShutdownTimeout,
            Self::Changed(_) => Fault::NetworkChanged,
            Self::Missing { missing, .. } if missing.iter().all(Missing::differs) => Fault::SubdeviceMismatch,
            Self::Missing { .. } => Fault::SubdeviceMissing,
            Self::Unnamed(_) => Fault::SubdeviceUnnamed,
            Self::Sync { .. } | Self::SyncCycle { .. } | Self::SyncInFrame(_) | Self::NoSync(_) => {
                Fault::SyncImpossible
            }
            Self::NoClocks => Fault::NoReferenceClock,
            Self::NotLocked { .. } => Fault::PhaseNotLocked,
            Self::NotConverged { .. } => Fault::ClocksNotConverged,
            Self::Layout(_) | Self::Slots { .. } | Self::Lane(_) => Fault::ProcessDataUnplaced,
            Self::Watchdog { .. } => Fault::WatchdogTooShort,
            Self::Bind(_) => Fault::ChannelUnplaced,
            Self::Rules(_) => Fault::RulesBroken,
            Self::Incomplete { late, lost, .. } if *late > 0 && late.saturating_mul(2) >= *lost => Fault::AnswersLate,
            Self::Incomplete { .. } => Fault::ExchangeIncomplete,
            Self::Closed(_) => Fault::RealtimeThreadEnded,
            Self::SafeNotSent => Fault::SafeOutputsNotSent,
            Self::Stuck { .. } => Fault::RealtimeThreadStuck,
        }
    }
}

impl TaskStartError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Sink { .. } => Fault::FileNotWritable,
            Self::Thread { .. } | Self::Time(_) => Fault::SystemCallFailed,
            Self::Rates { .. } => Fault::RatesImpossible,
        }
    }
}

impl OutfileError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        Fault::FileNotWritable
    }
}

impl ScanError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Driven(_) => Fault::BusDriven,
            Self::Bus(error) => error.fault(),
            Self::Unheard(_) => Fault::NoSubdeviceAnswers,
            Self::Interrupted => Fault::StoppedBySignal,
        }
    }
}

impl Limit {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Threads => Fault::ThreadLimit,
            Self::Files | Self::FilesOfAll => Fault::FileLimit,
            Self::Memory => Fault::MemoryLimit,
            Self::LockedMemory => Fault::LockedMemoryLimit,
        }
    }
}

impl Cause {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Silence(_) => Fault::OutageSilence,
            Self::Stall(_) => Fault::OutageStall,
            Self::Suspended(_) => Fault::OutageSuspended,
            Self::StoodStill => Fault::OutagePaused,
            Self::Expired => Fault::OutageWatchdogsExpired,
            Self::Detached => Fault::OutageXdpDetached,
        }
    }
}

impl EthernetError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Interface(_) => Fault::EthernetInterfaceFailed,
            Self::Port { .. } => Fault::MailboxFailed,
            Self::Thread(_) => Fault::SystemCallFailed,
        }
    }
}

impl OutOfOp {
    /// Which fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.shown {
            None => Fault::SubdeviceSilent,
            Some(_) if self.restarted => Fault::SubdeviceRestarted,
            Some(_) if self.has_error_in_op() => Fault::SubdeviceErrorInOp,
            Some(shown) if shown.code == AlStatusCode::SYNC_MANAGER_WATCHDOG => Fault::SubdeviceWatchdogExpired,
            Some(_) => Fault::SubdeviceLeftOp,
        }
    }
}

impl SessionEvent {
    /// Which fault it is; `None` where it is none: a phase, or good news.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::BegunAgain { .. } => Some(Fault::BringUpStall),
            Self::Lost(cause) => Some(cause.fault()),
            Self::NotRecovered(_) => Some(Fault::NotRecovered),
            Self::AnswersLate { .. } => Some(Fault::AnswersLate),
            Self::OutOfOp(out) => Some(out.fault()),
            Self::BootFailed(error) => Some(error.fault()),
            Self::Emergency(emergency) => (!emergency.is_reset()).then_some(Fault::Emergency),
            Self::Diagnosis(diagnosis) => diagnosis.is_trouble().then_some(Fault::Diagnosis),
            Self::MailboxSilent(_) => Some(Fault::MailboxSilent),
            Self::CommandsVoid(_) => Some(Fault::CommandsVoid),
            Self::Aside { .. } => Some(Fault::SubdeviceDiffers),
            Self::Unnamed(_) => Some(Fault::SubdeviceUnnamed),
            Self::OptionalMissing(_) => Some(Fault::OptionalSubdeviceMissing),
            Self::Source { event: SourceEvent::Ended, .. } => Some(Fault::SourceEnded),
            Self::Source { event: SourceEvent::Silent { .. }, .. } => Some(Fault::SourceSilent),
            Self::Retried(_) => Some(Fault::StateRetried),
            Self::StartupFailed(failed) => Some(failed.fault()),
            Self::IpParameterRefused(error) => Some(error.fault()),
            Self::Replaced(_) => Some(Fault::SubdeviceReplaced),
            Self::TypesByLength(_) => Some(Fault::DataTypeUnsaid),
            Self::ClockStepped(_) => Some(Fault::ClockStepped),
            Self::SyncTrouble(_) => Some(Fault::SyncMissed),
            Self::ClockOdd(oddity) => oddity.fault(),
            Self::DescriptionLeftOut(_) => Some(Fault::DeviceDescriptionWrong),
            Self::Phase(_)
            | Self::CommandNotified(_)
            | Self::DescriptionFallback(_)
            | Self::OtherInterpolation(_)
            | Self::SyncClose(_)
            | Self::WaitsFor(_)
            | Self::Recovered { .. }
            | Self::AttachedAgain
            | Self::AnswersInTime { .. }
            | Self::SilentBranch(_)
            | Self::BackInOp(_)
            | Self::MailboxAnswers(_)
            | Self::TakenOut { .. }
            | Self::BroughtBack { .. }
            | Self::CommandedAgain(_)
            | Self::Source { event: SourceEvent::Live | SourceEvent::HeardAgain { .. }, .. } => None,
        }
    }
}

/// Which fault an error of a rig file is.
#[must_use]
pub const fn fault_of_config(error: &ConfigError) -> Fault {
    match error {
        ConfigError::Read { .. } => Fault::FileNotReadable,
        ConfigError::Problems { .. } | ConfigError::Described { .. } => Fault::RulesBroken,
        _ => Fault::FileMalformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use zerocat_bus::{AlShown, Label};
    use zerocat_wire::al::AlStatus;

    fn out(shown: Option<(u16, u16)>, restarted: bool) -> Fault {
        let shown = shown.map(|(status, code)| AlShown { status: AlStatus(status), code: AlStatusCode(code) });
        OutOfOp { who: Label::default(), key: None, shown, came_back: restarted, restarted, taken_out: None }.fault()
    }

    #[test]
    fn who_is_out_of_op_is_told_by_what_it_shows() {
        let all = [
            (None, false, "subdevice_silent"),
            (Some((0x14, 0x1b)), false, "subdevice_watchdog_expired"),
            (Some((0x14, 0x23)), false, "subdevice_left_op"),
            (Some((0x18, 0x1b)), false, "subdevice_error_in_op"),
            (Some((1, 0)), true, "subdevice_restarted"),
        ];
        let all = all.map(|(shown, restarted, name)| (out(shown, restarted), name));
        all.iter().for_each(|(fault, name)| assert_eq!(fault.name(), *name));
        assert!(all.iter().all(|(fault, _)| fault.exit_code() == Some(8)));
    }

    #[test]
    fn a_period_that_is_too_short_is_told_from_frames_that_are_lost() {
        let error = |late| StartError::Incomplete {
            got: 0,
            expected: 3,
            lost: 10,
            cycles: 20,
            late,
            deadline: Duration::from_micros(90),
        };
        assert_eq!([error(0), error(9)].map(|error| error.fault()), [Fault::ExchangeIncomplete, Fault::AnswersLate]);
    }

    #[test]
    fn a_limit_that_is_the_cause_comes_first() {
        let error = SessionError::Thread(std::io::Error::from_raw_os_error(11));
        assert_eq!(error.fault(), Fault::ThreadLimit);
    }

    #[test]
    fn good_news_is_no_fault() {
        assert_eq!(SessionEvent::Recovered { cause: Cause::Detached, after: Duration::ZERO }.fault(), None);
        assert_eq!(SessionEvent::Lost(Cause::Detached).fault(), Some(Fault::OutageXdpDetached));
    }
}
