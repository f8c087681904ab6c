//! What a device may take before it is given up.

use std::fmt;
use std::time::{Duration, Instant};
use zerocat_sched::thread_live_bytes;

/// Longest real time of a device.
pub const LONGEST: Duration = Duration::from_secs(5);
/// Most memory of a device in bytes.
pub const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// The bounds of one device, from when it began. It belongs to the thread that tries the device.
#[derive(Debug)]
pub(crate) struct Bound {
    end: Instant,
    live_before: i64,
}

/// A bound that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    Time,
    Memory,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => write!(f, "took more than {} s", LONGEST.as_secs()),
            Self::Memory => write!(f, "took more than {} MiB of memory", MOST_MEMORY >> 20),
        }
    }
}

impl Bound {
    pub(crate) fn begin() -> Self {
        Self { end: Instant::now() + LONGEST, live_before: thread_live_bytes() }
    }

    /// # Errors
    /// The bound that was passed.
    pub(crate) fn check(&self) -> Result<(), Passed> {
        let taken = thread_live_bytes().saturating_sub(self.live_before);
        if taken > i64::try_from(MOST_MEMORY).unwrap_or(i64::MAX) {
            return Err(Passed::Memory);
        }
        if Instant::now() > self.end { Err(Passed::Time) } else { Ok(()) }
    }
}
