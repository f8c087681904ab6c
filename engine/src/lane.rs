//! An exchange: a cyclic lane with the realtime ends of its readers and writers, installed and retired as one.

use crate::cyclic::CyclicLane;
use crate::ring::{SamplePort, WriterPort};

/// What the realtime thread exchanges in each cycle, and with whom.
#[derive(Debug)]
pub struct Exchange {
    /// Frames and image.
    pub lane: CyclicLane,
    /// Who reads.
    pub readers: Vec<SamplePort>,
    /// Who writes.
    pub writers: Vec<WriterPort>,
}

/// Transmit slots that a link needs for `frames` cyclic frames and `in_flight` acyclic ones.
#[must_use]
pub fn slots_needed(frames: usize, in_flight: u16) -> u16 {
    u16::try_from(frames).unwrap_or(u16::MAX).saturating_add(in_flight)
}
