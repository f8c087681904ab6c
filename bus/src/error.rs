//! What can go wrong on the bus, one enum per family of operations. Every error names the SubDevice it is about.

use std::fmt;
use std::time::Duration;
use zerocat_wire::AlState;
use zerocat_wire::al::{AlStatus, AlStatusCode};

use crate::assign::AssignFailed;
use crate::clock::refusal::hint;
use crate::clock::sync::SyncError;
use crate::coe::SdoError;
use crate::datagrams::Target;
use crate::startup::StartupFailed;

/// Position and name of a SubDevice, as messages show it: `SubDevice 2 (EL3002)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Name; empty before it is known.
    pub name: String,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubDevice {}", self.position)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " ({})", self.name) }
    }
}

/// A SubDevice as messages name it: position and name, and its key in the rig file where that is another word, such as
/// ``SubDevice 5 (ZC-SERVO) `axis` ``.
#[must_use]
pub fn named(who: &Label, key: Option<&str>) -> String {
    key.filter(|key| *key != who.name).map_or_else(|| who.to_string(), |key| format!("{who} `{key}`"))
}

/// Why a datagram gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// The frame pool refused it.
    #[error("{command} {target}, register {register:#06x}: frame pool: {reason}")]
    Pool {
        /// What was to be done.
        command: &'static str,
        /// To whom.
        target: Target,
        /// Where.
        register: u16,
        /// The pool's error.
        reason: ethercrab::error::Error,
    },
    /// Nobody moved its frame: it was not sent, or not given back.
    #[error(
        "{command} {target}, register {register:#06x}: its frame was not moved for {waited:?}; is the realtime thread running?"
    )]
    NotMoved {
        /// What was to be done.
        command: &'static str,
        /// To whom.
        target: Target,
        /// Where.
        register: u16,
        /// How long was waited.
        waited: Duration,
    },
    /// No SubDevice took part in any attempt.
    #[error("{command} {target}, register {register:#06x}, {len} bytes: no answer in {attempts} attempts")]
    NoAnswer {
        /// What was to be done.
        command: &'static str,
        /// To whom.
        target: Target,
        /// Where.
        register: u16,
        /// Bytes.
        len: usize,
        /// Times it was sent.
        attempts: u8,
    },
    /// Another number of SubDevices took part than was addressed.
    #[error("{command} {target}, register {register:#06x}: working counter {got} instead of {expected}")]
    WorkingCounter {
        /// What was to be done.
        command: &'static str,
        /// To whom.
        target: Target,
        /// Where.
        register: u16,
        /// What it should have been.
        expected: u16,
        /// What it was.
        got: u16,
    },
    /// More data than one frame of the pool carries.
    #[error("{len} bytes don't fit into one datagram")]
    TooLong {
        /// Bytes.
        len: usize,
    },
}

/// Why the SII could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiiError {
    /// A datagram failed.
    #[error(transparent)]
    Datagram(#[from] DatagramError),
    /// The ESC is there and doesn't answer at the interface.
    #[error("the SII interface doesn't answer: {0}")]
    Silent(DatagramError),
    /// The interface stayed busy.
    #[error("SII interface busy for {waited:?} at word {word:#06x}")]
    Busy {
        /// Word that was asked for.
        word: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// The interface showed an error.
    #[error("SII read of word {word:#06x} failed, status {status:#06x}")]
    Failed {
        /// Word that was asked for.
        word: u32,
        /// Control and status register.
        status: u16,
    },
    /// A category has no sense.
    #[error("SII category {category} at word {word:#06x} is damaged: {source}")]
    Category {
        /// Its type.
        category: u16,
        /// Where it starts.
        word: u32,
        /// What is wrong.
        source: zerocat_wire::WireError,
    },
}

/// Why a SubDevice is not in the AL state asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlError {
    /// A datagram failed.
    #[error("{}: asked for {asked}: {source}", silent(who, source))]
    Datagram {
        /// Who.
        who: Label,
        /// State asked for.
        asked: AlState,
        /// What failed.
        source: DatagramError,
    },
    /// It refused, and went on refusing after acknowledgements.
    #[error("{who}: asked for {asked}, shows {shown}, AL status code {code}{}{}", hint_of(*.code, .acknowledged), after(.acknowledged))]
    Refused {
        /// Who.
        who: Label,
        /// State asked for.
        asked: AlState,
        /// What it shows.
        shown: AlStatus,
        /// Why.
        code: AlStatusCode,
        /// Codes of the errors that were acknowledged before, in order.
        acknowledged: Vec<AlStatusCode>,
    },
    /// It shows no error and didn't get there in time.
    #[error(
        "{who}: asked for {asked}, still shows {shown} after {:.1} s, no AL error{}{}",
        waited.as_secs_f64(), after(.acknowledged), hint_of(AlStatusCode::NO_ERROR, .acknowledged)
    )]
    Timeout {
        /// Who.
        who: Label,
        /// State asked for.
        asked: AlState,
        /// What it shows.
        shown: AlStatus,
        /// How long was waited.
        waited: Duration,
        /// Codes of the errors that were acknowledged before, in order.
        acknowledged: Vec<AlStatusCode>,
    },
}

/// Why the network could not be brought to where it was asked to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BringUpError {
    /// Nobody answered.
    #[error("no SubDevice answered; check cable, interface and power")]
    Nobody,
    /// SubDevices came or went while they were being found.
    #[error("{before} SubDevices answered, then {now}; check connectors and power, then start again")]
    CountChanged {
        /// At first.
        before: u16,
        /// Later.
        now: u16,
    },
    /// A datagram to all failed.
    #[error(transparent)]
    Datagram(#[from] DatagramError),
    /// A datagram to one SubDevice failed.
    #[error("{}: {doing}: {source}", silent(who, source))]
    SubDevice {
        /// Who.
        who: Label,
        /// What was being done.
        doing: &'static str,
        /// What failed.
        source: DatagramError,
    },
    /// The SII could not be read.
    #[error("{}: {source}", source.datagram().map_or_else(|| who.to_string(), |datagram| silent(who, datagram)))]
    Sii {
        /// Who.
        who: Label,
        /// Why.
        source: SiiError,
    },
    /// A state was not reached.
    #[error(transparent)]
    Al(#[from] AlError),
    /// An SDO transfer failed.
    #[error(transparent)]
    Sdo(#[from] SdoError),
    /// A startup command failed.
    #[error(transparent)]
    Startup(#[from] Box<StartupFailed>),
    /// A PDO assignment was not taken.
    #[error(transparent)]
    Assign(#[from] Box<AssignFailed>),
    /// The watchdog reads back as something else than was written.
    #[error("{who}: watchdogs: wrote {wrote} to {register:#06x}, reads back {reads}")]
    Watchdog {
        /// Who.
        who: Label,
        /// Register.
        register: u16,
        /// What was written.
        wrote: u16,
        /// What it shows.
        reads: u16,
    },
    /// The watchdog time can't be said in ticks of 100 us.
    #[error("a watchdog of {asked:?} is outside 100 us to 6.5535 s")]
    WatchdogTime {
        /// What was asked for.
        asked: Duration,
    },
    /// The SubDevice that was chosen for it has no system time.
    #[error("{who} can't be the reference clock: it has no system time; choose another, or none")]
    NoReferenceClock {
        /// Who.
        who: Label,
    },
    /// SYNC could not be started.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// There is no SubDevice at this position.
    #[error("no SubDevice at position {position}; there are {count}")]
    NoSuchPosition {
        /// Position asked for.
        position: u16,
        /// SubDevices there.
        count: usize,
    },
}

/// Who it is about, and where that is so that it doesn't answer.
fn silent(who: &Label, source: &DatagramError) -> String {
    if matches!(source, DatagramError::NoAnswer { .. }) { format!("{who} doesn't answer") } else { who.to_string() }
}

impl SiiError {
    /// The datagram that failed, if one did.
    const fn datagram(&self) -> Option<&DatagramError> {
        match self {
            Self::Datagram(error) => Some(error),
            _ => None,
        }
    }
}

impl AlError {
    /// The SubDevice that it is about.
    #[must_use]
    pub const fn who(&self) -> &Label {
        match self {
            Self::Datagram { who, .. } | Self::Refused { who, .. } | Self::Timeout { who, .. } => who,
        }
    }

    /// The same about a SubDevice whose name is known by now.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.who_mut().name);
        self
    }

    const fn who_mut(&mut self) -> &mut Label {
        match self {
            Self::Datagram { who, .. } | Self::Refused { who, .. } | Self::Timeout { who, .. } => who,
        }
    }

    /// The state that was shown; `None` where nothing was, or what is no state.
    #[must_use]
    pub fn shown(&self) -> Option<AlState> {
        match self {
            Self::Datagram { .. } => None,
            Self::Refused { shown, .. } | Self::Timeout { shown, .. } => shown.state(),
        }
    }
}

impl BringUpError {
    /// The SubDevice that it is about, if it is about one.
    #[must_use]
    pub fn who(&self) -> Option<&Label> {
        match self {
            Self::SubDevice { who, .. }
            | Self::Sii { who, .. }
            | Self::Watchdog { who, .. }
            | Self::NoReferenceClock { who } => Some(who),
            Self::Al(error) => Some(error.who()),
            Self::Sync(error) => error.who(),
            Self::Sdo(error) => Some(error.who()),
            Self::Startup(failed) => Some(&failed.who),
            Self::Assign(failed) => Some(&failed.who),
            _ => None,
        }
    }

    /// Whether it is that nobody, or one SubDevice, doesn't answer.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        let source = match self {
            Self::Nobody => return true,
            Self::Datagram(source)
            | Self::SubDevice { source, .. }
            | Self::Al(AlError::Datagram { source, .. })
            | Self::Sii { source: SiiError::Datagram(source), .. } => source,
            _ => return false,
        };
        matches!(source, DatagramError::NoAnswer { .. })
    }

    /// Gives the SubDevice that it is about the name that it is known by, where it has none yet.
    pub fn give_name(&mut self, name: impl FnOnce(u16) -> Option<String>) {
        let who = match self {
            Self::SubDevice { who, .. } | Self::Sii { who, .. } | Self::Watchdog { who, .. } => who,
            Self::Al(error) => error.who_mut(),
            _ => return,
        };
        if who.name.is_empty() {
            who.name = name(who.position).unwrap_or_default();
        }
    }
}

/// Where to look first for a code, else for the last of those that were acknowledged before and is about synchronization.
fn hint_of(code: AlStatusCode, acknowledged: &[AlStatusCode]) -> String {
    let all = std::iter::once(code).chain(acknowledged.iter().rev().copied());
    all.map(hint).find(|hint| !hint.is_empty()).unwrap_or_default()
}

fn after(codes: &[AlStatusCode]) -> String {
    match codes {
        [] => String::new(),
        [one] => format!(" (acknowledged before: {one})"),
        [.., last] => format!(" ({} errors acknowledged before, the last {last})", codes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_said_first_by_the_name_that_is_known() {
        let (target, who) = (Target::Station(0x1003), Label { position: 2, name: String::new() });
        let source = DatagramError::NoAnswer { command: "FPRD", target, register: 0x0130, len: 6, attempts: 8 };
        let mut error = BringUpError::SubDevice { who, doing: "read AL status", source };
        error.give_name(|position| (position == 2).then(|| "EL1004".to_owned()));
        error.give_name(|_| Some("another".to_owned()));
        assert!(error.is_silence());
        assert_eq!(
            error.to_string(),
            "SubDevice 2 (EL1004) doesn't answer: read AL status: FPRD station 0x1003, register 0x0130, 6 bytes: no answer in 8 \
             attempts"
        );
    }

    #[test]
    fn a_refusal_names_position_name_states_and_code_in_words() {
        let error = AlError::Refused {
            who: Label { position: 2, name: "EL3002".into() },
            asked: AlState::SafeOp,
            shown: AlStatus(0x12),
            code: AlStatusCode(0x001e),
            acknowledged: vec![AlStatusCode(0x001b)],
        };
        assert_eq!(
            error.to_string(),
            "SubDevice 2 (EL3002): asked for SAFE-OP, shows PRE-OP + ERROR, AL status code 0x001e: Invalid input \
             configuration (acknowledged before: 0x001b: Sync manager watchdog)"
        );
    }
}
