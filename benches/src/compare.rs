//! `zerocat bench compare`: our engine, bare sockets and other MainDevices on one interface in one interleaved run.
//!
//! Every row, ours too, is a process that talks with the bench over standard input and output ([`zerocat_measure`]). In
//! each round the rows come one after the other, so that a drift of the machine affects all of them; a ratio is the
//! median, over the rounds, of the ratios within one round. All rows but SOEM's, which is Python, are timed by the same
//! code.
//!
//! On a veth pair the bench puts a reflector on the far end, which returns every frame within the kernel. SOEM must
//! scan SubDevices before it sends process data, so while it sets itself up simulated ones take the reflector's place.
//!
//! Over veth the kernel runs the whole round trip within the call that sends: the figures are the CPU time of the path
//! through the kernel, and say nothing about a NIC.

mod counting;
mod far_end;
mod figures;
mod gathered;
mod load;
mod own;
mod page;
mod process;
mod report;
mod rows;
mod scenario;
mod table;

pub use figures::Figure;
pub use own::{OwnRow, OwnRowError, run as run_row};
pub use page::page;
pub use report::{CompareReport, CompareRow, Percentiles, SCHEMA, ScenarioReport};
pub use rows::{Peers, Role};
pub use scenario::{Load, NoScenario, Scenario};
pub use table::table;

use crate::host::BenchHost;
use crate::segment::{self, SegmentSettings};
use far_end::{FarEndFault, Null, Simulated, sweep};
use gathered::Gathered;
use load::Worker;
use process::{RowFault, RowProcess};
use rows::{NearProgram, RowSpec, SetUpWith};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat::{chain, doctor_request};
use zerocat_host::doctor::{Findings, examine};
use zerocat_measure::{Plan, RowReport, Segment};
use zerocat_sched::{WaitPolicy, cpu_list};

/// Exchanges of each row before anything counts.
const WARM_UP: u32 = 2_000;
/// Exchanges that the smaller of two traced runs does.
const TRACED: u32 = 500;
/// Exchanges whose instructions are counted; set-up that differs from run to run is little beside them.
const COUNTED: u32 = 20_000;

/// Process data of each SubDevice of the segment in process: 20 kB for 100.
const BYTES: usize = 200;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompareSettings {
    /// The program `zerocat`, which runs our rows and the simulated segment.
    #[serde(skip)]
    pub program: PathBuf,
    /// The other MainDevices.
    #[serde(skip)]
    pub peers: Peers,
    /// The MainDevice's interface.
    pub interface: String,
    /// The interface at the other end, if it is in the same network namespace. Without it something else must answer.
    pub reflector: Option<String>,
    /// What all rows do, one table each.
    pub scenarios: Vec<Scenario>,
    /// Rounds; each measures all rows once.
    pub rounds: u32,
    /// Exchanges of each row in each round, flat out.
    pub cycles: u32,
    /// Seconds of each row in each round, on a grid.
    pub seconds: f64,
    /// CPU to exchange on; the last one if not given.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority of our rows; `null` leaves all rows ordinary threads.
    pub priority: Option<u8>,
    /// After this long a frame is lost.
    #[serde(rename = "deadline_us", serialize_with = "crate::rtt::micros")]
    pub deadline: Duration,
    /// Working counter that each LRW datagram has to come back with.
    pub expected_working_counter: u16,
    /// Measure AF_XDP in generic mode too.
    pub all_modes: bool,
    /// SubDevices of the segment that is measured in process at the end; with 0 it isn't.
    pub subdevices: usize,
}

/// Why nothing could be compared. A row that fails is in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Nothing asked for.
    #[error("nothing to measure: give at least one scenario, one round, one cycle and some seconds")]
    Nothing,
    /// Our own row gave no figures in any scenario.
    #[error("{row} on {interface}: {why}")]
    Ours {
        /// The row.
        row: &'static str,
        /// The interface.
        interface: String,
        /// Why.
        why: String,
    },
    /// The end was asked for.
    #[error("stopped on request")]
    Stopped,
}

/// Runs the bench. `progress` is called with a line of text now and then; `stop` is asked before each row, and ends it.
///
/// # Errors
/// Nothing asked for, or our own row couldn't be measured at all.
pub fn run(
    settings: &CompareSettings,
    progress: impl FnMut(&str),
    stop: impl Fn() -> bool,
) -> Result<CompareReport, CompareError> {
    if settings.scenarios.is_empty() || settings.rounds == 0 || settings.cycles == 0 || settings.seconds <= 0.0 {
        return Err(CompareError::Nothing);
    }
    let mut settings = settings.clone();
    let online = cpu_list::read(Path::new("/"), "online");
    settings.cpu = settings.cpu.or_else(|| online.last().copied());
    let others: Vec<_> = online.into_iter().filter(|&cpu| Some(cpu) != settings.cpu).collect();
    let specs = rows::rows(&settings.program.to_string_lossy(), &settings.peers, settings.all_modes);
    Run { settings, others, specs, missing: Vec::new(), progress, stop }.all()
}

/// Why a row gave no report.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Row(#[from] RowFault),
    #[error(transparent)]
    FarEnd(#[from] FarEndFault),
    #[error("not one exchange came back; is there a segment or reflector?")]
    Silence,
}

/// System calls and instructions of each row.
type Counts = (BTreeMap<String, BTreeMap<String, f64>>, BTreeMap<String, u64>);

struct Run<P, S> {
    settings: CompareSettings,
    /// CPUs that no row exchanges on.
    others: Vec<usize>,
    specs: Vec<RowSpec>,
    missing: Vec<String>,
    progress: P,
    stop: S,
}

impl<P: FnMut(&str), S: Fn() -> bool> Run<P, S> {
    fn all(mut self) -> Result<CompareReport, CompareError> {
        let (mut measured, mut scenarios) = (Vec::new(), Vec::new());
        for scenario in self.settings.scenarios.clone() {
            let worker = Worker::start(scenario.load, &self.others);
            let specs = self.fitting(scenario);
            let gathered = self.scenario(scenario, &specs)?;
            self.must_have_ours(&specs, &gathered)?;
            scenarios.push(report::scenario_report(scenario, worker.describe(&self.others), &specs, &gathered));
            measured.push((scenario, specs.into_iter().map(|spec| spec.name).zip(gathered).collect::<Vec<_>>()));
        }
        let (syscalls, instructions) = self.counts()?;
        let segment = self.segment();
        Ok(CompareReport {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            host: self.host(&measured),
            doctor: self.doctor(),
            figures: figures::figures(&measured, segment.as_ref()),
            scenarios,
            syscalls,
            instructions,
            segment,
            missing: self.missing,
            settings: self.settings,
        })
    }

    /// The rows that can run a scenario.
    fn fitting(&self, scenario: Scenario) -> Vec<RowSpec> {
        let fits = |spec: &&RowSpec| scenario.frames <= spec.most.0 && scenario.size <= spec.most.1;
        self.specs.iter().filter(fits).cloned().collect()
    }

    fn scenario(&mut self, scenario: Scenario, specs: &[RowSpec]) -> Result<Vec<Gathered>, CompareError> {
        let mut gathered = vec![Gathered::default(); specs.len()];
        let plan = self.plan(scenario);
        for round in 1..=self.settings.rounds {
            for (spec, gathered) in specs.iter().zip(&mut gathered) {
                self.step(&format!("{scenario}: round {round} of {}, {}", self.settings.rounds, spec.name))?;
                match self.measure(spec, &spec.command, &plan) {
                    Ok(report) => gathered.add(report),
                    Err(fault) => gathered.fail(chain(&fault)),
                }
            }
        }
        Ok(gathered)
    }

    /// Tells what is measured next, unless the end was asked for.
    fn step(&mut self, line: &str) -> Result<(), CompareError> {
        if (self.stop)() {
            return Err(CompareError::Stopped);
        }
        (self.progress)(line);
        Ok(())
    }

    fn plan(&self, scenario: Scenario) -> Plan {
        let settings = &self.settings;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let of_rate = |rate: f64| (rate * settings.seconds).ceil().max(1.0) as u32;
        Plan {
            interface: settings.interface.clone(),
            segment: Segment::Null,
            size: scenario.size,
            frames: scenario.frames.into(),
            cycles: scenario.rate_hz.map_or(settings.cycles, of_rate),
            warm_up: WARM_UP.min(settings.cycles),
            rate_hz: scenario.rate_hz,
            wait: scenario.wait,
            cpu: settings.cpu,
            priority: settings.priority,
            deadline_us: u64::try_from(settings.deadline.as_micros()).unwrap_or(u64::MAX),
            expected_working_counter: settings.expected_working_counter,
        }
    }

    /// Runs one row once: sets up what answers, starts the row's process, takes its report, and removes everything
    /// again.
    fn measure(&self, spec: &RowSpec, command: &[String], plan: &Plan) -> Result<RowReport, Fault> {
        let outcome = self.talk(spec, command, plan);
        if spec.near == NearProgram::Left {
            sweep(&self.settings.interface);
        }
        outcome
    }

    fn talk(&self, spec: &RowSpec, command: &[String], plan: &Plan) -> Result<RowReport, Fault> {
        let far = self.settings.reflector.as_deref();
        let null = |far| Null::put(&self.settings.interface, far, spec.reflector, spec.near);
        let (_null, mut process) = match (far, spec.set_up_with) {
            (Some(far), SetUpWith::SubDevices) => {
                let segment = Simulated::start(&self.settings.program.to_string_lossy(), far, plan.size)?;
                let mut process = RowProcess::start(command, plan)?;
                process.await_ready()?;
                drop(segment);
                (Some(null(far)?), process)
            }
            (far, _) => {
                let null = far.map(null).transpose()?;
                let mut process = RowProcess::start(command, plan)?;
                process.await_ready()?;
                (null, process)
            }
        };
        let report = process.measure(plan)?;
        process.await_end();
        if report.cycle_ns.count() == 0 { Err(Fault::Silence) } else { Ok(report) }
    }

    fn must_have_ours(&self, specs: &[RowSpec], gathered: &[Gathered]) -> Result<(), CompareError> {
        let ours = specs.iter().zip(gathered).find(|(spec, _)| spec.name == report::BASE);
        match ours {
            Some((_, gathered)) if gathered.cycle.count() == 0 => Err(CompareError::Ours {
                row: report::BASE,
                interface: self.settings.interface.clone(),
                why: gathered.failed.clone().unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }

    /// The machine, with the driver as AF_XDP was told it: that of a virtual interface isn't in sysfs.
    fn host(&self, measured: figures::Measured<'_>) -> BenchHost {
        let mut host = BenchHost::read(Some(&self.settings.interface));
        if let Some(interface) = &mut host.interface {
            let rows = measured.iter().flat_map(|(_, rows)| rows);
            let told = rows.filter_map(|(_, row)| row.driver.clone()).next();
            interface.driver = interface.driver.take().or(told);
        }
        host
    }

    fn doctor(&self) -> Findings {
        let mut request = doctor_request(None);
        request.interface = Some(self.settings.interface.clone());
        request.wanted.cpu = self.settings.cpu;
        examine(&request)
    }

    /// System calls and instructions of an exchange of each row, flat out with one short frame.
    fn counts(&mut self) -> Result<Counts, CompareError> {
        let directory = std::env::temp_dir().join(format!("zerocat-bench-{}", std::process::id()));
        if let Err(error) = std::fs::create_dir_all(&directory) {
            self.missing.push(format!("counting apart: {}: {error}", directory.display()));
            return Ok(Counts::default());
        }
        let counted = self.count_into(&directory.join("counts"));
        let _ = std::fs::remove_dir_all(&directory);
        counted
    }

    fn count_into(&mut self, counts: &Path) -> Result<Counts, CompareError> {
        let (mut calls, mut instructions) = Counts::default();
        for spec in self.specs.clone() {
            self.step(&format!("system calls of {}", spec.name))?;
            match self.calls(&spec, counts) {
                Ok(of_row) => drop(calls.insert(spec.name, of_row)),
                Err(why) => self.missing.push(format!("system calls of {}: {why}", spec.name)),
            }
        }
        for spec in self.specs.clone() {
            self.step(&format!("instructions of {}", spec.name))?;
            match self.instructions(&spec, counts) {
                Ok(Some(of_row)) => drop(instructions.insert(spec.name, of_row)),
                Ok(None) => {
                    self.missing.push("instructions: this machine has no counter of them".to_owned());
                    break;
                }
                Err(why) => self.missing.push(format!("instructions of {}: {why}", spec.name)),
            }
        }
        Ok((calls, instructions))
    }

    fn calls(&self, spec: &RowSpec, counts: &Path) -> Result<BTreeMap<String, f64>, String> {
        let command = counting::traced(&spec.command, counts);
        let run = |cycles| self.count(spec, &command, counts, cycles).map(|table| counting::parse(&table));
        let (once, twice) = (run(TRACED)?, run(2 * TRACED)?);
        Ok(counting::per_exchange(&once, &twice, TRACED))
    }

    fn instructions(&self, spec: &RowSpec, counts: &Path) -> Result<Option<u64>, String> {
        let command = counting::counted(&spec.command, counts);
        let run = |cycles| self.count(spec, &command, counts, cycles).map(|lines| counting::instructions(&lines));
        let Some(once) = run(COUNTED)? else { return Ok(None) };
        Ok(run(2 * COUNTED)?.map(|twice| twice.saturating_sub(once) / u64::from(COUNTED)))
    }

    /// Runs a row under a command that counts, and returns that command's output.
    fn count(&self, spec: &RowSpec, command: &[String], counts: &Path, cycles: u32) -> Result<String, String> {
        let scenario = Scenario { size: 60, frames: 1, rate_hz: None, wait: WaitPolicy::default(), load: Load::Idle };
        let plan = Plan { cycles, warm_up: 0, priority: None, ..self.plan(scenario) };
        self.measure(spec, command, &plan).map_err(|fault| chain(&fault))?;
        std::fs::read_to_string(counts).map_err(|error| error.to_string())
    }

    fn segment(&mut self) -> Option<segment::SegmentReport> {
        let CompareSettings { subdevices, cycles, cpu, priority, .. } = self.settings;
        if subdevices == 0 {
            return None;
        }
        let bytes = Some(subdevices * BYTES);
        let settings = SegmentSettings { subdevices, bytes, cycles, cpu, priority, ..SegmentSettings::default() };
        match segment::run(&settings, &mut self.progress) {
            Ok(report) => Some(report),
            Err(error) => {
                self.missing.push(format!("a segment in process: {}", chain(&error)));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CompareSettings {
        CompareSettings {
            program: "zerocat".into(),
            peers: Peers::default(),
            interface: "zc-nowhere".to_owned(),
            reflector: None,
            scenarios: Scenario::quick(),
            rounds: 1,
            cycles: 10,
            seconds: 0.1,
            cpu: None,
            priority: None,
            deadline: Duration::from_millis(2),
            expected_working_counter: 3,
            all_modes: false,
            subdevices: 0,
        }
    }

    #[test]
    fn refuses_to_measure_nothing() {
        for nothing in [
            CompareSettings { rounds: 0, ..settings() },
            CompareSettings { seconds: 0.0, ..settings() },
            CompareSettings { scenarios: Vec::new(), ..settings() },
        ] {
            assert!(matches!(run(&nothing, |_| (), || false), Err(CompareError::Nothing)));
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let settings = CompareSettings { program: "/nowhere/zerocat".into(), ..settings() };
        let error = run(&settings, |_| (), || false).unwrap_err().to_string();
        assert!(error.contains("/nowhere/zerocat") && error.contains("zc-nowhere"), "{error}");
    }
}
