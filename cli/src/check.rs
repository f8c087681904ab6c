//! `zerocat check`: is a rig file right, without touching a network.

use crate::Done;
use crate::exit::{ErrorProblem, Failure};
use crate::print;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zerocat::config::{ConfigError, FilePlaces, Match, Rig, Task};
use zerocat::{Descriptions, Fault, Foreseen, fault_of_config, foreseen};

/// Check a rig file: keys, types, rates, references. Nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  zerocat check examples/demo-rig.json")]
pub(crate) struct Check {
    /// Rig file, JSON or YAML.
    rig: PathBuf,
    /// Print JSON (schema: `zerocat schema check`).
    #[arg(long)]
    json: bool,
}

/// A SubDevice of the file and its description.
#[derive(Debug, Serialize, JsonSchema)]
struct DescribedSlave {
    /// Its key.
    key: String,
    /// Which description it has, in words; `null` where there is none.
    description: Option<String>,
}

/// What the folders of descriptions say of the SubDevices of a file.
#[derive(Debug, Default)]
struct Said {
    described: Vec<DescribedSlave>,
    left_out: Vec<String>,
    foreseen: Vec<Foreseen>,
}

impl Said {
    fn of(rig: &Rig, descriptions: &mut Descriptions) -> Self {
        let mut said = Self::default();
        for (n, slave) in rig.slaves.iter().enumerate().filter(|_| !rig.esi.is_empty()) {
            let properties = &slave.properties;
            let (Match::Equal(vendor), Match::Equal(product)) = (properties.vendor(), &properties.product_code) else {
                continue;
            };
            // Without a revision the newest description is as good as any.
            let revision = match properties.revision {
                Match::Equal(revision) | Match::AtLeast(revision) => revision,
                Match::Any | Match::Name(_) => u32::MAX,
            };
            let found = descriptions.of_product(vendor, *product, revision);
            said.foreseen.extend(found.iter().flat_map(|found| foreseen(rig, n, slave, found)));
            let description = found.map(|found| found.description.to_string());
            said.described.push(DescribedSlave { key: slave.key.clone(), description });
        }
        said.left_out = descriptions.untold();
        said
    }

    fn print(&self) {
        for DescribedSlave { key, description } in &self.described {
            let description = description.as_deref().unwrap_or("none");
            print::line(format_args!("  described  `{key}`: {description}"));
        }
        self.left_out.iter().for_each(|what| print::line(format_args!("warning: device description left out: {what}")));
        self.foreseen.iter().for_each(|what| print::line(format_args!("warning: {what}")));
    }
}

/// Entries that are named at most.
const MOST_NAMED: usize = 4;

/// What `check --json` prints, beside `error` where the file is not right.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verdict {
    /// Always `zerocat-check/2`.
    schema: &'static str,
    /// Whether the file is right.
    ok: bool,
    /// What is wrong.
    problems: Vec<ErrorProblem>,
    /// What the file asks for and a run doesn't do.
    warnings: Vec<ErrorProblem>,
    /// Entries whose length and type the bus says.
    types_from_bus: Vec<String>,
    /// SubDevices whose vendor and product the file says, each with its device description.
    descriptions: Vec<DescribedSlave>,
    /// Device descriptions that can't be used, in words.
    descriptions_left_out: Vec<String>,
}

impl Check {
    pub(crate) fn run(&self) -> Done {
        let loaded = load(&self.rig);
        let mut done = loaded.as_ref().map(drop).map_err(|error| refused(&self.rig, error));
        let mut said = Said::default();
        if let Ok(rig) = &loaded {
            match described(&self.rig, rig) {
                Ok(mut descriptions) => said = Said::of(rig, &mut descriptions),
                Err(failure) => done = Err(failure),
            }
        }
        if self.json {
            let verdict = Verdict {
                schema: "zerocat-check/2",
                ok: done.is_ok(),
                problems: loaded.as_ref().err().map(each_problem).unwrap_or_default(),
                warnings: loaded.as_ref().map(|rig| warnings(rig, &said.foreseen)).unwrap_or_default(),
                types_from_bus: loaded.as_ref().map(types_from_bus).unwrap_or_default(),
                descriptions: said.described,
                descriptions_left_out: said.left_out,
            };
            return print::document(&verdict, done);
        }
        if let (Ok(rig), Ok(())) = (&loaded, &done) {
            summary(&self.rig, rig);
            said.print();
            rig.warnings().iter().for_each(|warning| print::line(format_args!("warning: {warning}")));
        }
        done
    }
}

/// The descriptions of a rig file. A folder that can't be used is told with its key.
fn described(path: &Path, rig: &Rig) -> Result<Descriptions, Failure> {
    Descriptions::open(&rig.esi).map_err(|error| {
        let wrong = rig.esi.iter().position(|folder| Descriptions::open(std::slice::from_ref(folder)).is_err());
        let key = wrong.map_or_else(|| "esi".to_owned(), |n| format!("esi[{n}]"));
        let fix = "name a folder of device descriptions (ESI), seen from the rig file's folder";
        let said = format!("{}: {key}: {}; {fix}", path.display(), zerocat::chain(&error));
        Failure::of(Fault::DeviceDescriptionWrong, said)
    })
}

/// Reads a rig file and checks all its rules.
pub(crate) fn load(path: &Path) -> Result<Rig, ConfigError> {
    Rig::load_valid(path)
}

/// The same, with the places of its keys.
pub(crate) fn load_with_places(path: &Path) -> Result<(Rig, FilePlaces), ConfigError> {
    Rig::load_with_places(path)
}

/// The failure that a wrong rig file is.
pub(crate) fn refused(path: &Path, error: &ConfigError) -> Failure {
    let (problems, fault) = (problems(error), fault_of_config(error));
    if matches!(error, ConfigError::Read { .. }) {
        // It names the file itself.
        return Failure::of(fault, zerocat::chain(error));
    }
    let failure = match problems.as_slice() {
        [one] => Failure::of(fault, format!("{}: {one}", path.display())),
        many => Failure::of(fault, format!("{}: {} problems\n  {}", path.display(), many.len(), many.join("\n  "))),
    };
    // Of what is nowhere in the file the message says all.
    failure.with_problems(each_problem(error).into_iter().filter(is_placed).collect())
}

fn is_placed(problem: &ErrorProblem) -> bool {
    problem.path.is_some() || problem.line.is_some()
}

fn problems(error: &ConfigError) -> Vec<String> {
    match error {
        ConfigError::Problems { problems } => problems.iter().map(ToString::to_string).collect(),
        other => vec![zerocat::chain(other)],
    }
}

fn each_problem(error: &ConfigError) -> Vec<ErrorProblem> {
    match error {
        ConfigError::Problems { problems } => problems.iter().map(ErrorProblem::from).collect(),
        ConfigError::Parse(wrong) => {
            let path = Some(wrong.path.clone()).filter(|path| !path.is_empty());
            let candidates = wrong.meant.iter().cloned().collect();
            let (line, column) = (wrong.at.map(|place| place.line), wrong.at.map(|place| place.column));
            vec![ErrorProblem { path, line, column, candidates, ..ErrorProblem::told(&wrong.what) }]
        }
        other => vec![ErrorProblem::told(zerocat::chain(other))],
    }
}

fn warnings(rig: &Rig, foreseen: &[Foreseen]) -> Vec<ErrorProblem> {
    let told = |one: &Foreseen| ErrorProblem { path: Some(one.path.clone()), ..ErrorProblem::told(one.to_string()) };
    rig.warnings().iter().map(ErrorProblem::from).chain(foreseen.iter().map(told)).collect()
}

fn types_from_bus(rig: &Rig) -> Vec<String> {
    rig.untyped().iter().map(ToString::to_string).collect()
}

fn summary(path: &Path, rig: &Rig) {
    let network = &rig.network.properties;
    print::line(format_args!("{}: right", path.display()));
    print::line(format_args!("  network    {} at {} Hz", network.interface, network.rate));
    print::line(format_args!("  slaves     {}", rig.slaves.len()));
    rig.ethernet_in_words(|_| true).iter().for_each(|line| print::line(format_args!("  eoe        {line}")));
    let open = types_from_bus(rig);
    if !open.is_empty() {
        let shown = open.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = open.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        print::line(format_args!("  types      the bus says those of {shown}{more}"));
    }
    let typed = rig.with_any_types();
    for task in &typed.tasks {
        let channels = typed.channels_of(task).len();
        let kind = match task {
            Task::Read(_) => "read task ",
            Task::Write(_) => "write task",
            Task::Scan(_) => "scan task ",
        };
        let s = if channels == 1 { "" } else { "s" };
        print::line(format_args!("  {kind} `{}`, {channels} channel{s}", task.name()));
    }
}
