//! Names of channels: what they may be made of, and that they are unique.

use super::Found;
use crate::error::Rule;
use crate::rig::Rig;
use crate::task::Task;
use std::collections::HashMap;
use zerocat_pdi::Direction;

/// What a name is used for: one entry in one direction.
type Use = (Direction, String);

/// Checks every name. The same entry may be in several read tasks under one name.
pub(super) fn names(rig: &Rig, found: &mut Found) {
    let mut seen: HashMap<String, (Use, String)> = HashMap::new();
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, name, what) in used(task) {
            let path = format!("{}.channels[{n}].name", task.level(i));
            if !is_name(&name) {
                let problem = format!("`{name}` is no name for a channel");
                found.add(
                    Rule::Name,
                    &path,
                    problem,
                    "begin with a letter, go on with letters, digits and underscores",
                );
            }
            let writes = what.0 == Direction::Output;
            match seen.get(&name) {
                Some((other, _)) if *other == what && !writes => {}
                Some((_, first)) => {
                    let problem = format!("`{name}` is the name of {first} already");
                    found.add(Rule::Duplicate, path, problem, "give one of them a `name` of its own");
                }
                None => {
                    seen.insert(name, (what, path));
                }
            }
        }
    }
}

fn used(task: &Task) -> Vec<(usize, String, Use)> {
    match task {
        Task::Read(task) => {
            let each = task.config.channels.iter().enumerate();
            let of = |(n, one): (usize, &crate::ReadChannel)| {
                let what = format!("{} {:?} {:?}", one.device, one.target, one.bit);
                (n, one.name.clone(), (Direction::Input, what))
            };
            each.map(of).collect()
        }
        Task::Write(task) => {
            let each = task.config.channels.iter().enumerate().filter(|(_, one)| one.enabled);
            let of = |(n, one): (usize, &crate::WriteChannel)| {
                let what = format!("{} {:?} {:?}", one.device, one.target, one.bit);
                (n, one.name.clone(), (Direction::Output, what))
            };
            each.map(of).collect()
        }
        Task::Scan(_) => Vec::new(),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
