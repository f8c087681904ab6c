//! The rig file's PDO assignments: whose they are on the bus that was found, with what the SubDevice's description says that it allows.

use crate::described::AllDescribed;
use zerocat_bus::{Assign, AssignedPdo, MappedEntry, Matching, PdoRule};
use zerocat_config::{AssignedPdo as Asked, Assignment, Rig};
use zerocat_esi::{Device, Pdo};

/// What each SubDevice is to assign, by position.
pub(crate) fn assignments(rig: &Rig, matching: &Matching, described: &AllDescribed) -> Vec<(u16, Assign)> {
    let mut all = Vec::new();
    for found in &matching.matches {
        let asked = rig.slave(&found.key).map(|slave| &slave.assign);
        let Some(asked) = asked.filter(|asked| asked.inputs.is_some() || asked.outputs.is_some()) else { continue };
        let rules = described.get(&found.position).map(|described| rules(&described.device)).unwrap_or_default();
        all.push((found.position, Assign { rules, ..assign(asked) }));
    }
    all
}

/// A PDO that a description says is mandatory counts where it also assigns it: others come with modules.
pub(crate) fn rules(device: &Device) -> Vec<PdoRule> {
    let rule = |pdo: &Pdo| PdoRule {
        index: pdo.index,
        fixed: pdo.fixed,
        mandatory: pdo.mandatory && pdo.sync_manager.is_some(),
        excludes: pdo.excludes.clone(),
    };
    device.rx_pdos.iter().chain(&device.tx_pdos).map(rule).collect()
}

pub(crate) fn assign(asked: &Assignment) -> Assign {
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
