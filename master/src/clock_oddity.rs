//! What is told of clocks: what is odd in bring-up, who doesn't follow or goes astray in operation, and a reference that is lost.

use std::fmt;
use std::time::Duration;
use zerocat_bus::clock::ClockProblem;
use zerocat_faults::Fault;

/// What is told of a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockOddity {
    /// Something was odd when clocks were measured and set.
    Odd {
        /// Who.
        who: String,
        /// What.
        what: ClockProblem,
    },
    /// A clock hasn't come near the reference.
    NotConverged {
        /// Who.
        who: String,
        /// Difference 0x092C.
        difference_ns: u32,
        /// After so long.
        within: Duration,
    },
    /// A clock is further from the reference than the limit.
    Astray {
        /// Who.
        who: String,
        /// Difference 0x092C.
        difference_ns: u32,
        /// The limit.
        limit: Duration,
    },
    /// It is within the limit again.
    Back {
        /// Who.
        who: String,
        /// How long it was beyond.
        after: Duration,
    },
    /// The reference clock doesn't answer, or shows another time than it should.
    ReferenceLost {
        /// Who has it.
        who: String,
    },
    /// It is followed again.
    ReferenceBack {
        /// Who has it.
        who: String,
        /// How long it was not.
        after: Duration,
    },
}

impl ClockOddity {
    /// The fault that it is; `None` for good news.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        Some(match self {
            Self::Odd { .. } | Self::NotConverged { .. } => Fault::ClockMisbehaves,
            Self::Astray { .. } => Fault::ClockAstray,
            Self::ReferenceLost { .. } => Fault::ReferenceClockLost,
            Self::Back { .. } | Self::ReferenceBack { .. } => return None,
        })
    }
}

impl fmt::Display for ClockOddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Odd { who, what } => write!(f, "the clock of {who}: {what}"),
            Self::NotConverged { who, difference_ns, within } => write!(
                f,
                "the clock of {who} doesn't follow the reference clock: {difference_ns} ns off after {:.1} s",
                within.as_secs_f64()
            ),
            Self::Astray { who, difference_ns, limit } => {
                write!(f, "the clock of {who} is {difference_ns} ns off the reference clock, more than {limit:?}")
            }
            Self::Back { who, after } => {
                write!(f, "the clock of {who} is near the reference clock again, after {:.1} s", after.as_secs_f64())
            }
            Self::ReferenceLost { who } => write!(
                f,
                "the reference clock, {who}, doesn't answer or shows another time than it should; frames go on at the last rate"
            ),
            Self::ReferenceBack { who, after } => {
                write!(f, "the reference clock, {who}, is followed again, after {:.1} s", after.as_secs_f64())
            }
        }
    }
}
