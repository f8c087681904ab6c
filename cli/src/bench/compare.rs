//! `zerocat bench compare`.

use super::{How, Progress};
use crate::Done;
use crate::exit::Failure;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use zerocat::Fault;
use zerocat_benches::compare::{self, CompareError, CompareSettings, Peers, Scenario};
use zerocat_benches::rtt;

/// zerocat, bare sockets and other MainDevices on one interface, interleaved; as a table, JSON and a page.
///
/// Other MainDevices are programs of their own; `scripts/bench.sh` builds ethercrab's and SOEM's and sets a veth pair up.
/// Scenarios are written `SIZE[xFRAMES]@flat` or `SIZE[xFRAMES]@HERTZ[:WAIT]`, and `+load` with the other CPUs at work.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench compare --interface ecm0 --reflector ecs0 --html report.html\n  zerocat bench compare --interface enp3s0 --working-counter 9 --scenarios 60@flat,60@1000:spin"
)]
pub(super) struct Compare {
    /// The MainDevice's interface.
    #[arg(short, long)]
    interface: String,
    /// Interface at the other end of a veth pair: a program that returns every frame is put on it. Without it,
    /// something else must answer.
    #[arg(long, value_name = "PEER")]
    reflector: Option<String>,
    /// Which scenarios, if none are named.
    #[arg(long, default_value = "standard")]
    set: Set,
    /// What to measure, one table each.
    #[arg(long, value_delimiter = ',', value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// Rounds; each measures all rows once.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Exchanges of each row in each round, flat out.
    #[arg(long, default_value_t = 20_000)]
    cycles: u32,
    /// Seconds of each row in each round, on a grid.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// After this many microseconds a frame is lost.
    #[arg(long, default_value_t = 2000, value_name = "US")]
    deadline: u64,
    /// Working counter that an LRW datagram comes back with; the reflector's is 3.
    #[arg(long, default_value_t = rtt::REFLECTED, value_name = "N")]
    working_counter: u16,
    /// Measure AF_XDP in generic mode too.
    #[arg(long)]
    all_modes: bool,
    /// The program zerocat-peers: ethercrab's tasks.
    #[arg(long, value_name = "PROGRAM")]
    ethercrab: Option<PathBuf>,
    /// The command of SOEM's row, for example `venv/bin/python peers/soem.py`.
    #[arg(long, value_name = "COMMAND")]
    soem: Option<String>,
    /// A further row: any command that talks as docs/bench.md says.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = peer)]
    others: Vec<(String, Vec<String>)>,
    /// SubDevices of the segment that is measured in process at the end; 0 for none.
    #[arg(long, default_value_t = 100)]
    subdevices: usize,
    /// Write a page for a browser.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Scenarios by the time that they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    /// All that is worth looking at: about ten minutes.
    Standard,
    /// 60 bytes, flat out and at 1 kHz.
    Quick,
}

fn peer(text: &str) -> Result<(String, Vec<String>), String> {
    match text.split_once('=') {
        Some((name, command)) if !name.is_empty() && !command.trim().is_empty() => {
            Ok((name.to_owned(), words(command)))
        }
        _ => Err("write NAME=COMMAND".to_owned()),
    }
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

impl Compare {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let settings = self.settings()?;
        let progress = Progress::new();
        let report = compare::run(&settings, |line| progress.say(line), || signals.stop()).map_err(|error| {
            let message = zerocat::chain(&error);
            match error {
                CompareError::Nothing => Failure::usage(message),
                CompareError::Ours { .. } => Failure::of(Fault::LinkUnavailable, message),
                CompareError::Stopped => Failure::of(Fault::StoppedBySignal, message),
            }
        })?;
        progress.end();
        if let Some(path) = &self.html {
            let page = compare::page(&report).map_err(Failure::written)?;
            std::fs::write(path, page).map_err(|error| Failure::written(format!("{}: {error}", path.display())))?;
        }
        self.how.show(&report, || compare::table(&report))
    }

    fn settings(&self) -> Result<CompareSettings, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::of(Fault::SystemCallFailed, format!("find myself: {error}")))?;
        let scenarios = match (self.scenarios.as_slice(), self.set) {
            ([], Set::Standard) => Scenario::standard(),
            ([], Set::Quick) => Scenario::quick(),
            (named, _) => named.to_vec(),
        };
        let soem = self.soem.as_deref().map(words).filter(|words| !words.is_empty());
        Ok(CompareSettings {
            program,
            peers: Peers { ethercrab: self.ethercrab.clone(), soem, others: self.others.clone() },
            interface: self.interface.clone(),
            reflector: self.reflector.clone(),
            scenarios,
            rounds: self.rounds,
            cycles: self.cycles,
            seconds: self.seconds,
            cpu: self.how.cpu,
            priority: self.how.priority(),
            deadline: Duration::from_micros(self.deadline),
            expected_working_counter: self.working_counter,
            all_modes: self.all_modes,
            subdevices: self.subdevices,
        })
    }
}
