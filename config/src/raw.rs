//! The file as written, as flat records, so that every type error keeps its path and line; and how a `Rig` is made of
//! them.
//!
//! What a key means depends on the `type` beside it. A tagged enum would lose paths and lines inside of it, so the
//! records here hold every key as optional, and `into_rig` says which are missing or out of place, all at once. The keys
//! of the specification's levels `properties` and `config` may stand one level up. The JSON schema is that of the records.

mod channel;
mod device;
mod tasks;

use crate::engine::EngineSection;
use crate::error::{Problem, Rule};
use crate::limits::Limits;
use crate::names;
use crate::rig::Rig;
use crate::types;
use device::{RawNetwork, RawSlave};
use serde::Deserialize;
use tasks::RawTask;

/// A rig file.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRig {
    /// The schema that an editor checks the file against; zerocat ignores it.
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    /// The network.
    network: RawNetwork,
    /// SubDevices on it.
    #[serde(default)]
    slaves: Vec<RawSlave>,
    /// Tasks.
    #[serde(default)]
    tasks: Vec<RawTask>,
    /// What a run is judged by.
    #[serde(default)]
    limits: Limits,
    /// Folders of the vendors' device descriptions (ESI), or files of them.
    #[serde(default)]
    esi: Vec<String>,
    /// How the cycle runs on this machine.
    #[serde(default)]
    engine: EngineSection,
}

impl RawRig {
    /// The rig, and every key that is missing or out of place. In place of what is missing stands something, so that the
    /// rest of the rig is where it is in the file.
    pub(crate) fn into_rig(self) -> (Rig, Vec<Problem>) {
        let mut shape = Shape::default();
        let network = shape.network(self.network);
        let slaves: Vec<_> = self.slaves.into_iter().enumerate().map(|(i, raw)| shape.slave(raw, i)).collect();
        let context = tasks::Context { network: &network, slaves: &slaves };
        let each = self.tasks.into_iter().enumerate();
        let tasks = each.map(|(i, raw)| shape.task(raw, &format!("tasks[{i}]"), context)).collect();
        let (limits, engine) = (self.limits, self.engine);
        let esi = self.esi.into_iter().map(Into::into).collect();
        let mut rig = Rig { network, slaves, tasks, limits, esi, engine };
        types::agree(&mut rig.tasks);
        names::complete(&mut rig);
        (rig, shape.problems)
    }
}

/// Collects what is missing or out of place while records become tasks.
#[derive(Default)]
struct Shape {
    problems: Vec<Problem>,
}

impl Shape {
    fn needed<T>(&mut self, value: Option<T>, at: &str, key: &str, kind: &str) -> Option<T> {
        if value.is_none() {
            let (path, fix) = (format!("{at}.{key}"), format!("{kind} needs it"));
            self.problems.push(Problem::new(Rule::KeyMissing, path, "it is missing", fix));
        }
        value
    }

    fn foreign(&mut self, there: bool, at: &str, key: &str, kind: &str) {
        if there {
            let what = format!("{kind} does not take this key");
            let (path, fix) = (format!("{at}.{key}"), "remove it, or change the `type`");
            self.problems.push(Problem::new(Rule::KeyMisplaced, path, what, fix));
        }
    }

    /// A key that may stand in a level of the specification or one level up.
    fn either<T>(&mut self, nested: Option<T>, flat: Option<T>, at: &str, level: &str, key: &str) -> Option<T> {
        if nested.is_some() && flat.is_some() {
            let what = format!("it stands in `{level}` as well");
            self.problems.push(Problem::new(Rule::Duplicate, format!("{at}.{key}"), what, "keep one of them"));
        }
        flat.or(nested)
    }
}
