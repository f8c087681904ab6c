//! `zerocat bench mailbox`: SDO transactions beside the cycle.

use super::{Progress, failed};
use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::Args;
use std::path::PathBuf;
use zerocat::Fault;
use zerocat_benches::mailbox::{self, MailboxBenchError, MailboxReport, MailboxSettings};

/// SDO transactions beside the cycle, each value checked, while frames are lost and mailboxes have bad habits.
///
/// Everything is simulated under virtual time: no network and no privileges are needed, and the same seed gives the same run. All
/// SubDevices are asked at once; one of them takes requests and never answers. It ends with an error where an aim is missed.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench mailbox\n  zerocat bench mailbox --transactions 20000 --subdevices 16 --seed 7 --json"
)]
pub(super) struct Mailbox {
    /// SDO transactions in all.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    transactions: u64,
    /// SubDevices, 1 to 64.
    #[arg(long, default_value_t = 64, value_name = "N")]
    subdevices: u16,
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

impl Mailbox {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let Self { transactions, subdevices, seed, .. } = *self;
        let settings = MailboxSettings { transactions, subdevices, seed };
        let progress = Progress::new();
        let report =
            mailbox::run(&settings, |line| progress.say(line), || signals.stop()).map_err(|error| match error {
                MailboxBenchError::Nothing => Failure::usage(error),
                error => failed(&error),
            })?;
        progress.end();
        self.conclude(&report)
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
