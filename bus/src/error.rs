//! What can go wrong on the bus, one enum per family of operations. Every error names the SubDevice it is about.

use std::fmt;
use std::time::Duration;
use zerocat_wire::AlState;
use zerocat_wire::al::{AlStatus, AlStatusCode};

use crate::coe::SdoError;
use crate::datagrams::Target;

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
    #[error("{who}: asked for {asked}: {source}")]
    Datagram {
        /// Who.
        who: Label,
        /// State asked for.
        asked: AlState,
        /// What failed.
        source: DatagramError,
    },
    /// It refused, and went on refusing after acknowledgements.
    #[error("{who}: asked for {asked}, shows {shown}, AL status code {code}{}", after(.acknowledged))]
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
    #[error("{who}: asked for {asked}, still shows {shown} after {waited:?}, no AL error{}", after(.acknowledged))]
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
    #[error("{who}: {doing}: {source}")]
    SubDevice {
        /// Who.
        who: Label,
        /// What was being done.
        doing: &'static str,
        /// What failed.
        source: DatagramError,
    },
    /// The SII could not be read.
    #[error("{who}: {source}")]
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
    /// The watchdog reads back as something else than was written.
    #[error("{who}: sync manager watchdog: wrote {wrote} to {register:#06x}, reads back {reads}")]
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
    #[error("sync manager watchdog of {asked:?} is outside 100 us to 6.5535 s")]
    WatchdogTime {
        /// What was asked for.
        asked: Duration,
    },
    /// There is no SubDevice at this position.
    #[error("no SubDevice at position {position}; there are {count}")]
    NoSuchPosition {
        /// Position asked for.
        position: u16,
        /// SubDevices there.
        count: usize,
    },
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
        match &mut self {
            Self::Datagram { who, .. } | Self::Refused { who, .. } | Self::Timeout { who, .. } => {
                name.clone_into(&mut who.name);
            }
        }
        self
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
            Self::SubDevice { who, .. } | Self::Sii { who, .. } | Self::Watchdog { who, .. } => Some(who),
            Self::Al(error) => Some(error.who()),
            Self::Sdo(error) => Some(error.who()),
            _ => None,
        }
    }
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
