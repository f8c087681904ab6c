//! The times of a cycle.

use std::time::Duration;

/// Times and bounds of a cycle that don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A cycle's frames that aren't back this long after their tick are lost.
    pub deadline: Duration,
    /// No acyclic frame is sent within this time before a tick.
    pub guard: Duration,
    /// How long the acyclic lane looks for the next request after it last sent a frame or had one back.
    pub linger: Duration,
    /// A wake-up later than this after its tick is reported as an event.
    pub late: Duration,
    /// Cycles with safe outputs before an engine ends whose controls were dropped. `None`: as many as send every sync
    /// unit once, and at least [`Timing::FINAL_CYCLES`].
    pub final_cycles: Option<u64>,
}

impl Timing {
    /// Fewest cycles with safe outputs before an engine ends by itself, if not said otherwise.
    pub const FINAL_CYCLES: u64 = 5;

    /// What suits a period: frames have nine tenths of it, acyclic frames stop a quarter of it (at most 150 us, the
    /// time that a full frame takes at 100 Mbit/s with some to spare) before the next tick.
    #[must_use]
    pub fn for_period(period: Duration) -> Self {
        Self {
            deadline: period / 10 * 9,
            guard: (period / 4).min(Duration::from_micros(150)),
            linger: Duration::from_micros(300),
            late: period / 4,
            final_cycles: None,
        }
    }
}
