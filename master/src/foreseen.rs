//! What a run would refuse of a SubDevice's `assign` and `dc`, as far as its description (ESI) says it, for `zerocat check`.
//!
//! Guarantees: the rules are those of a run, with what the description says in place of the bus. Not guaranteed: that a run refuses
//! it. The SubDevice may be of another revision, and what its SII has beside the description counts too.

use crate::assign::{assign, rules};
use crate::descriptions::Described;
use std::fmt;
use zerocat_bus::{Assign, AssignedPdo, MappedEntry};
use zerocat_config::{Rig, Slave};
use zerocat_esi::{Device, Pdo};

/// Something that a run would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// Path of the key in the rig file: `slaves[2].dc.mode`.
    pub path: String,
    /// What is wrong, in words.
    pub what: String,
    /// Which description says so, in words.
    pub by: String,
}

impl fmt::Display for Foreseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a run would refuse it: {} (by {})", self.path, self.what, self.by)
    }
}

/// What a run would refuse of the `n`th slave of a rig, which has this description.
#[must_use]
pub fn foreseen(rig: &Rig, n: usize, slave: &Slave, described: &Described) -> Vec<Foreseen> {
    let one = |key: String, what: String| Foreseen {
        path: format!("slaves[{n}].{key}"),
        what,
        by: described.description.to_string(),
    };
    let mode = mode(rig, slave, &described.device).map(|(key, what)| one(format!("dc.{key}"), what));
    let assigned = assigned(slave, &described.device).into_iter().map(|what| one("assign".to_owned(), what));
    mode.into_iter().chain(assigned).collect()
}

/// An operation mode by name that the description lacks or whose times don't fit.
fn mode(rig: &Rig, slave: &Slave, device: &Device) -> Option<(&'static str, String)> {
    let dc = slave.dc.as_ref().filter(|dc| dc.mode.is_some())?;
    let problem = dc.times(rig.period(), rig.exchanged_every(&slave.key), &device.op_modes).err()?;
    Some((problem.key(), problem.to_string()))
}

fn assigned(slave: &Slave, device: &Device) -> Vec<String> {
    let asked = &slave.assign;
    if asked.inputs.is_none() && asked.outputs.is_none() {
        return Vec::new();
    }
    let wanted = without_what_is_mapped(Assign { rules: rules(device), ..assign(asked) }, device);
    // Modules bring PDOs that the description of the device alone doesn't have.
    let all_known = device.slots.is_none();
    wanted.against_rules(all_known).iter().map(ToString::to_string).collect()
}

/// A mapping that is asked for as the description has it changes nothing.
fn without_what_is_mapped(mut wanted: Assign, device: &Device) -> Assign {
    for pdo in wanted.inputs.iter_mut().chain(&mut wanted.outputs).flatten() {
        let mut known = device.rx_pdos.iter().chain(&device.tx_pdos);
        if known.any(|known| known.index == pdo.index && maps(known, pdo)) {
            pdo.entries = None;
        }
    }
    wanted
}

fn maps(known: &Pdo, asked: &AssignedPdo) -> bool {
    let entries = known.entries.iter().map(|entry| (entry.index, entry.subindex, u32::from(entry.bits)));
    let of = |entry: &MappedEntry| (entry.index, entry.subindex, u32::from(entry.bit_length));
    asked.entries.as_ref().is_some_and(|asked| entries.eq(asked.iter().map(of)))
}
