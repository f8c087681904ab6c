//! A dictionary that a vendor's file lists, joined with what follows from the description. The file says which
//! objects there are, what they are called, and the values of those that have no other source. What identifies the
//! SubDevice and what describes its process data follows from the description, so that it can't contradict the SII.

use std::collections::{HashMap, HashSet};

use super::dictionary::{Object, Store, assignment_index};
use super::{Description, Purpose, modules};

/// Device type and identity: there in any case (ETG.1000.6, 5.6.7).
const MANDATORY: [u16; 2] = [0x1000, 0x1018];
/// First and last index of the communication area.
const COMMUNICATION: std::ops::RangeInclusive<u16> = 0x1000..=0x1fff;

/// Joins the two. Neither needs to be sorted.
pub(super) fn join(description: &Description, derived: Vec<Object>, listed: &[Object]) -> Vec<Object> {
    // What only the SII can say the file's objects would contradict.
    let hidden = |purpose| description.has_index_twice(purpose);
    let (outputs, inputs) = (hidden(Purpose::Outputs), hidden(Purpose::Inputs));
    let is_assignment = |index, purpose| description.sync_managers(purpose).any(|n| assignment_index(n) == index);
    let shown = |object: &&Object| match object.index {
        0x1600..=0x17ff => !outputs,
        0x1A00..=0x1bff => !inputs,
        index if is_assignment(index, Purpose::Outputs) => !outputs,
        index if is_assignment(index, Purpose::Inputs) => !inputs,
        _ => true,
    };
    let listed: Vec<&Object> = listed.iter().filter(shown).collect();
    let by_index: HashMap<u16, &Object> = listed.iter().map(|object| (object.index, *object)).collect();
    let find = |index| by_index.get(&index).copied();
    let listed_for = |purpose| description.sync_managers(purpose).any(|n| find(assignment_index(n)).is_some());
    let assigns = |index: u16| match index {
        0x1600..=0x17ff => listed_for(Purpose::Outputs),
        0x1A00..=0x1bff => listed_for(Purpose::Inputs),
        _ => false,
    };
    let mut all = Vec::with_capacity(derived.len().max(listed.len()));
    for object in derived {
        let index = object.index;
        match find(index) {
            Some(from_file) => all.push(merge(object, from_file)),
            None if !COMMUNICATION.contains(&index) || MANDATORY.contains(&index) || assigns(index) => all.push(object),
            None => {}
        }
    }
    let known: HashSet<u16> = all.iter().map(|object| object.index).collect();
    all.extend(listed.into_iter().filter(|object| !known.contains(&object.index)).cloned());
    all
}

fn merge(derived: Object, listed: &Object) -> Object {
    // Device type and versions are the file's, if it gives them.
    let own = matches!(derived.index, 0x1000 | 0x1009 | 0x100A) && has_value(listed);
    if own {
        return listed.clone();
    }
    if COMMUNICATION.contains(&derived.index) || derived.index == modules::DETECTED {
        let name = if listed.name.is_empty() { derived.name } else { listed.name.clone() };
        return Object { name, ..derived };
    }
    let mut merged = listed.clone();
    for entry in derived.entries {
        match merged.entries.iter_mut().find(|known| known.subindex == entry.subindex) {
            // The value is the application's; its length is the mapped one.
            Some(known) if matches!(entry.store, Store::Value(_)) => {
                (known.bits, known.store) = (entry.bits, entry.store);
                known.access |= entry.access;
            }
            Some(_) => {}
            None => merged.entries.push(entry),
        }
    }
    merged.entries.sort_by_key(|entry| entry.subindex);
    merged
}

fn has_value(object: &Object) -> bool {
    let set = |store: &Store| matches!(store, Store::Bytes(bytes) if bytes.iter().any(|byte| *byte != 0));
    object.entries.iter().any(|entry| set(&entry.store))
}
