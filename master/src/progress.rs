//! Who is told how far a network has come.

use std::cell::Cell;
use std::fmt;

/// A phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Counting, addressing and identifying.
    Discover,
    /// Going to PRE-OP.
    PreOp,
    /// Reading what each SubDevice maps.
    ReadPdos,
    /// Programming, and going to SAFE-OP.
    SafeOp,
    /// Cyclic frames begin to flow.
    Exchange,
    /// Going to OP.
    Op,
    /// All in OP, traffic live.
    Running,
    /// Frames don't come back; outputs are safe, and the network is waited for.
    Lost,
    /// Shutting down to INIT.
    ShutDown,
}

impl Phase {
    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::PreOp => "pre_op",
            Self::ReadPdos => "read_pdos",
            Self::SafeOp => "safe_op",
            Self::Exchange => "exchange",
            Self::Op => "op",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::ShutDown => "shut_down",
        }
    }
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
            Self::ShutDown => "shutting down to INIT",
        })
    }
}

/// A function that is told of each phase as it is entered, and the furthest phase so far.
pub struct Progress {
    observer: Box<dyn Fn(Phase) + Send>,
    furthest: Cell<Option<Phase>>,
}

impl Progress {
    /// Tells `observer`.
    pub fn new(observer: impl Fn(Phase) + Send + 'static) -> Self {
        Self { observer: Box::new(observer), furthest: Cell::new(None) }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        if phase <= Phase::Running {
            self.furthest.set(self.furthest.get().max(Some(phase)));
        }
        (self.observer)(phase);
    }

    /// The furthest phase of the bring-up so far; `None` before the first.
    pub(crate) const fn furthest(&self) -> Option<Phase> {
        self.furthest.get()
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
