//! What an application sees of the order of its outputs and SYNC0: once in each cycle outputs come, and are copied before the
//! pulse (ETG.1020, synchronization, and the counters of object 0x1C32; from memory, as is the reaction to errors).
//!
//! Three things are wrong, and each has a counter: a pulse without outputs since the pulse before (`missed`), outputs a second
//! time between two pulses (`exceeded`), and a pulse that falls into the frame or into the time in which its outputs are copied
//! (`short`). The first and the last raise a level by three, and each pulse with outputs before it lowers it by one; beyond a limit
//! synchronization is lost.
//!
//! It is pure: it is told how many pulses there were at which moment, whenever something happens.

use serde::Serialize;

/// What an error adds to the level.
const ERROR: u16 = 3;

/// Pulses of SYNC0 so far at three moments of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pulses {
    /// When its first bit came.
    pub(super) first_bit: u64,
    /// When its last bit had passed.
    pub(super) last_bit: u64,
    /// When its outputs were copied.
    pub(super) copied: u64,
}

/// Counters of object 0x1C32. They stay at their greatest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SyncErrors {
    /// Pulses of SYNC0 without outputs before (subindex 0x0B).
    pub missed: u16,
    /// Outputs that came before the pulse that the ones before waited for (0x0C).
    pub exceeded: u16,
    /// Pulses in a frame, or before its outputs were copied (0x0D).
    pub short: u16,
}

/// The watch over the cycles since SAFE-OP.
#[derive(Debug, Default)]
pub(super) struct SyncWatch {
    errors: SyncErrors,
    /// Pulses that were looked at; `None` before the first outputs.
    seen: Option<u64>,
    /// Outputs wait for the next pulse.
    fresh: bool,
    level: u16,
    /// Cycles in a row without an error.
    in_order: u32,
}

impl SyncWatch {
    /// Begins anew with the next outputs. The counters stay.
    pub(super) fn begin(&mut self) {
        *self = Self { errors: self.errors, ..Self::default() };
    }

    /// The level is that of a start: errors so far don't count any more.
    pub(super) fn forgive(&mut self) {
        self.level = 0;
    }

    /// Outputs have come.
    pub(super) fn outputs(&mut self, pulses: Pulses) {
        match self.seen {
            None => self.seen = Some(pulses.last_bit),
            Some(_) => {
                self.pulses(pulses.last_bit);
                if self.fresh {
                    self.errors.exceeded = self.errors.exceeded.saturating_add(1);
                    self.in_order = 0;
                }
            }
        }
        self.fresh = true;
        if pulses.copied > pulses.first_bit {
            self.errors.short = self.errors.short.saturating_add(1);
            self.level = self.level.saturating_add(ERROR);
            self.in_order = 0;
        }
    }

    /// There were so many pulses up to now.
    pub(super) fn pulses(&mut self, pulses: u64) {
        let Some(seen) = self.seen.filter(|seen| *seen < pulses) else { return };
        self.seen = Some(pulses);
        let good = u64::from(std::mem::take(&mut self.fresh));
        if good > 0 {
            self.level = self.level.saturating_sub(1);
            self.in_order = self.in_order.saturating_add(1);
        }
        let missed = u16::try_from(pulses - seen - good).unwrap_or(u16::MAX);
        self.errors.missed = self.errors.missed.saturating_add(missed);
        if missed > 0 {
            self.level = self.level.saturating_add(missed.saturating_mul(ERROR));
            self.in_order = 0;
        }
    }

    /// Whether errors have come too often.
    pub(super) const fn is_lost(&self, limit: u16) -> bool {
        self.level > limit
    }

    /// Cycles in a row in which all was in order.
    pub(super) const fn in_order(&self) -> u32 {
        self.in_order
    }

    /// The counters.
    pub(super) const fn errors(&self) -> SyncErrors {
        self.errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u16 = 4;

    fn outputs(watch: &mut SyncWatch, pulses: u64) {
        watch.outputs(Pulses { first_bit: pulses, last_bit: pulses, copied: pulses });
    }

    #[test]
    fn one_frame_before_each_pulse_is_in_order() {
        let mut watch = SyncWatch::default();
        (7..107).for_each(|pulses| outputs(&mut watch, pulses));
        assert_eq!((watch.errors(), watch.in_order(), watch.is_lost(LIMIT)), (SyncErrors::default(), 99, false));
    }

    #[test]
    fn nothing_is_missed_before_the_first_outputs() {
        let mut watch = SyncWatch::default();
        watch.pulses(1000);
        assert_eq!(watch.errors(), SyncErrors::default());
    }

    #[test]
    fn a_single_hole_is_borne_and_two_in_a_row_are_not() {
        let mut watch = SyncWatch::default();
        [1, 2, 4, 5].into_iter().for_each(|pulses| outputs(&mut watch, pulses));
        assert_eq!((watch.errors().missed, watch.in_order(), watch.is_lost(LIMIT)), (1, 1, false));
        watch.pulses(8);
        assert_eq!((watch.errors().missed, watch.is_lost(LIMIT)), (3, true));
    }

    #[test]
    fn outputs_a_second_time_before_the_pulse_exceed_the_cycle() {
        let mut watch = SyncWatch::default();
        [1, 2, 2].into_iter().for_each(|pulses| outputs(&mut watch, pulses));
        assert_eq!((watch.errors().exceeded, watch.errors().missed), (1, 0));
    }

    #[test]
    fn pulses_in_the_frame_lose_synchronization_however_regular_they_are() {
        let mut watch = SyncWatch::default();
        for pulse in 1..4 {
            watch.outputs(Pulses { first_bit: pulse, last_bit: pulse + 1, copied: pulse + 1 });
        }
        assert_eq!((watch.errors().short, watch.errors().missed, watch.is_lost(LIMIT)), (3, 0, true));
    }

    #[test]
    fn pulses_while_outputs_are_copied_lose_it_too() {
        let mut watch = SyncWatch::default();
        for pulse in 1..4 {
            watch.outputs(Pulses { first_bit: pulse, last_bit: pulse, copied: pulse + 1 });
        }
        assert_eq!((watch.errors().short, watch.is_lost(LIMIT)), (3, true));
    }
}
