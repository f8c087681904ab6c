//! `zerocat bench library`: what lies between the wire and a program that uses the library.

use super::{How, Progress, failed};
use crate::Done;
use crate::exit::Failure;
use clap::Args;
use zerocat_benches::library::{self, LibraryError, LibrarySettings};

/// What lies between the wire and a program that uses the library: age of its values, handover, cycles to the wire.
///
/// A servo in this process, the realtime thread and a program on an ordinary one. Leave each a CPU.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench library\n  zerocat bench library --rate 4000 --cycles 60000 --cpu 3 --json"
)]
pub(super) struct Library {
    /// Cycles per second.
    #[arg(long, default_value_t = 1_000.0, value_name = "HZ")]
    rate: f64,
    /// Cycles for each way of waiting.
    #[arg(long, default_value_t = 10_000)]
    cycles: u64,
    #[command(flatten)]
    how: How,
}

impl Library {
    pub(super) fn run(&self) -> Done {
        let settings = LibrarySettings {
            rate_hz: self.rate,
            cycles: self.cycles,
            cpu: self.how.cpu,
            priority: self.how.priority().unwrap_or(1),
        };
        let progress = Progress::new();
        let report = library::run(&settings, |line| progress.say(line)).map_err(|error| match error {
            LibraryError::Rate(error) => Failure::usage(format!("--rate: {error}")),
            error @ LibraryError::TooFast(_) => Failure::usage(format!("--rate: {error}")),
            error => failed(&error),
        })?;
        progress.end();
        self.how.show(&report, || library::table(&report))
    }
}
