//! The rig file's PDO assignments: whose they are on the bus that was found.

use zerocat_bus::{Assign, AssignedPdo, MappedEntry, Matching};
use zerocat_config::{AssignedPdo as Asked, Assignment, Rig};

/// What each SubDevice is to assign, by position.
pub(crate) fn assignments(rig: &Rig, matching: &Matching) -> Vec<(u16, Assign)> {
    let mut all = Vec::new();
    for found in &matching.matches {
        let asked = rig.slave(&found.key).map(|slave| &slave.assign);
        let Some(asked) = asked.filter(|asked| asked.inputs.is_some() || asked.outputs.is_some()) else { continue };
        all.push((found.position, assign(asked)));
    }
    all
}

fn assign(asked: &Assignment) -> Assign {
    let pdos = |pdos: &Option<Vec<Asked>>| pdos.as_ref().map(|pdos| pdos.iter().map(pdo).collect());
    Assign { inputs: pdos(&asked.inputs), outputs: pdos(&asked.outputs), rules: Vec::new() }
}

fn pdo(asked: &Asked) -> AssignedPdo {
    let entry = |entry: &zerocat_config::MappedEntry| MappedEntry {
        index: entry.index,
        subindex: entry.subindex,
        bit_length: entry.bit_length,
    };
    AssignedPdo { index: asked.index, entries: asked.entries.as_ref().map(|all| all.iter().map(entry).collect()) }
}
