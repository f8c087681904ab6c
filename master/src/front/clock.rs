//! The clock that a program's cycles and commits are held against.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use zerocat_sched::{Clock, MonotonicClock};

/// `CLOCK_MONOTONIC`, or a virtual one, by which nobody can be waited for.
#[derive(Clone)]
pub(crate) enum ProgramClock {
    Real,
    Virtual(Arc<dyn Fn() -> Duration + Send + Sync>),
}

impl ProgramClock {
    pub(super) fn now(&self) -> Duration {
        match self {
            Self::Real => Duration::from_nanos(MonotonicClock.now().0),
            Self::Virtual(now) => now(),
        }
    }

    pub(super) const fn is_real(&self) -> bool {
        matches!(self, Self::Real)
    }
}

impl fmt::Debug for ProgramClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_real() { "Real" } else { "Virtual" })
    }
}
