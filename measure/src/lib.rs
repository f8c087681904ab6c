//! How a row of `zerocat bench compare` is timed: the same code for zerocat, for bare sockets and for other
//! MainDevices.
//!
//! A row is a process of its own. It reads a [`Plan`] from standard input, sets itself up, says that it is [`ready`],
//! waits for `go`, does its exchanges with [`measure`] and prints a [`RowReport`]. The bench knows nothing else about
//! it, so a row can be written in any language (docs/bench.md has the lines).
//!
//! Not guaranteed: that two rows are set up equally well. Each reports how it is set up.
#![forbid(unsafe_code)]

mod dialogue;
mod measure;
mod plan;
mod report;
mod spread;
mod stint;

pub use dialogue::{DialogueError, print, read_plan, ready};
pub use measure::{Lost, RoundTrip, Tally, measure};
pub use plan::{MAX_SIZE, MIN_SIZE, Plan, Segment};
pub use report::{Bucket, Cost, RowReport, SCHEMA};
pub use spread::Spread;
pub use stint::Stint;
