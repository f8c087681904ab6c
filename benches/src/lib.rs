//! Benches that the program runs (`zerocat bench …`): each prints a table, and gives the same as JSON with the machine
//! beside it.
//!
//! No figure is asserted anywhere: a bench measures and says on what.
#![forbid(unsafe_code)]

pub mod frames;
pub mod host;
pub mod rtt;
pub mod segment;
pub mod single_thread;
pub mod stopwatch;
