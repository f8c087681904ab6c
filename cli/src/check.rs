//! `zerocat check`: is a rig file right, without touching a network.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zerocat::config::{ConfigError, Rig, Task};

/// Check a rig file: keys, types, rates, references. Nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  zerocat check examples/demo-rig.json")]
pub(crate) struct Check {
    /// Rig file, JSON or YAML.
    rig: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Verdict {
    schema: &'static str,
    ok: bool,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Check {
    pub(crate) fn run(&self) -> Done {
        let loaded = load(&self.rig);
        let verdict = Verdict {
            schema: "zerocat-check/1",
            ok: loaded.is_ok(),
            problems: loaded.as_ref().err().map(problems).unwrap_or_default(),
            warnings: loaded.as_ref().map(warnings).unwrap_or_default(),
        };
        if self.json {
            print::json(&verdict)?;
        } else if let Ok(rig) = &loaded {
            summary(&self.rig, rig);
            verdict.warnings.iter().for_each(|warning| print::line(format_args!("warning: {warning}")));
        }
        loaded.map(drop).map_err(|error| refused(&self.rig, &error))
    }
}

/// Reads a rig file and checks all its rules.
pub(crate) fn load(path: &Path) -> Result<Rig, ConfigError> {
    Rig::load(path)?.validate()
}

/// The failure that a wrong rig file is.
pub(crate) fn refused(path: &Path, error: &ConfigError) -> Failure {
    let problems = problems(error);
    match problems.as_slice() {
        [one] => Failure::file(format!("{}: {one}", path.display())),
        many => Failure::file(format!("{}: {} problems\n  {}", path.display(), many.len(), many.join("\n  "))),
    }
}

fn problems(error: &ConfigError) -> Vec<String> {
    match error {
        ConfigError::Problems { problems } => problems.iter().map(ToString::to_string).collect(),
        other => vec![zerocat::chain(other)],
    }
}

fn warnings(rig: &Rig) -> Vec<String> {
    rig.warnings().iter().map(ToString::to_string).collect()
}

fn summary(path: &Path, rig: &Rig) {
    let network = &rig.network.properties;
    print::line(format_args!("{}: right", path.display()));
    print::line(format_args!("  network    {} at {} Hz", network.interface, network.rate));
    print::line(format_args!("  slaves     {}", rig.slaves.len()));
    for task in &rig.tasks {
        let channels = rig.channels_of(task).len();
        let kind = match task {
            Task::Read(_) => "read task ",
            Task::Write(_) => "write task",
            Task::Scan(_) => "scan task ",
        };
        print::line(format_args!("  {kind} `{}`, {channels} channels", task.name()));
    }
}
