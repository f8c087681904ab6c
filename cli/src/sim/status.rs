//! Status of a running segment at one moment, as displays and the summary show it.

use super::links::{self, Links};
use super::summary::Faults;
use std::time::Duration;
use zerocat_sim::{Segment, Snapshot};

/// Status of a segment.
#[derive(Debug)]
pub(super) struct Status {
    pub(super) snapshot: Snapshot,
    /// Difference of each SubDevice's system time from that of the reference clock, in ns; none without a clock.
    pub(super) clocks: Vec<Option<i64>>,
    pub(super) unsent: u64,
    pub(super) faults: Faults,
    /// Since the start of serving.
    pub(super) now: Duration,
}

impl Status {
    /// The present status.
    pub(super) fn of(segment: &Segment, links: &Links, now: Duration) -> Self {
        let snapshot = segment.snapshot();
        let clocks = clocks(segment, &snapshot, now);
        Self { snapshot, clocks, unsent: links::unsent(links), faults: links::faults(links), now }
    }
}

/// The reference clock is that of the first SubDevice on the wire that has one, as MainDevices choose it (ET1100 data
/// sheet, section I, 9.1).
fn clocks(segment: &Segment, snapshot: &Snapshot, now: Duration) -> Vec<Option<i64>> {
    let clocks: Vec<_> = snapshot.subdevices.iter().map(|one| segment.clock(one.index, now)).collect();
    let on_the_wire = snapshot.subdevices.iter().zip(&clocks).filter_map(|(one, clock)| {
        let place = (one.position.is_none(), one.position.or(one.second_position)?);
        Some((place, clock.as_ref()?))
    });
    let reference = on_the_wire.min_by_key(|(place, _)| *place).map(|(_, clock)| *clock);
    clocks.iter().map(|clock| Some(clock.as_ref()?.difference(&reference?))).collect()
}
