//! The SYNC that a SubDevice asks of its distributed clock.
//!
//! `CycleTime1` of a network description is what register 0x09A4 gets: the time from SYNC0 to SYNC1, no period
//! (ETG.2100, table 32, from memory).

use super::NotImported;
use std::time::Duration;
use zerocat_config::dc::SubDeviceDc;
use zerocat_esi::eni::Clock;

/// SYNC1 in the AssignActivate word (ETG.1000.4, 0x0981).
const SYNC_1: u16 = 0x0400;

/// What it asks for, in a network of this cycle.
///
/// # Errors
/// What is told of a clock that a rig file can't have.
pub(super) fn of(clock: &Clock, cycle: Duration) -> Result<SubDeviceDc, NotImported> {
    let Clock { assign_activate, cycle_0, cycle_1, shift } = *clock;
    let refused = |why: String| {
        let what = format!(
            "its distributed clock (AssignActivate {assign_activate:#06x}, SYNC0 every {cycle_0} ns, shift {shift} ns, \
             0x09A4 {cycle_1} ns)"
        );
        NotImported::new(what, why)
    };
    let mut dc = SubDeviceDc::activate(assign_activate);
    if cycle_0 > 0 {
        dc = dc.cycle(Duration::from_nanos(cycle_0.into()));
    }
    if shift != 0 {
        dc = dc.shift_ns(shift);
    }
    if assign_activate & SYNC_1 != 0 {
        let delay = u64::try_from(cycle_1).map_err(|_| refused("SYNC1 can't come before SYNC0".to_owned()))?;
        dc = dc.sync1_after(Duration::from_nanos(delay));
    }
    match dc.times(cycle, cycle, &[]) {
        Ok(_) => Ok(dc),
        Err(problem) => Err(refused(problem.to_string())),
    }
}
