//! The benches of the program (`zerocat bench …`). Each prints a table, and gives the same as JSON with a description
//! of the machine.
//!
//! No bench asserts a time: it measures, and says on which machine. Only [`audit`] judges, and it judges counts.
#![forbid(unsafe_code)]

pub mod audit;
pub mod bringup;
pub mod compare;
pub mod dc;
pub mod frames;
pub mod host;
mod html;
pub mod library;
pub mod mailbox;
pub mod measuring;
pub mod rtt;
pub mod segment;
pub mod stopwatch;
pub mod sync;
mod tables;
pub mod wakeup;
