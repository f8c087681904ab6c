//! `zerocat bench wakeup`: how late this machine wakes a realtime thread.

use super::audit::Policy;
use super::{How, Progress, failed};
use crate::Done;
use crate::exit::Failure;
use clap::Args;
use zerocat_benches::wakeup::{self, WakeupError, WakeupSettings};

/// How late this machine wakes a realtime thread, for each wait policy, without any network.
///
/// The limit next to which the jitters of a run stand. Leave the CPU to it.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench wakeup\n  zerocat bench wakeup --rate 4000 --seconds 60 --waits hybrid,spin --cpu 3 --json"
)]
pub(super) struct Wakeup {
    /// Wait policies.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sleep,hybrid,spin")]
    waits: Vec<Policy>,
    /// Ticks per second.
    #[arg(long, default_value_t = 1_000.0, value_name = "HZ")]
    rate: f64,
    /// Seconds for each policy.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    #[command(flatten)]
    how: How,
}

impl Wakeup {
    pub(super) fn run(&self) -> Done {
        let settings = WakeupSettings {
            waits: self.waits.iter().map(|policy| policy.wait()).collect(),
            rate_hz: self.rate,
            seconds: self.seconds,
            cpu: self.how.cpu,
            priority: self.how.priority(),
        };
        let progress = Progress::new();
        let report = wakeup::run(&settings, |line| progress.say(line)).map_err(|error| match error {
            WakeupError::Rate(_) | WakeupError::Seconds(_) => Failure::usage(error),
            error => failed(&error),
        })?;
        progress.end();
        self.how.show(&report, || wakeup::table(&report))
    }
}
