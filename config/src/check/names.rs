//! Names of channels: what they may be made of, and that they are unique.

use super::Found;
use crate::any_channel::Meant;
use crate::error::Rule;
use crate::rig::Rig;
use std::collections::HashMap;
use zerocat_pdi::Direction;

/// Checks every name. The same entry may be in several read tasks under one name.
pub(super) fn names(rig: &Rig, found: &mut Found) {
    let mut seen: HashMap<&str, (Meant<'_>, String)> = HashMap::new();
    for (i, task) in rig.tasks.iter().enumerate() {
        let channels = task.channels().into_iter().enumerate();
        for (n, channel) in channels.filter(|(_, channel)| channel.direction == Direction::Input || channel.enabled) {
            let (name, what) = (channel.name, channel.meant());
            let path = format!("{}.channels[{n}].name", task.level(i));
            if !is_name(name) {
                let problem = format!("`{name}` is no name for a channel");
                found.add(
                    Rule::Name,
                    &path,
                    problem,
                    "begin with a letter, go on with letters, digits and underscores",
                );
            }
            match seen.get(name) {
                Some((other, _)) if *other == what && channel.direction == Direction::Input => {}
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

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
