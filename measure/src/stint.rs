//! Pauses for a measuring thread, so that the kernel doesn't take its CPU.
//!
//! Under SCHED_FIFO the kernel takes the CPU from a thread that spins for 50 ms in every second (`sched_rt_runtime_us`,
//! or the fair server). A bench would then measure that. So it works in stints of 50 ms and sleeps for 5 ms after each.

use std::time::Duration;
use zerocat_sched::{Clock, MonotonicClock, Time};

/// Work without a pause. Of the kernel's second at most 950 ms may be work under SCHED_FIFO.
const WORK: Duration = Duration::from_millis(50);
/// The pause after it.
const PAUSE: Duration = Duration::from_millis(5);

/// A stretch of work without a pause.
#[derive(Debug, Clone, Copy)]
pub struct Stint {
    began: Time,
}

impl Stint {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: MonotonicClock.now() }
    }

    /// Whether it is time for a pause.
    #[must_use]
    pub fn is_over(self, now: Time) -> bool {
        now.since(self.began) >= WORK
    }

    /// Sleeps for the pause; afterwards the next stint begins.
    #[must_use]
    pub fn pause() -> Self {
        std::thread::sleep(PAUSE);
        Self::begin()
    }
}
