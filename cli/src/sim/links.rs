//! The links of a segment: a port at one or both of its ends, with an injector of frame faults on each.

use super::port::Port;
use super::summary::Faults;
use std::time::Duration;
use zerocat_link::fault::{FaultInjector, FaultPlan};
use zerocat_link::waiting::wait_for_any;
use zerocat_link::{Link, LinkCounters};
use zerocat_sim::{End, Ends, FrameFaults};

/// The links of a segment.
pub(super) type Links = Ends<FaultInjector<Port>>;

/// Names of the ends, as users know them.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) first: String,
    pub(super) second: Option<String>,
}

impl Names {
    /// The name of an end.
    pub(super) fn of(&self, end: End) -> &str {
        match end {
            End::First => &self.first,
            End::Second => self.second.as_ref().unwrap_or(&self.first),
        }
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first)?;
        self.second.as_ref().map_or(Ok(()), |second| write!(f, " and {second}"))
    }
}

/// Puts an injector without faults on each port. Those of the second end have seeds of their own.
pub(super) fn links(first: Port, second: Option<Port>, seed: u64) -> Links {
    let quiet = FaultPlan::default();
    // An injector takes two seeds in a row, one for each direction.
    let second = second.map(|port| FaultInjector::new(port, quiet, quiet, seed.wrapping_add(2)));
    Ends { first: FaultInjector::new(first, quiet, quiet, seed), second }
}

/// Waits for a frame at either end, at most for `at_most`.
pub(super) fn wait(links: &Links, at_most: Duration) {
    let first = links.first.inner().awaited();
    match &links.second {
        None => wait_for_any([first], at_most),
        Some(second) => wait_for_any([first, second.inner().awaited()], at_most),
    }
}

/// Sets the same faults at both ends.
pub(super) fn apply(faults: &FrameFaults, links: &mut Links) {
    links.iter_mut().for_each(|link| faults.apply(link));
}

/// Frames that could not be sent, at both ends.
pub(super) fn unsent(links: &Links) -> u64 {
    links.iter().map(Link::counters).map(|LinkCounters { send_errors, .. }| send_errors).sum()
}

/// Frame faults that were injected, at both ends.
pub(super) fn faults(links: &Links) -> Faults {
    links.iter().map(|link| Faults::of(link.faults())).fold(Faults::default(), Faults::and)
}
