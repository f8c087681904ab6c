//! Watches the interfaces of a running segment, every 10 ms. One without a carrier is a broken cable; one that was
//! removed ends the run.

use super::links::Links;
use std::time::Duration;
use zerocat_sim::{End, Segment};

/// How often the interfaces are checked.
const LOOK: Duration = Duration::from_millis(10);

/// What is known of the interfaces.
///
/// A segment with two ends is told when an interface has no carrier, because frames from the other end then turn round at
/// that port. With one interface nothing depends on it, and the segment isn't told.
#[derive(Debug)]
pub(super) struct Carriers {
    known: [bool; 2],
    due: Duration,
    gone: Option<End>,
}

/// An interface has got or lost its carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CarrierChange {
    pub(super) at: Duration,
    pub(super) end: End,
    pub(super) carrier: bool,
}

impl Carriers {
    pub(super) const fn new() -> Self {
        Self { known: [true; 2], due: Duration::ZERO, gone: None }
    }

    /// The end whose interface was removed or moved, if one was.
    pub(super) const fn gone(&self) -> Option<End> {
        self.gone
    }

    /// Checks the interfaces if it is time to, and returns the carriers that have changed.
    pub(super) fn look(&mut self, links: &Links, segment: &mut Segment, now: Duration) -> Vec<CarrierChange> {
        if now < self.due {
            return Vec::new();
        }
        self.due = now + LOOK;
        let mut changes = Vec::new();
        let ends = [(End::First, Some(&links.first)), (End::Second, links.second.as_ref())];
        for ((end, link), known) in ends.into_iter().zip(&mut self.known) {
            let Some(link) = link else { continue };
            if link.inner().is_gone() {
                self.gone = Some(end);
            }
            if links.second.is_none() {
                continue;
            }
            let carrier = link.inner().has_carrier();
            if carrier != *known {
                *known = carrier;
                segment.set_carrier(end, carrier);
                changes.push(CarrierChange { at: now, end, carrier });
            }
        }
        changes
    }
}
