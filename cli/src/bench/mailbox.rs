//! `zerocat bench mailbox`: SDO transactions beside the cycle.

use super::{Progress, failed};
use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use zerocat::Fault;
use zerocat::config::LinkKind;
use zerocat_benches::mailbox::{self, MailboxBenchError, MailboxReport, MailboxSettings, Veth, What};

/// SDO transactions beside the cycle, each value checked, while frames are lost and mailboxes have bad habits.
///
/// Everything is simulated under virtual time: no network and no privileges are needed, and the same seed gives the same run. All
/// SubDevices are asked at once; one of them takes requests and never answers. With --interface and --segment it measures in real
/// time over a veth pair instead, which needs root: rate, latency, what transactions cost the cycle, files (FoE) in OP and BOOT, Ethernet
/// (EoE); or it soaks there. It ends with
/// an error where an aim is missed.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench mailbox\n  zerocat bench mailbox --transactions 20000 --subdevices 16 --seed 7 --json\n  zerocat bench mailbox --interface ecm0 --segment ecs0\n  zerocat bench mailbox --interface ecm0 --segment ecs0 --what soak --transactions 100000\n`scripts/bench.sh --mailbox` sets a veth pair up around it."
)]
pub(super) struct Mailbox {
    /// SDO transactions in all.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    transactions: u64,
    /// SubDevices, 1 to 64; 64, or 16 for the rate.
    #[arg(long, value_name = "N")]
    subdevices: Option<u16>,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The MainDevice's interface: in real time.
    #[arg(short, long, requires = "segment")]
    interface: Option<String>,
    /// Interface at the other end of a veth pair: the segment is simulated there.
    #[arg(long, value_name = "PEER", requires = "interface")]
    segment: Option<String>,
    /// What is run over the veth pair.
    #[arg(long, value_enum, default_value = "rate", requires = "interface")]
    what: Run,
    /// The MainDevice's socket.
    #[arg(long, value_enum, default_value = "xdp", requires = "interface")]
    link: Socket,
    /// CPU of the realtime thread; the last one if not given.
    #[arg(long, requires = "interface")]
    cpu: Option<usize>,
    /// Its SCHED_FIFO priority, 1 to 98.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=98), requires = "interface")]
    priority: u8,
    /// Length of each session, and of each file at most, for the rate.
    #[arg(long, default_value_t = 5.0, requires = "interface")]
    seconds: f64,
    /// Pairs of sessions with transactions and without, for the rate.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), requires = "interface")]
    pairs: u32,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the figures as JSON into a file, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Run {
    /// Rate, latency, and what transactions cost the cycle.
    Rate,
    /// The soak: with faults, habits, and a SubDevice that never answers.
    Soak,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Socket {
    Xdp,
    Packet,
}

/// Cycles per second.
const RATE_HZ: f64 = 1_000.0;

impl Mailbox {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let Self { transactions, seed, .. } = *self;
        let over = self.over();
        let usual = if over.as_ref().is_some_and(|veth| veth.what == What::Rate) { 16 } else { 64 };
        let settings = MailboxSettings { transactions, subdevices: self.subdevices.unwrap_or(usual), seed, over };
        let progress = Progress::new();
        let report =
            mailbox::run(&settings, |line| progress.say(line), || signals.stop()).map_err(|error| match error {
                MailboxBenchError::Nothing | MailboxBenchError::OneEnd(_) => Failure::usage(error),
                MailboxBenchError::Segment { .. } => Failure::of(Fault::LinkUnavailable, zerocat::chain(&error)),
                MailboxBenchError::Session(error) => Failure::of(error.fault(), zerocat::chain(&error)),
                MailboxBenchError::Stopped => Failure::of(Fault::StoppedBySignal, error.to_string()),
                error => failed(&error),
            })?;
        progress.end();
        self.conclude(&report)
    }

    /// The veth pair, where one is given.
    fn over(&self) -> Option<Veth> {
        Some(Veth {
            interface: self.interface.clone()?,
            segment: self.segment.clone()?,
            what: match self.what {
                Run::Rate => What::Rate,
                Run::Soak => What::Soak,
            },
            link: match self.link {
                Socket::Xdp => LinkKind::Xdp,
                Socket::Packet => LinkKind::Packet,
            },
            cpu: self.cpu,
            priority: self.priority,
            rate_hz: RATE_HZ,
            seconds: self.seconds,
            pairs: self.pairs,
        })
    }

    fn conclude(&self, report: &MailboxReport) -> Done {
        if let Some(path) = &self.report {
            print::json_file(report, path)?;
        }
        let (missed, all) = report.verdict();
        let done = match missed {
            0 => Ok(()),
            _ => Err(Failure::of(Fault::BenchMissed, format!("{missed} of {all} aims are missed"))),
        };
        if self.json {
            return print::document(report, done);
        }
        print::line(mailbox::table(report));
        done
    }
}
