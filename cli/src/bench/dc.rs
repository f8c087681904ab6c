//! `zerocat bench dc`: distributed clocks in virtual time.

use super::Progress;
use crate::Done;
use crate::exit::Failure;
use crate::print;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use zerocat::Fault;
use zerocat_benches::dc::{self, DcBenchError, DcReport, DcSettings, Topology};

/// Distributed clocks against simulated segments in virtual time: delays, differences, phase, stamps, beside the truth.
///
/// No network and no privileges are needed, and the figures don't depend on this machine. Delays of sending and receiving, and
/// how late the thread wakes, are drawn from a recording. It ends with an error where an aim is missed.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench dc\n  zerocat bench dc --seconds 60 --topologies line,star --json"
)]
pub(super) struct Dc {
    /// Virtual time of each row in minutes.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// The same in seconds, instead.
    #[arg(long)]
    seconds: Option<f64>,
    /// Only rows of these topologies.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    topologies: Vec<Shape>,
    /// Starts of each row, from phases all over the period.
    #[arg(long, default_value_t = 16)]
    starts: u32,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the figures as JSON into a file, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How SubDevices are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    Line,
    Star,
    Nested,
    LongLine,
}

impl Shape {
    const fn topology(self) -> Topology {
        match self {
            Self::Line => Topology::Line,
            Self::Star => Topology::Star,
            Self::Nested => Topology::Nested,
            Self::LongLine => Topology::LongLine,
        }
    }
}

impl Dc {
    pub(super) fn run(&self) -> Done {
        let wanted: Vec<_> = self.topologies.iter().map(|shape| shape.topology()).collect();
        let mut variants = DcSettings::all_variants();
        variants.retain(|variant| wanted.is_empty() || wanted.contains(&variant.topology));
        let seconds = self.seconds.unwrap_or(60.0 * self.minutes);
        let settings = DcSettings { seconds, starts: self.starts, seed: self.seed, variants };
        let progress = Progress::new();
        let report = dc::run(&settings, |line| progress.say(line)).map_err(|error| match error {
            DcBenchError::Nothing => Failure::usage(error),
            error => super::failed(&error),
        })?;
        progress.end();
        self.conclude(&report)
    }

    fn conclude(&self, report: &DcReport) -> Done {
        if let Some(path) = &self.report {
            print::json_file(report, path)?;
        }
        let (missed, all) = report.verdict();
        let done = match missed {
            0 => Ok(()),
            _ => Err(Failure::of(Fault::BenchMissed, format!("{missed} of {all} aims and claims are missed"))),
        };
        if self.json {
            return print::document(report, done);
        }
        print::line(dc::table(report));
        done
    }
}
