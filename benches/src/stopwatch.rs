//! A link that takes the real time its kicks need. Around a link with its segment in the same process that is the
//! segment's share of a cycle.

use std::time::Duration;
use zerocat_link::{Link, LinkCounters, LinkFault, Slot};
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
    fn slots(&self) -> u16 {
        self.link.slots()
    }

    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.link.slot(slot)
    }

    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.link.slot_mut(slot)
    }

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.link.post(slot, len)
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        let start = MonotonicClock.now();
        let kicked = self.link.kick();
        self.kicking += MonotonicClock.now().since(start);
        kicked
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.link.receive()
    }

    fn counters(&self) -> LinkCounters {
        self.link.counters()
    }

    fn withdraw(&mut self) {
        self.link.withdraw();
    }
}
