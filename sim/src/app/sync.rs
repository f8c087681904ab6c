//! What the application requires of the cyclic unit of distributed clocks (ETG.1020, AL status codes 0x001A to 0x0037):
//! for SAFE-OP, a setting of one of the operation modes; for OP, that SYNC0 comes; in OP, that it goes on.
//!
//! If the MainDevice leaves the unit off, the SubDevice runs with its frames, whatever its modes are, unless the file says that
//! it needs the unit. Without a list of modes, every setting with SYNC0 is valid.
//!
//! One that needs the unit is strict as drives in cyclic synchronous modes are: it enters OP only when outputs have come in time
//! before each pulse for a while ([`SyncWatch`]), and leaves it when they don't any more. All others only count.
//!
//! Not modelled: outputs take effect as they come, not at the pulse; synchronization with SYNC1.

use std::time::Duration;

use zerocat_wire::{AlState, AlStatusCode};

use super::Application;
use super::sync_watch::{Pulses, SyncErrors, SyncWatch};
use crate::describe::sync_objects::{self, part};
use crate::esc::{CyclicUnit, Esc, activation};

/// How long a SubDevice waits in SAFE-OP for the first pulse of SYNC0: MainDevices let it begin later than they ask for
/// OP. One that needs SYNC0 waits as long for outputs in time before it.
pub(super) const PULSE_WAIT: Duration = Duration::from_secs(2);
/// Cycles in a row that have to be in order before OP.
const IN_ORDER: u32 = 10;
/// Cycles without a pulse after which SYNC0 has vanished.
const VANISHED: u32 = 4;

/// How the application deals with SYNC0.
#[derive(Debug)]
pub(crate) struct Synchronization {
    /// It doesn't run without the cyclic unit.
    pub(crate) needed: bool,
    /// Shortest cycle that it can do, and the time that it takes to copy outputs.
    pub(crate) shortest: Duration,
    pub(crate) copying: Duration,
    /// The cyclic unit was on when OP was entered.
    in_use: bool,
    watch: SyncWatch,
    /// Synchronization was lost since SAFE-OP.
    lost: bool,
    /// When it was lost last, and with which code.
    last_loss: Option<(Duration, AlStatusCode)>,
    /// Pulses so far, and when their number last changed.
    pulsed: (u64, Duration),
}

impl Synchronization {
    pub(super) fn new() -> Self {
        Self {
            needed: false,
            shortest: Duration::ZERO,
            copying: Duration::ZERO,
            in_use: false,
            watch: SyncWatch::default(),
            lost: false,
            last_loss: None,
            pulsed: (0, Duration::ZERO),
        }
    }

    /// When synchronization was last lost, and with which code.
    pub(crate) const fn last_loss(&self) -> Option<(Duration, AlStatusCode)> {
        self.last_loss
    }

    /// The counters of object 0x1C32.
    pub(crate) const fn errors(&self) -> SyncErrors {
        self.watch.errors()
    }
}

impl Application {
    /// Checks that the cyclic unit is off, or set as one of the operation modes says.
    pub(super) fn check_sync(&self, esc: &Esc, now: Duration) -> Result<(), AlStatusCode> {
        let Some(unit) = esc.cyclic_unit(now) else {
            return if self.sync.needed { Err(AlStatusCode::INVALID_DC_SYNC) } else { Ok(()) };
        };
        let signals = unit.activation & activation::SIGNALS;
        let without = self.sync.needed && signals & activation::SYNC0 == 0;
        if signals == activation::SYNC1 || without {
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
        let pulses = signals & activation::SYNC0 != 0;
        let once = pulses && unit.cycle0 == 0;
        let too_short = pulses && Duration::from_nanos(unit.cycle0.into()) < self.sync.shortest;
        if of_cycle && !once && !too_short { Ok(()) } else { Err(AlStatusCode::DC_SYNC0_CYCLE) }
    }

    /// The watch over outputs and SYNC0 begins with SAFE-OP.
    pub(super) fn begin_sync(&mut self) {
        self.sync.watch.begin();
        self.sync.lost = false;
    }

    /// OP begins.
    pub(super) fn use_sync(&mut self, esc: &Esc, now: Duration) {
        self.sync.in_use = esc.cyclic_unit(now).is_some();
        self.sync.pulsed = (esc.sync0_pulses(now).unwrap_or(0), now);
        self.sync.watch.forgive();
    }

    /// Why OP can't be entered yet, as far as SYNC0 is concerned: it doesn't come, or outputs don't come in time before it.
    pub(super) fn sync_ready(&self, esc: &Esc, now: Duration) -> Result<(), AlStatusCode> {
        let waits = |unit: CyclicUnit| unit.activation & activation::SYNC0 != 0 && unit.pulses == 0;
        if esc.cyclic_unit(now).is_some_and(waits) {
            return Err(AlStatusCode::NO_SYNC);
        }
        let watched = self.sync.needed && self.process_data.output_channels() != 0;
        let in_order = !watched || self.sync.watch.in_order() >= IN_ORDER;
        if in_order { Ok(()) } else { Err(AlStatusCode::PLL_ERROR) }
    }

    /// Takes note of outputs that the present frame brought.
    pub(super) fn note_outputs(&mut self, esc: &Esc) {
        let (first, last) = esc.frame_passes();
        let at = |time| esc.sync0_pulses(time);
        let Some(first_bit) = at(first) else { return };
        if let (Some(last_bit), Some(copied)) = (at(last), at(last + self.sync.copying)) {
            self.sync.watch.outputs(Pulses { first_bit, last_bit, copied });
        }
    }

    /// Falls back to SAFE-OP when SYNC0, which was there at OP, is no longer, or when outputs don't come in time before it.
    /// Returns whether it did.
    pub(super) fn watch_sync(&mut self, esc: &mut Esc, now: Duration) -> bool {
        let pulses = esc.sync0_pulses(now);
        if let Some(pulses) = pulses {
            self.sync.watch.pulses(pulses);
        }
        if !self.sync.in_use || self.state() != AlState::Op {
            return false;
        }
        let code = match pulses {
            None => AlStatusCode::FATAL_SYNC,
            Some(pulses) if self.sync.needed && self.vanished(esc, pulses, now) => AlStatusCode::FATAL_SYNC,
            Some(_) if self.sync.needed && self.sync.watch.is_lost(self.error_limit()) => {
                AlStatusCode::SYNCHRONIZATION_ERROR
            }
            Some(_) => return false,
        };
        self.sync.lost = true;
        self.sync.last_loss = Some((now, code));
        self.raise(esc, AlState::SafeOp, code);
        true
    }

    /// Level of errors that is borne.
    fn error_limit(&self) -> u16 {
        let set = self.dictionary.number(sync_objects::ERROR_SETTINGS, sync_objects::LIMIT);
        set.and_then(|limit| u16::try_from(limit).ok()).unwrap_or(sync_objects::USUAL_LIMIT)
    }

    /// Lets the objects of synchronization show what is so now, as far as the SubDevice has them.
    pub(super) fn show_sync(&mut self, esc: &Esc) {
        let unit = esc.cyclic_unit(esc.now());
        let on = |signal| unit.is_some_and(|unit| unit.activation & signal != 0);
        let cycle = unit.map_or(0, |unit| u64::from(unit.cycle0));
        let errors = self.sync.errors();
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (shortest, copying) = (nanos(self.sync.shortest), nanos(self.sync.copying));
        for index in [sync_objects::OUTPUT_PARAMETERS, sync_objects::INPUT_PARAMETERS] {
            // SYNC0, else with the outputs: 1 of their own sync manager, 0x22 for the inputs.
            let frames = if index == sync_objects::INPUT_PARAMETERS { 0x22 } else { 1 };
            let kind = if on(activation::SYNC0) { 2 } else { frames };
            let shown = [
                (part::TYPE, kind),
                (part::CYCLE, cycle),
                (part::SHORTEST, shortest),
                (part::COPYING, copying),
                (part::SYNC0_CYCLE, cycle),
                (part::MISSED, errors.missed.into()),
                (part::EXCEEDED, errors.exceeded.into()),
                (part::SHORT, errors.short.into()),
                (part::LOST, self.sync.lost.into()),
            ];
            shown.into_iter().for_each(|(subindex, number)| self.dictionary.show(index, subindex, number));
        }
    }

    /// Whether no pulse has come for some cycles.
    fn vanished(&mut self, esc: &Esc, pulses: u64, now: Duration) -> bool {
        if pulses > self.sync.pulsed.0 {
            self.sync.pulsed = (pulses, now);
            return false;
        }
        let cycle = esc.cyclic_unit(now).map_or(0, |unit| unit.cycle0);
        now.saturating_sub(self.sync.pulsed.1) > Duration::from_nanos(cycle.into()) * VANISHED
    }
}
