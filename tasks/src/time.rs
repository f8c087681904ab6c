//! True time of samples: UTC, and the time of the network's reference clock.
//!
//! [`TimeKeeper`] takes readings of the clocks on an ordinary thread and knows how they run against each other
//! ([`Relation`]). [`TrueTime`] is what it knows, for those who stamp samples. A clock that is stepped begins a new base
//! of time: stamps of one base are comparable, those of two bases are not.

mod base;
mod cycle_clock;
mod floor;
mod keeper;
mod relation;
mod stretch;

pub use base::{Moment, TimeBase, TrueTime};
pub use cycle_clock::CycleClock;
pub use keeper::{ClockStep, SteppedClock, TimeKeeper};
pub use relation::{Allowance, Line, Reading, Relation, Said};
