//! A sweep: each device of a folder of device descriptions (ESI) becomes a simulated SubDevice and goes through the whole
//! of production's bring-up, with a rig file that is drafted from a scan of it: scan, draft, check, bring-up to OP,
//! cycles, shutdown.
//!
//! Each device is a network of its own in one thread under virtual time, so several are tried in parallel and nothing
//! touches an interface. Guarantees: a device takes [`LONGEST`] and [`MOST_MEMORY`] at most before it is given up, and a
//! panic is a failure of its device, never the end of the sweep. The bound on memory is looked at between the steps of a
//! device, not within one.
#![forbid(unsafe_code)]

mod bound;
mod device;
mod find;
mod panic;
mod report;
mod stage;
mod workers;

pub use bound::{LONGEST, MOST_MEMORY};
pub use device::{Failure, try_device};
pub use find::{Found, Subject, SweepError, find};
pub use report::{FailedDevice, FamilyCount, LeftOut, Listing, SWEEP_SCHEMA, SameReason, SweepReport, VendorCount};
pub use stage::Stage;

use std::num::NonZeroUsize;

/// How a sweep is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Devices that are tried at once.
    pub jobs: NonZeroUsize,
}

/// Tries every device that was found. `told` hears after each how many are done, and ends the sweep by returning `false`.
#[must_use]
pub fn run(found: Found, settings: Settings, told: impl FnMut(usize) -> bool) -> SweepReport {
    let Found { folder, files, subjects, left_out } = found;
    let outcomes = panic::noted(|| workers::run(&subjects, settings.jobs, told));
    SweepReport::new(folder, files, &subjects, outcomes, left_out)
}
