//! `zerocat bench bringup`.

use super::Progress;
use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::Args;
use std::path::PathBuf;
use zerocat::Fault;
use zerocat_benches::bringup::{self, BringUpBenchError, BringUpSettings};

/// From cold to OP: time and frames of zerocat and SOEM in turns on the same simulated segment, and zerocat by phase.
///
/// SOEM's row is a program of its own; `scripts/bench.sh --bringup` installs it and sets a veth pair up.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench bringup --interface ecm0 --segment ecs0 --soem 'venv/bin/python peers/soem_bringup.py'\n  zerocat bench bringup --interface ecm0 --segment ecs0 --subdevices 8,100 --alone '' --rounds 3 --json"
)]
pub(super) struct BringUp {
    /// The MainDevices' interface.
    #[arg(short, long)]
    interface: String,
    /// Interface at the other end of a veth pair: the segment is simulated there.
    #[arg(long, value_name = "PEER")]
    segment: String,
    /// SubDevices of the segments that all bring up; SOEM ends at 200.
    #[arg(long, default_value = "8,100,190", value_parser = sizes)]
    subdevices: Sizes,
    /// SubDevices of the segments that zerocat brings up alone; empty for none.
    #[arg(long, default_value = "1000", value_parser = sizes)]
    alone: Sizes,
    /// Rounds; each brings every segment up once by each MainDevice.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// The command of SOEM's row; the interface is added to it.
    #[arg(long, value_name = "COMMAND")]
    soem: Option<String>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Write the figures as JSON into a file, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Numbers of SubDevices, separated by commas.
#[derive(Debug, Clone)]
struct Sizes(Vec<usize>);

fn sizes(text: &str) -> Result<Sizes, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let numbers = parts.map(|part| part.parse().map_err(|_| format!("`{part}` is no number of SubDevices")));
    numbers.collect::<Result<_, _>>().map(Sizes)
}

/// One bring-up, which `bringup` starts and talks to.
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct BringUpRow {
    /// The interface.
    #[arg(short, long)]
    interface: String,
    /// Cycles per second, in Hz.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
}

impl BringUp {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let program = std::env::current_exe()
            .map_err(|error| Failure::of(Fault::SystemCallFailed, format!("find myself: {error}")))?;
        let soem = self.soem.as_deref().map(|words| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let settings = BringUpSettings {
            interface: self.interface.clone(),
            segment: self.segment.clone(),
            subdevices: self.subdevices.0.clone(),
            alone: self.alone.0.clone(),
            rounds: self.rounds,
            program,
            soem: soem.filter(|words| !words.is_empty()),
        };
        let progress = Progress::new();
        let report = bringup::run(&settings, |line| progress.say(line), || signals.stop()).map_err(|error| {
            let message = zerocat::chain(&error);
            match error {
                BringUpBenchError::Nothing => Failure::usage(message),
                BringUpBenchError::Segment { .. } => Failure::of(Fault::LinkUnavailable, message),
                BringUpBenchError::Stopped => Failure::of(Fault::StoppedBySignal, message),
            }
        })?;
        progress.end();
        if let Some(path) = &self.report {
            print::json_file(&report, path)?;
        }
        if self.json {
            return print::json(&report);
        }
        print::line(bringup::table(&report));
        Ok(())
    }
}

impl BringUpRow {
    pub(super) fn run(&self) -> Done {
        bringup::row::run(&self.interface, self.rate)
            .map_err(|error| Failure::of(Fault::BenchFailed, zerocat::chain(&error)))
    }
}
