//! PDO assignment and mapping of the rig file (`assign`) from the CoE commands of the tool.
//!
//! Where the commands assign and map PDOs in PRE-OP in a way that `assign` can say, they become `assign`, which checks, reads
//! back and leaves alone what is so already. Else all of them stay startup commands as they are: never both.

use super::NotImported;
use std::collections::BTreeSet;
use zerocat_config::{AssignedPdo, Assignment, MappedEntry};
use zerocat_esi::eni::{CoeCommand, EniSubDevice, PdoObjects};
use zerocat_pdi::Direction;

/// Assignment objects of the outputs and the inputs.
const OBJECTS: [(Direction, u16); 2] = [(Direction::Output, 0x1c12), (Direction::Input, 0x1c13)];

/// What is assigned and mapped; `None` where no command does so, or `assign` can't say it.
pub(super) fn of(described: &EniSubDevice, left_out: &mut Vec<NotImported>) -> Option<Assignment> {
    let objects = &described.pdo_objects;
    let commands = || described.coe.iter().filter(|command| command.is_of_pdos());
    let mut assignment = Assignment::default();
    for (direction, object) in OBJECTS {
        let Some(pdos) = objects.assigned(object) else { continue };
        let pdos = Some(pdos.into_iter().map(|index| assigned(index, objects)).collect());
        match direction {
            Direction::Input => assignment.inputs = pdos,
            Direction::Output => assignment.outputs = pdos,
        }
    }
    let any = assignment.inputs.is_some() || assignment.outputs.is_some();
    let sayable = objects.are_understood() && commands().all(is_plain) && is_right(&assignment);
    if !any || !sayable {
        return None;
    }
    let all: BTreeSet<u16> =
        assignment.inputs.iter().chain(&assignment.outputs).flatten().map(|pdo| pdo.index).collect();
    let others = objects.indexes().filter(|index| !all.contains(index) && !is_assignment(*index));
    let why = "the PDO isn't assigned";
    left_out.extend(others.map(|index| NotImported::new(format!("the mapping of {index:#06x}"), why)));
    Some(assignment)
}

fn assigned(index: u16, objects: &PdoObjects) -> AssignedPdo {
    let entry = |(index, subindex, bit_length)| MappedEntry { index, subindex, bit_length };
    AssignedPdo { index, entries: objects.mapped(index).map(|mapped| mapped.into_iter().map(entry).collect()) }
}

/// Whether a command is one of those that `assign` stands for: sent in PRE-OP before the process data is laid out, to an object
/// that assigns or maps.
fn is_plain(command: &CoeCommand) -> bool {
    let known = is_assignment(command.index) || matches!(command.index, 0x1600..=0x17ff | 0x1a00..=0x1bff);
    known && command.transitions == ["PS"]
}

fn is_assignment(index: u16) -> bool {
    OBJECTS.iter().any(|(_, object)| *object == index)
}

/// Whether a rig file can have it: PDOs of the right direction, each once, and no entry without a length.
fn is_right(assignment: &Assignment) -> bool {
    OBJECTS.iter().all(|(direction, _)| {
        let pdos = assignment.of(*direction).unwrap_or_default();
        let range = match direction {
            Direction::Input => 0x1a00..=0x1bff,
            Direction::Output => 0x1600..=0x17ff,
        };
        let mut seen = BTreeSet::new();
        pdos.iter().all(|pdo| {
            let whole = pdo.entries.iter().flatten().all(|entry| entry.bit_length > 0);
            range.contains(&pdo.index) && seen.insert(pdo.index) && whole
        })
    })
}
