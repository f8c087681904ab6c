//! PDO assignment: indexes of the right direction, lengths, what contradicts it, and channels whose entry isn't among what is
//! assigned.

use super::Found;
use crate::assign::{AssignedPdo, MappedEntry, indexes};
use crate::error::Rule;
use crate::resolve::entry;
use crate::rig::{PdoEntry, Slave};
use crate::task::Target;
use std::collections::BTreeSet;
use zerocat_pdi::Direction;

/// Checks what a slave is to assign and map.
pub(super) fn assignment(slave: &Slave, i: usize, found: &mut Found) {
    for direction in [Direction::Input, Direction::Output] {
        let at = format!("slaves[{i}].assign.{}", list(direction));
        if let Some(pdos) = slave.assign.of(direction) {
            self::pdos(pdos, direction, &at, found);
        }
    }
    if slave.assign.inputs.is_some() || slave.assign.outputs.is_some() {
        commands(slave, i, found);
    }
}

const fn list(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "inputs",
        Direction::Output => "outputs",
    }
}

fn pdos(pdos: &[AssignedPdo], direction: Direction, at: &str, found: &mut Found) {
    let range = indexes(direction);
    let mut seen = BTreeSet::new();
    for (n, pdo) in pdos.iter().enumerate() {
        let what = format!("{:#06x} is no index of a PDO of the {}", pdo.index, list(direction));
        let fix = format!("give one of {:#06x} to {:#06x}", range.start(), range.end());
        found.demand(Rule::OutOfRange, range.contains(&pdo.index), &format!("{at}[{n}]"), what, fix);
        let what = format!("{:#06x} stands here twice", pdo.index);
        found.demand(Rule::Duplicate, seen.insert(pdo.index), &format!("{at}[{n}]"), what, "keep one of them");
        for (m, entry) in pdo.entries.iter().flatten().enumerate() {
            let path = format!("{at}[{n}].entries[{m}].bit_length");
            let fix = "give `bit_length`, or a `data_type` that has a length";
            found.demand(Rule::KeyMissing, entry.bit_length > 0, &path, "the entry has no length", fix);
        }
    }
}

/// Startup commands that would write the same objects by hand.
fn commands(slave: &Slave, i: usize, found: &mut Found) {
    for (n, command) in slave.startup.iter().enumerate() {
        let Ok(write) = command.write() else { continue };
        if matches!(write.index, 0x1c10..=0x1c2f | 0x1600..=0x17ff | 0x1a00..=0x1bff) {
            let what = format!("{:#06x} assigns or maps PDOs, as `assign` does", write.index);
            let path = format!("slaves[{i}].startup[{n}].object");
            found.add(Rule::Conflict, path, what, "leave it to `assign`, or remove `assign`");
        }
    }
}

/// Checks that the entry of a channel is among what the slave is to map, as far as the file says that.
pub(super) fn reached(slave: &Slave, direction: Direction, target: &Target, at: &str, found: &mut Found) {
    let Some(pdos) = slave.assign.of(direction) else { return };
    let Some((index, subindex, pdo_index)) = address(slave, direction, target) else { return };
    let key = if matches!(target, Target::Automatic { .. }) { "pdo" } else { "index" };
    if let Some(pdo) = pdo_index.filter(|pdo| pdos.iter().all(|assigned| assigned.index != *pdo)) {
        let what =
            format!("PDO {pdo:#06x} isn't assigned: `assign.{}` of `{}` leaves it out", list(direction), slave.key);
        let known = pdos.iter().map(|pdo| format!("{:#06x}", pdo.index));
        found.unknown(format!("{at}.pdo_index"), what, "name one that is assigned, or assign it", known);
        return;
    }
    let Some(mapped) = slave.assign.mapped(direction) else { return };
    let here = |(pdo, mapped): &&(u16, MappedEntry)| {
        (mapped.index, mapped.subindex) == (index, subindex) && pdo_index.is_none_or(|index| index == *pdo)
    };
    let Some((_, one)) = mapped.iter().find(here) else {
        let what = format!("{index:#06x}:{subindex:02x} isn't mapped by what `{}` is to assign", slave.key);
        let known = mapped.iter().filter(|(_, entry)| !entry.is_padding());
        let known = known.map(|(_, entry)| format!("{}.{:#06x}:{:02x}", slave.key, entry.index, entry.subindex));
        found.unknown(format!("{at}.{key}"), what, "add it to the `entries` of a PDO of `assign`", known);
        return;
    };
    let alone = mapped.iter().filter(here).count() == 1;
    let other = entry(slave, direction, target).filter(|entry| alone && entry.bit_length != one.bit_length);
    if let Some(PdoEntry { bit_length, .. }) = other.filter(|_| one.bit_length > 0) {
        let what =
            format!("`assign` maps {index:#06x}:{subindex:02x} with {} bits, this is {bit_length}", one.bit_length);
        found.add(Rule::TypeMismatch, format!("{at}.{key}"), what, "give both the same length");
    }
}

/// Index, subindex and PDO of the entry that a channel refers to.
fn address(slave: &Slave, direction: Direction, target: &Target) -> Option<(u16, u8, Option<u16>)> {
    match target {
        Target::Untyped { index, subindex, place } => Some((*index, *subindex, place.pdo_index)),
        _ => entry(slave, direction, target).map(|entry| (entry.index, entry.subindex, entry.place.pdo_index)),
    }
}
