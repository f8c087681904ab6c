//! The report's part about SubDevices that have SYNC.

use crate::synchronization::Synchronized;
use serde::Serialize;
use zerocat_bus::SyncParameters;

/// A SubDevice that has SYNC, and what it says of it. Times are in ns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SynchronizedReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name.
    pub name: String,
    /// Its key in the rig file.
    pub key: Option<String>,
    /// AssignActivate word (registers 0x0980 and 0x0981).
    pub assign_activate: u16,
    /// Cycle of SYNC0 (0x09A0).
    pub sync0_cycle_ns: u32,
    /// From SYNC0 to SYNC1 (0x09A4).
    pub sync1_delay_ns: u32,
    /// How much later than the network's SYNC grid SYNC0 is.
    pub shift_ns: i64,
    /// From the frame's passage of the reference clock to its SYNC0, as it is to be.
    pub lead_ns: u64,
    /// What it says of its outputs (0x1C32); `null` where it doesn't.
    pub outputs: Option<SyncParametersReport>,
    /// What it says of its inputs (0x1C33); `null` where it doesn't.
    pub inputs: Option<SyncParametersReport>,
}

/// Object 0x1C32 or 0x1C33, as it was read in OP. What the SubDevice doesn't say is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SyncParametersReport {
    /// Subindex 1: 0 free run, 1 by its frame, 2 by SYNC0, 3 by SYNC1, 34 by the frame of its outputs.
    pub sync_type: Option<u16>,
    /// Subindex 2: its cycle.
    pub cycle_ns: Option<u32>,
    /// Subindex 5: the least cycle that it can do; 0 where it doesn't know.
    pub minimum_cycle_ns: Option<u32>,
    /// Subindex 6: how long it takes to calculate and to copy.
    pub calc_and_copy_ns: Option<u32>,
    /// Subindex 0x0B: times that SYNC0 came and no process data had; like the next two since OP, not in runs before.
    pub missed: Option<u16>,
    /// Subindex 0x0C: times that it wasn't done within its cycle.
    pub exceeded: Option<u16>,
    /// Subindex 0x0D: times that the time from process data to SYNC0 was too short for it.
    pub too_short: Option<u16>,
    /// Subindex 0x20: it was out of sync when it was asked last.
    pub error: Option<bool>,
}

impl SynchronizedReport {
    pub(crate) fn of(one: &Synchronized) -> Self {
        let Synchronized { who, key, times, lead_ns, objects } = one;
        Self {
            position: who.position,
            name: who.name.clone(),
            key: key.clone(),
            assign_activate: times.assign_activate,
            sync0_cycle_ns: times.sync0_cycle,
            sync1_delay_ns: times.sync1_delay,
            shift_ns: times.shift_ns,
            lead_ns: *lead_ns,
            outputs: objects.outputs.map(SyncParametersReport::of),
            inputs: objects.inputs.map(SyncParametersReport::of),
        }
    }
}

impl SyncParametersReport {
    fn of(said: SyncParameters) -> Self {
        let SyncParameters { sync_type, cycle_ns, minimum_cycle_ns, calc_and_copy_ns, errors, .. } = said;
        Self {
            sync_type,
            cycle_ns,
            minimum_cycle_ns,
            calc_and_copy_ns,
            missed: errors.missed,
            exceeded: errors.exceeded,
            too_short: errors.too_short,
            error: errors.error,
        }
    }
}
