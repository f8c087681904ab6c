//! `zerocat campaign`: many short lives of a whole network under virtual time, with faults drawn from seeds.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use zerocat::Fault;
use zerocat_campaign::{CampaignReport, Settings, run};

/// Violations that are shown.
const SHOWN: usize = 20;

/// Try zerocat against faults: a simulated network, brought up, disturbed, recovered and shut down, once for each seed.
///
/// It runs in this process under virtual time and touches no interface. Each seed draws a segment, a period, faults (cables,
/// power, lost and late frames, stalls, a suspended machine, ...) and the moment of the stop; invariants are checked in every
/// cycle: everything ends within its bound, no command from before an outage is sent after it, outputs are commanded or safe,
/// who leaves OP is named. A violation names its seed, which gives the same again with `--first SEED --seeds 1`. Exit code 1
/// where there are violations.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat campaign --seeds 100\n  zerocat campaign --seeds 100000 --minutes 10 --json"
)]
pub(crate) struct Campaign {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Longest real time in minutes; the campaign ends after the seed that passes it.
    #[arg(long)]
    minutes: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Campaign {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        let most = self.minutes.map(|minutes| Duration::try_from_secs_f64(minutes * 60.0)).transpose();
        let most = most.map_err(|error| Failure::usage(format!("--minutes: {error}")))?;
        let settings = Settings { first: self.first, seeds: self.seeds, most };
        let bar = progress(self.seeds);
        let report = run(settings, |_, _| {
            bar.inc(1);
            !signals.stop()
        });
        bar.finish_and_clear();
        let done = match report.violations.len() {
            0 => Ok(()),
            found => Err(Failure::of(Fault::ViolationsFound, format!("{found} violations"))),
        };
        if self.json {
            return print::document(&report, done);
        }
        show(&report);
        done
    }
}

/// How far it is, on a terminal only.
fn progress(seeds: u64) -> ProgressBar {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { print::live_target() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(seeds), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} seeds, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn show(report: &CampaignReport) {
    let CampaignReport { seeds, cycles, reached_op, outages, recovered, faults_by_kind, violations, .. } = report;
    print::line(format_args!("{seeds} seeds, {cycles} cycles; {reached_op} reached OP"));
    print::line(format_args!("{outages} outages, of which {recovered} ended in OP; the others lasted until the stop"));
    let mut table = print::table(["fault", "times"]);
    for (kind, count) in faults_by_kind {
        table.add_row([(*kind).to_owned(), count.to_string()]);
    }
    print::line(table);
    if violations.is_empty() {
        print::line("no violation");
        return;
    }
    let mut table = print::table(["seed", "cycle", "violated", "what"]);
    for violation in violations.iter().take(SHOWN) {
        let invariant = format!("{:?}", violation.invariant);
        table.add_row([violation.seed.to_string(), violation.cycle.to_string(), invariant, violation.what.clone()]);
    }
    print::line(table);
    if violations.len() > SHOWN {
        print::line(format_args!("and {} more (--json has all)", violations.len() - SHOWN));
    }
}
