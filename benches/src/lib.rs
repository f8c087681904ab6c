//! Benches that the program runs (`zerocat bench …`): each prints a table, and gives the same as JSON with the machine
//! beside it.
//!
//! No time is asserted anywhere: a bench measures and says on what. [`audit`] alone judges, and it judges counts.
#![forbid(unsafe_code)]

pub mod audit;
pub mod compare;
pub mod frames;
pub mod host;
pub mod rtt;
pub mod segment;
pub mod stopwatch;
mod tables;
pub mod wakeup;
