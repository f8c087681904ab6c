//! How a network that came back after an outage differs from the one at the start, in words.
//!
//! The rules of the rig file hold for it as at the start. Beyond them, process data must lie where the running tasks have
//! them; that a SubDevice is another unit of its kind, as far as the rig file accepts it, is told and no difference.

use crate::bring_up::Planned;
use zerocat_bus::{Identity, SubDevice};

/// Differences that are listed one by one.
const LISTED: usize = 5;

/// Whether process data lie where they were, for SubDevices and for the channels of tasks.
pub(crate) fn is_the_same(before: &Planned<'_>, now: &Planned<'_>) -> bool {
    now.plan == before.plan && now.bindings == before.bindings
}

/// What differs, for one that isn't the same.
pub(crate) fn differences(before: &Planned<'_>, now: &Planned<'_>) -> Vec<String> {
    let (were, are) = (before.network.subdevices(), now.network.subdevices());
    let mut all = Vec::new();
    if were.len() != are.len() {
        all.push(format!("there are {} SubDevices, {} at the start", are.len(), were.len()));
    }
    all.extend(were.iter().zip(are).filter_map(|(was, is)| other_device(was, is)));
    all.extend(moved(before, now));
    if all.is_empty() {
        all.extend(
            were.iter()
                .filter(|was| maps_otherwise(before, now, was.position))
                .map(|was| format!("{} maps other process data", was.label())),
        );
    }
    if all.is_empty() {
        all.push("process data lie elsewhere in the process image".to_owned());
    }
    let more = all.len().saturating_sub(LISTED);
    all.truncate(LISTED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    all
}

/// SubDevices in place of others, which the rig file accepts and which map the same.
pub(crate) fn replaced(before: &Planned<'_>, now: &Planned<'_>) -> Vec<String> {
    let pairs = before.network.subdevices().iter().zip(now.network.subdevices());
    let other = pairs.filter(|(was, is)| was.identity != is.identity);
    other.map(|(was, is)| other_device(was, is).unwrap_or_else(|| other_unit(was, is))).collect()
}

fn other_unit(was: &SubDevice, is: &SubDevice) -> String {
    let (Identity { revision: old, serial: before, .. }, Identity { revision: new, serial: now, .. }) =
        (was.identity, is.identity);
    let mut text = format!("{} is another unit than before the outage:", is.label());
    if before != now {
        text += &format!(" serial number {now}, was {before}");
    }
    if old != new {
        let and = if before == now { "" } else { ";" };
        text += &format!("{and} revision {new:#010x}, was {old:#010x}");
    }
    text
}

fn other_device(was: &SubDevice, is: &SubDevice) -> Option<String> {
    let kind = |one: &SubDevice| (one.identity.vendor_id, one.identity.product_code);
    (kind(was) != kind(is)).then(|| format!("{} was {} at the start", is.label(), was.name))
}

fn moved(before: &Planned<'_>, now: &Planned<'_>) -> Vec<String> {
    let pairs = before.matching.matches.iter().zip(&now.matching.matches);
    let moved = pairs.filter(|(was, is)| was.position != is.position);
    moved.map(|(was, is)| format!("`{}` is at position {}, was at {}", is.key, is.position, was.position)).collect()
}

fn maps_otherwise(before: &Planned<'_>, now: &Planned<'_>, position: u16) -> bool {
    let of = |planned: &Planned<'_>| {
        let one = planned.plan.subdevices.iter().find(|one| one.position == position);
        one.map(|one| (one.sync_managers.clone(), one.entries.len(), one.inputs.len(), one.outputs.len()))
    };
    of(before) != of(now)
}
