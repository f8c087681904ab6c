//! What the application requires of the cyclic unit of distributed clocks (ETG.1020, AL status codes 0x002C to 0x0037):
//! for SAFE-OP, a setting of one of the operation modes; for OP, that SYNC0 comes; in OP, that the unit stays on.
//!
//! If the MainDevice leaves the unit off, the SubDevice runs with its frames, whatever its modes are, unless the file says that
//! it needs the unit. Without a list of
//! modes, every setting with SYNC0 is valid.

use std::time::Duration;

use zerocat_wire::{AlState, AlStatusCode};

use super::Application;
use crate::esc::{CyclicUnit, Esc, activation};

/// How long a SubDevice waits in SAFE-OP for the first pulse of SYNC0: MainDevices let it begin later than they ask for
/// OP.
pub(super) const PULSE_WAIT: Duration = Duration::from_secs(2);

impl Application {
    /// Checks that the cyclic unit is off, or set as one of the operation modes says.
    pub(super) fn check_sync(&self, esc: &Esc, now: Duration) -> Result<(), AlStatusCode> {
        let Some(unit) = esc.cyclic_unit(now) else {
            return if self.needs_sync { Err(AlStatusCode::INVALID_DC_SYNC) } else { Ok(()) };
        };
        let signals = unit.activation & activation::SIGNALS;
        if signals == activation::SYNC1 {
            return Err(AlStatusCode::INVALID_DC_SYNC);
        }
        let modes = &self.description.sii.clocks;
        // AssignActivate is what a MainDevice writes to 0x0980 and 0x0981.
        let wants = |word: u16| word.to_le_bytes()[1] & (activation::ON | activation::SIGNALS);
        let of_signals = || modes.iter().filter(|named| wants(named.mode.assign_activate) == activation::ON | signals);
        if !modes.is_empty() && of_signals().next().is_none() {
            return Err(AlStatusCode::INVALID_DC_SYNC);
        }
        let fits = |cycle: u32| cycle == 0 || cycle == unit.cycle0;
        let of_cycle = modes.is_empty() || of_signals().any(|named| fits(named.mode.cycle_time_0));
        let once = signals & activation::SYNC0 != 0 && unit.cycle0 == 0;
        if of_cycle && !once { Ok(()) } else { Err(AlStatusCode::DC_SYNC0_CYCLE) }
    }

    /// Whether SYNC0 comes, where it is on.
    pub(super) fn sync_runs(&self, esc: &Esc, now: Duration) -> bool {
        let waits = |unit: CyclicUnit| unit.activation & activation::SYNC0 != 0 && unit.pulses == 0;
        !esc.cyclic_unit(now).is_some_and(waits)
    }

    /// Falls back to SAFE-OP when the cyclic unit was on at OP and is no longer. Returns whether it did.
    pub(super) fn watch_sync(&mut self, esc: &mut Esc, now: Duration) -> bool {
        let lost = self.synchronized && self.state() == AlState::Op && esc.cyclic_unit(now).is_none();
        if lost {
            self.raise(esc, AlState::SafeOp, AlStatusCode::FATAL_SYNC);
        }
        lost
    }
}
