//! `zerocat bench sync`: a servo under SYNC0 over a veth pair.

use super::{How, Progress};
use crate::Done;
use crate::exit::Failure;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use zerocat::config::LinkKind;
use zerocat::{Fault, fault_of_packet};
use zerocat_benches::sync::{self, SyncBenchError, SyncReport, SyncSettings};

/// A servo in cyclic synchronous position under SYNC0 in real time: each loss of synchronization against the holes of the run.
///
/// The rig is `examples/servo-rig.json`; its servo is simulated at the other end of a veth pair, and leaves OP where frames don't
/// come in time before SYNC0. It needs root. It exits with 1 where a loss of synchronization follows no hole: no cycle that was
/// skipped, lost its frame or sent it too late.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Example:\n  zerocat bench sync --interface ecm0 --segment ecs0 --html phase.html\n`scripts/servo-sync.sh` sets a veth pair up around it."
)]
pub(super) struct Sync {
    /// The MainDevice's interface.
    #[arg(short, long)]
    interface: String,
    /// Interface at the other end of a veth pair: the servo is simulated there.
    #[arg(long, value_name = "PEER")]
    segment: String,
    /// Time in OP.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Cycles per second.
    #[arg(long, default_value_t = 1_000.0, value_name = "HZ")]
    rate: f64,
    /// The socket.
    #[arg(long, value_enum, default_value = "xdp")]
    link: Socket,
    /// Write phase over time, holes and losses as a page into a file, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Socket {
    Xdp,
    Packet,
}

impl Sync {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let settings = SyncSettings {
            interface: self.interface.clone(),
            segment: self.segment.clone(),
            rate_hz: self.rate,
            seconds: self.seconds,
            link: match self.link {
                Socket::Xdp => LinkKind::Xdp,
                Socket::Packet => LinkKind::Packet,
            },
            cpu: self.how.cpu,
            priority: self.how.priority,
        };
        let progress = Progress::new();
        let report = sync::run(&settings, |line| progress.say(line), || signals.stop()).map_err(failed)?;
        progress.end();
        self.page(&report)?;
        let done = match report.unexplained {
            0 => Ok(()),
            count => Err(Failure::of(Fault::BenchMissed, format!("{count} losses of synchronization follow no hole"))),
        };
        self.how.conclude(&report, || sync::table(&report), done)
    }

    fn page(&self, report: &SyncReport) -> Done {
        let Some(path) = &self.html else { return Ok(()) };
        let page = sync::page(report).map_err(Failure::written)?;
        std::fs::write(path, page).map_err(|error| Failure::written(format!("{}: {error}", path.display())))
    }
}

fn failed(error: SyncBenchError) -> Failure {
    let message = zerocat::chain(&error);
    match error {
        SyncBenchError::Rig(_) => Failure::of(Fault::RulesBroken, message),
        SyncBenchError::Segment { .. } => Failure::of(Fault::LinkUnavailable, message),
        SyncBenchError::Nothing => Failure::usage(message),
        SyncBenchError::Port(error) => Failure::of(fault_of_packet(&error), message),
        SyncBenchError::Session(error) => Failure::of(error.fault(), message),
        _ => Failure::of(Fault::BenchFailed, message),
    }
}
