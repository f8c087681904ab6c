//! An exchange: a cyclic lane with the realtime ends of its readers and writers, installed and retired as one.

use crate::command::WriterPort;
use crate::cyclic::CyclicLane;
use crate::newest::NewestPort;
use crate::safe::SafeOutputs;
use crate::sample::SamplePort;
use crate::void::Voids;
use std::time::Duration;

/// What the realtime thread sends and receives in each cycle, and for whom.
#[derive(Debug)]
pub struct Exchange {
    /// Frames and image.
    pub lane: CyclicLane,
    /// The realtime ends of the readers.
    pub readers: Vec<SamplePort>,
    /// The realtime ends of those that want the newest sample only, while traffic is live.
    pub newest: Vec<NewestPort>,
    /// The realtime ends of the writers.
    pub writers: Vec<WriterPort>,
    /// What is sent while outputs are safe.
    pub safe: SafeOutputs,
    /// What is sent until traffic is live for the first time, and of that what nobody commands, until outputs become safe.
    /// `None`: the safe ones.
    pub initial: Option<SafeOutputs>,
    /// The SubDevices' watchdog: when a frame wasn't sent for longer, outputs are made safe before it is sent again.
    /// `None`: never.
    pub stall_limit: Option<Duration>,
    /// Orders to make what was commanded of single SubDevices void.
    pub voids: Voids,
}

impl Exchange {
    /// An exchange without readers, writers and watchdog, whose safe outputs are zero.
    #[must_use]
    pub fn new(lane: CyclicLane) -> Self {
        let safe = SafeOutputs::zero(lane.image().len());
        Self {
            lane,
            readers: Vec::new(),
            newest: Vec::new(),
            writers: Vec::new(),
            safe,
            initial: None,
            stall_limit: None,
            voids: Voids::default(),
        }
    }
}

/// Transmit slots that a link needs for `frames` cyclic frames and `in_flight` acyclic ones.
#[must_use]
pub fn slots_needed(frames: usize, in_flight: u16) -> u16 {
    u16::try_from(frames).unwrap_or(u16::MAX).saturating_add(in_flight)
}
