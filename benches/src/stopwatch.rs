//! A link that measures how long its kicks take in real time. Around a link with the segment in the same process this
//! is the segment's share of a cycle.

use std::time::Duration;
use zerocat_link::{Link, LinkFault};
use zerocat_sched::{Clock, MonotonicClock};

/// A link with a stopwatch.
#[derive(Debug)]
pub struct Stopwatch<L> {
    link: L,
    kicking: Duration,
}

impl<L> Stopwatch<L> {
    /// Around a link.
    pub const fn new(link: L) -> Self {
        Self { link, kicking: Duration::ZERO }
    }

    /// Time spent in kicks so far.
    pub const fn kicking(&self) -> Duration {
        self.kicking
    }
}

impl<L: Link> Link for Stopwatch<L> {
    zerocat_link::delegate_to!(link: slots, slot, slot_mut, post, receive, counters, withdraw);

    fn kick(&mut self) -> Result<(), LinkFault> {
        let start = MonotonicClock.now();
        let kicked = self.link.kick();
        self.kicking += MonotonicClock.now().since(start);
        kicked
    }
}
