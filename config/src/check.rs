//! Rules between keys. Every broken rule is found, not only the first.

mod assign;
mod channels;
mod dc;
mod decimal;
mod devices;
mod engine;
mod eoe;
mod exchange;
mod limits;
mod mailbox;
mod names;
mod oversampled;
mod same_entry;
mod sinks;
mod tasks;
mod watchdog;
mod waveforms;

use crate::error::{Problem, Rule};
use crate::interpolation;
use crate::mailbox_gateway;
use crate::rig::Rig;
use crate::task::Task;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

/// Everything that is wrong, in the order of the file's sections.
pub(crate) fn problems(rig: &Rig) -> Vec<Problem> {
    let mut found = Found::default();
    devices::network(rig, &mut found);
    devices::exclusions(rig, &mut found);
    devices::slaves(rig, &mut found);
    tasks::tasks(rig, &mut found);
    sinks::sinks(rig, &mut found);
    channels::channels(rig, &mut found);
    oversampled::oversampled(rig, &mut found);
    names::names(rig, &mut found);
    limits::limits(rig, &mut found);
    engine::engine(rig, &mut found);
    eoe::eoe(rig, &mut found);
    exchange::exchange(rig, &mut found);
    dc::dc(rig, &mut found);
    found.problems
}

/// The same for a rig of this file.
pub(crate) fn problems_of_file(rig: &Rig, file: &Path) -> Vec<Problem> {
    let mut found = Found { problems: problems(rig) };
    sinks::beside(rig, file, &mut found);
    found.problems
}

/// What the file asks for and a run doesn't do.
pub(crate) fn warnings(rig: &Rig) -> Vec<Problem> {
    let warning = |(i, task): (usize, &Task)| {
        let at = format!("tasks[{i}]");
        if matches!(task, Task::Scan(_)) {
            let fix = "use the scan command for it, or remove the task";
            return Some(Problem::new(Rule::Conflict, at, "a run does not scan", fix));
        }
        let what = format!("no channel of `{}` is enabled, so a run leaves it out", task.name());
        let path = format!("{}.channels", task.level(i));
        task.is_idle().then(|| Problem::new(Rule::Empty, path, what, "write `enabled: true` for those that you want"))
    };
    let mut warnings: Vec<Problem> = rig.tasks.iter().enumerate().filter_map(warning).collect();
    warnings.extend(decimal::indexes(rig));
    warnings.extend(interpolation::warnings(rig));
    warnings.extend(mailbox_gateway::warning(rig));
    warnings
}

/// The problems found so far.
#[derive(Default)]
pub(crate) struct Found {
    problems: Vec<Problem>,
}

impl Found {
    fn add(&mut self, rule: Rule, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(Problem::new(rule, path, what, fix));
    }

    /// The same, with what may have been meant.
    fn unknown(
        &mut self,
        path: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
        candidates: impl IntoIterator<Item = String>,
    ) {
        self.problems.push(Problem::new(Rule::UnknownReference, path, what, fix).or(candidates));
    }

    /// The same, with the nearest of those that are known.
    fn misspelt(
        &mut self,
        path: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
        given: &str,
        known: impl IntoIterator<Item = String>,
    ) {
        self.problems.push(Problem::new(Rule::UnknownReference, path, what, fix).or_nearest(given, known));
    }

    /// Adds the problem unless `holds`.
    fn demand(&mut self, rule: Rule, holds: bool, path: &str, what: impl Into<String>, fix: impl Into<String>) {
        if !holds {
            self.add(rule, path, what, fix);
        }
    }
}

/// Values that must be unique, and where each was used first.
struct Unique<K> {
    seen: HashMap<K, String>,
}

impl<K: Hash + Eq> Unique<K> {
    fn new() -> Self {
        Self { seen: HashMap::new() }
    }

    /// Path where the value was used first, if it was.
    fn taken(&mut self, value: K, path: &str) -> Option<String> {
        if let Some(first) = self.seen.get(&value) {
            return Some(first.clone());
        }
        self.seen.insert(value, path.to_owned());
        None
    }
}
