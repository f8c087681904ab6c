//! What a row is asked to measure.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use zerocat_sched::WaitPolicy;

/// Shortest frame that can be measured, in bytes.
pub const MIN_SIZE: usize = 60;
/// Longest frame that can be measured, in bytes.
pub const MAX_SIZE: usize = 1514;

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// Something that returns every frame at once: no SubDevices, no processing.
    Null,
    /// SubDevices, simulated or real. The row brings them up itself before it says that it is ready.
    SubDevices,
}

/// One measurement of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The MainDevice's interface.
    pub interface: String,
    /// What answers.
    pub segment: Segment,
    /// Length of a frame in bytes, without checksum.
    pub size: usize,
    /// Frames of an exchange, sent together.
    pub frames: usize,
    /// Exchanges that count.
    pub cycles: u32,
    /// Exchanges before them that don't.
    pub warm_up: u32,
    /// Exchanges per second; `None` is flat out.
    pub rate_hz: Option<f64>,
    /// How the row waits for its tick.
    pub wait: WaitPolicy,
    /// CPU for the thread that exchanges.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority of that thread; `None` stays an ordinary one.
    pub priority: Option<u8>,
    /// After this many microseconds a frame is lost.
    pub deadline_us: u64,
    /// Working counter that each frame has to come back with; 3 for LRW behind the bench's reflector.
    pub expected_working_counter: u16,
}

impl Plan {
    /// After this long a frame is lost.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        Duration::from_micros(self.deadline_us)
    }
}
