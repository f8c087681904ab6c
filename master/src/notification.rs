//! Notifications of drives with SoE while the bus is in operation: a procedure command has changed its state.

use std::fmt;
use std::time::Duration;
use zerocat_bus::Label;
use zerocat_bus::named;
use zerocat_wire::soe::Idn;

/// What a drive said of a procedure command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandNotified {
    /// Whose drive.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// When it was read, on the clock of the session's cycles.
    pub at: Duration,
    /// Drive in the SubDevice.
    pub drive: u8,
    /// The procedure command.
    pub idn: Idn,
    /// Its data state: 3 done, 7 going on, 15 failed.
    pub state: u16,
}

impl CommandNotified {
    /// Its data state in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self.state & 0x0f {
            0x0 => "not set",
            0x3 => "done",
            0x5 => "interrupted",
            0x7 => "going on",
            state if state & 0x8 != 0 => "failed",
            _ => "set",
        }
    }
}

impl fmt::Display for CommandNotified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, key, drive, idn, state, .. } = self;
        let (who, text) = (named(who, key.as_deref()), self.text());
        write!(f, "{who}: procedure command {idn} of drive {drive} is {text} (data state {state:#06x})")
    }
}
