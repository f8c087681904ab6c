//! Sync units, and slaves without LRW or a status byte.

use super::watchdog::longer_than;
use super::{Found, Unique};
use crate::error::Rule;
use crate::exchange::SyncUnitSection;
use crate::rig::Rig;

/// Checks that units and slaves name slaves of the file, each slave in one unit at most, and that no watchdog expires
/// between two exchanges.
pub(super) fn exchange(rig: &Rig, found: &mut Found) {
    for (i, key) in rig.engine.without_lrw.iter().enumerate() {
        known(rig, key, &format!("engine.without_lrw[{i}]"), found);
    }
    for (i, key) in rig.engine.without_status.iter().enumerate() {
        known(rig, key, &format!("engine.without_status[{i}]"), found);
    }
    let mut names = Unique::new();
    let mut members = Unique::new();
    for (i, unit) in rig.engine.sync_units.iter().enumerate() {
        let at = format!("engine.sync_units[{i}]");
        let path = format!("{at}.name");
        found.demand(Rule::Empty, !unit.name.is_empty(), &path, "it is empty", "give the unit a name");
        if let Some(first) = names.taken(unit.name.as_str(), &path) {
            found.add(
                Rule::Duplicate,
                path,
                format!("`{}` is already used in {first}", unit.name),
                "give each unit its own name",
            );
        }
        interval(rig, unit, &at, found);
        let path = format!("{at}.slaves");
        found.demand(Rule::Empty, !unit.slaves.is_empty(), &path, "it is empty", "name slaves, or remove the unit");
        for (j, key) in unit.slaves.iter().enumerate() {
            let path = format!("{path}[{j}]");
            known(rig, key, &path, found);
            if let Some(first) = members.taken(key.as_str(), &path) {
                found.add(
                    Rule::Duplicate,
                    path,
                    format!("`{key}` is already used in {first}"),
                    "leave a slave to one unit",
                );
            }
        }
    }
}

fn interval(rig: &Rig, unit: &SyncUnitSection, at: &str, found: &mut Found) {
    let path = format!("{at}.every");
    found.demand(Rule::OutOfRange, unit.every > 0, &path, "0 is not in 1..=65535", "1 is every cycle");
    if let Some(phase) = unit.phase.filter(|phase| *phase >= unit.every.max(1)) {
        let what = format!("{phase} is not below `every`, which is {}", unit.every);
        found.add(Rule::OutOfRange, format!("{at}.phase"), what, "count from 0, or leave it out");
    }
    let (period, watchdog) = (rig.period(), rig.engine.watchdog);
    let between = period.saturating_mul(unit.every.into());
    if unit.every > 1 && relies_on_it(rig, unit) && watchdog <= between {
        let what = format!(
            "`{}` is exchanged every {between:?} ({} cycles of {period:?}) and has outputs, whose watchdog of \
             {watchdog:?} is not longer",
            unit.name, unit.every
        );
        let fix = match longer_than(between) {
            Some(longer) => format!("lower it, or raise `engine.watchdog`, for example to \"{longer}\""),
            None => "lower it: no watchdog is as long as that".to_owned(),
        };
        found.add(Rule::Conflict, path, what, fix);
    }
}

/// Whether one of its slaves has outputs and no watchdog of its own.
fn relies_on_it(rig: &Rig, unit: &SyncUnitSection) -> bool {
    let mut slaves = unit.slaves.iter().filter_map(|key| rig.slave(key));
    slaves.any(|slave| !slave.properties.pdos.outputs.is_empty() && slave.watchdog.process_data.is_none())
}

fn known(rig: &Rig, key: &str, path: &str, found: &mut Found) {
    let what = format!("there is no slave `{key}`");
    found.demand(Rule::UnknownReference, rig.slave(key).is_some(), path, what, "use the `key` of a slave in `slaves`");
}
