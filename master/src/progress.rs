//! Who is told how far a network has come.

use std::fmt;

/// A phase on the way to OP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Counting, addressing and identifying.
    Discover,
    /// On the way to PRE-OP.
    PreOp,
    /// Reading what each SubDevice maps.
    ReadPdos,
    /// Programming, and on the way to SAFE-OP.
    SafeOp,
    /// Cyclic frames begin to flow.
    Exchange,
    /// On the way to OP.
    Op,
    /// All in OP, traffic live.
    Running,
    /// Frames don't come back; outputs are safe, and the network is waited for.
    Lost,
    /// On the way down.
    ShutDown,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discover => "looking who is on the bus",
            Self::PreOp => "going to PRE-OP",
            Self::ReadPdos => "reading process data maps",
            Self::SafeOp => "programming, going to SAFE-OP",
            Self::Exchange => "starting the cyclic exchange",
            Self::Op => "going to OP",
            Self::Running => "in OP",
            Self::Lost => "frames don't come back: outputs are safe, waiting for the network",
            Self::ShutDown => "going down to INIT",
        })
    }
}

/// A function that is told of each phase as it is entered.
pub struct Progress(Box<dyn Fn(Phase) + Send>);

impl Progress {
    /// Tells `observer`.
    pub fn new(observer: impl Fn(Phase) + Send + 'static) -> Self {
        Self(Box::new(observer))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        (self.0)(phase);
    }
}

impl Default for Progress {
    /// Tells nobody.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
