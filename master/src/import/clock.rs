//! The distributed clock of a SubDevice.

use super::NotImported;
use zerocat_esi::eni::Clock;

/// What is told of a clock that the tool switches on.
pub(super) fn left_out(clock: &Clock) -> NotImported {
    let Clock { assign_activate, cycle_0, cycle_1, shift } = clock;
    let what = format!(
        "its distributed clock (AssignActivate {assign_activate:#06x}, SYNC0 every {cycle_0} ns, shift {shift} ns, SYNC1 {cycle_1} ns)"
    );
    NotImported::new(what, "this version sets up no clocks")
}
