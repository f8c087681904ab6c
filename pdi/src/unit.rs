//! Sync units: SubDevices that are exchanged together, on every n-th tick of the grid.
//!
//! A unit that doesn't say on which of its n ticks gets the one on which the others put the least on the wire. This is
//! estimated pair by pair: two units coincide on a tick if their phases agree modulo the greatest common divisor of
//! their intervals. With three or more units this may count a coincidence of all of them that never happens.

use alloc::vec::Vec;

/// A group of SubDevices as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncUnit {
    /// Exchanged on every n-th tick; 0 is taken as 1.
    pub every: u32,
    /// Which of the n ticks, from 0; larger numbers are taken modulo n. `None` spreads the load.
    pub phase: Option<u32>,
}

/// The ticks of a unit: those whose number leaves `phase` when divided by `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    every: u32,
    phase: u32,
}

impl Default for Turn {
    fn default() -> Self {
        Self::EVERY_TICK
    }
}

impl Turn {
    /// All ticks.
    pub const EVERY_TICK: Self = Self { every: 1, phase: 0 };

    /// Every n-th tick, counted from the `phase`-th.
    #[must_use]
    pub const fn new(every: u32, phase: u32) -> Self {
        let every = if every == 0 { 1 } else { every };
        Self { every, phase: phase % every }
    }

    /// Ticks from one turn to the next; at least 1.
    #[must_use]
    pub const fn every(self) -> u32 {
        self.every
    }

    /// The tick of [`Self::every`], from 0.
    #[must_use]
    pub const fn phase(self) -> u32 {
        self.phase
    }

    /// Whether there is a turn after tick `last` and not after tick `now`. The turn of a missed tick is taken on the
    /// next tick that isn't missed.
    #[must_use]
    #[inline]
    pub fn is_due(self, last: u64, now: u64) -> bool {
        self.every == 1 || self.turns_until(now) > self.turns_until(last)
    }

    /// Turns on ticks 0 to `tick`.
    fn turns_until(self, tick: u64) -> u64 {
        let (every, phase) = (u64::from(self.every), u64::from(self.phase));
        tick.checked_sub(phase).map_or(0, |behind| (behind / every).saturating_add(1))
    }
}

/// The turns of units that put `load` bytes each on the wire. Given phases are kept.
pub(crate) fn stagger(units: &[SyncUnit], load: &[usize]) -> Vec<Turn> {
    let mut turns: Vec<_> = units.iter().map(|unit| Turn::new(unit.every, unit.phase.unwrap_or(0))).collect();
    let (mut placed, mut open): (Vec<_>, Vec<_>) =
        (0..units.len()).partition(|n| units.get(*n).is_some_and(|unit| unit.phase.is_some() || unit.every <= 1));
    open.sort_by_key(|n| turns.get(*n).map(|turn| turn.every));
    for n in open {
        let Some(every) = turns.get(n).map(|turn| turn.every) else { continue };
        let met = |phase: &u32| -> usize {
            let meets = placed.iter().filter(|other| turns.get(**other).is_some_and(|t| meet(*t, every, *phase)));
            meets.filter_map(|other| load.get(*other)).sum()
        };
        let phase = (0..every).min_by_key(met).unwrap_or(0);
        if let Some(turn) = turns.get_mut(n) {
            *turn = Turn::new(every, phase);
        }
        placed.push(n);
    }
    turns
}

/// Whether two units are ever due on the same tick.
fn meet(turn: Turn, every: u32, phase: u32) -> bool {
    let common = common_divisor(turn.every, every);
    turn.phase % common == phase % common
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(every: &[u32]) -> Vec<SyncUnit> {
        every.iter().map(|every| SyncUnit { every: *every, phase: None }).collect()
    }

    #[test]
    fn a_turn_comes_once_in_every_interval() {
        let turn = Turn::new(4, 1);
        let due: Vec<_> = (1..14).filter(|now| turn.is_due(now - 1, *now)).collect();
        assert_eq!(due, [1, 5, 9, 13]);
        assert!((1..14).all(|now| Turn::EVERY_TICK.is_due(now - 1, now)));
    }

    #[test]
    fn a_turn_on_a_missed_tick_is_made_up_for_on_the_next_one() {
        let turn = Turn::new(4, 1);
        assert!(turn.is_due(4, 7), "5 was missed");
        assert!(!turn.is_due(7, 8));
        assert!(turn.is_due(8, 9), "and the next turn is where it was");
        assert!(turn.is_due(0, 1_000), "a long gap is one turn");
        assert!(!turn.is_due(1_000, 1_000));
    }

    #[test]
    fn an_interval_of_nothing_is_every_tick() {
        assert_eq!(Turn::new(0, 7), Turn::EVERY_TICK);
        assert_eq!(Turn::new(4, 6), Turn::new(4, 2));
    }

    #[test]
    fn units_of_one_rate_take_different_ticks() {
        let turns = stagger(&units(&[4, 4, 4, 4, 1]), &[100, 10, 1000, 50, 5000]);
        let mut phases: Vec<_> = turns[..4].iter().map(|turn| turn.phase()).collect();
        phases.sort_unstable();
        assert_eq!(phases, [0, 1, 2, 3]);
        assert_eq!(turns[4], Turn::EVERY_TICK);
    }

    #[test]
    fn a_fifth_unit_goes_where_the_load_is_least() {
        let turns = stagger(&units(&[2, 2, 4]), &[100, 10, 1]);
        assert_eq!((turns[0].phase(), turns[1].phase()), (0, 1));
        assert_eq!(turns[2].phase() % 2, 1, "beside the lighter one");
    }

    #[test]
    fn a_given_phase_is_kept_and_made_room_for() {
        let mut asked = units(&[2, 2]);
        asked[1].phase = Some(0);
        let turns = stagger(&asked, &[1, 1]);
        assert_eq!((turns[0].phase(), turns[1].phase()), (1, 0));
    }
}
