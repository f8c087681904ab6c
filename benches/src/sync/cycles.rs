//! The cycles of a run as the MainDevice saw them: the phase of each frame to the next SYNC0, and the holes.

use super::PhaseFigures;
use serde::Serialize;
use std::time::Duration;
use zerocat::CheckedRig;
use zerocat_sim::frame_time;

/// Points of the trace, at most.
const POINTS: usize = 600;

/// When a frame is in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Time from one SYNC0 to the next, in ns.
    pub(super) period: u64,
    /// From the frame's passage of the reference clock to the next SYNC0, as it is to be.
    pub(super) lead: u64,
    /// From that passage until its outputs are copied at the servo.
    pub(super) need: u64,
}

/// What lies between the reference clock and the servo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    /// From the reference to the servo, in ns.
    pub(super) passage: u64,
    /// Time that the servo takes to copy.
    pub(super) copying: Duration,
}

impl Limits {
    /// Of a rig and the way to its servo.
    pub(super) fn of(rig: &CheckedRig, delays: &Delays) -> Self {
        let period = rig.period();
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // The cyclic frame of three SubDevices isn't longer than the shortest that Ethernet has by more than this.
        let frame = nanos(frame_time(FRAME));
        Self {
            period: nanos(period),
            lead: nanos(rig.engine.dc.lead_at(period)),
            need: delays.passage + frame + nanos(delays.copying),
        }
    }
}

/// Cycles in a row after which what their pulses are is what they ought to be: the grid has begun anew.
const SETTLED: u32 = 20;
/// Bytes of the cyclic frame, at most: process data, states and clocks of three SubDevices.
const FRAME: usize = 128;

/// Why a pulse found no outputs in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleKind {
    /// The realtime thread skipped cycles.
    Skipped,
    /// The frame didn't come back in time, or not at all.
    Missing,
    /// The frame passed the reference clock too late for the pulse.
    Late,
}

/// A hole: one cycle, or several that were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hole {
    /// Number of the cycle, the first if there are several.
    pub cycle: u64,
    /// How many.
    pub cycles: u64,
    /// What it was.
    pub kind: HoleKind,
}

/// How many cycles of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Holes {
    /// Skipped.
    pub skipped: u64,
    /// Without their frame.
    pub missing: u64,
    /// Too late.
    pub late: u64,
}

/// A cycle with its frame: number, time at the reference clock, and by how much the frame was later than wanted.
#[derive(Debug, Clone, Copy)]
struct Phase {
    cycle: u64,
    time: u64,
    late: i64,
}

/// All cycles.
#[derive(Debug)]
pub(super) struct Cycles {
    pub(super) limits: Limits,
    phases: Vec<Phase>,
    pub(super) holes: Vec<Hole>,
    before: Option<u64>,
    /// The number of the pulse that a frame is wanted before, less that of its cycle.
    usual: Option<i64>,
    /// The same of the last frame, and of how many in a row.
    other: (i64, u32),
    pub(super) count: u64,
    pub(super) enabled: u64,
    /// Cycles that this thread was too slow for: nothing is known of them.
    pub(super) unseen: u64,
}

impl Cycles {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            phases: Vec::new(),
            holes: Vec::new(),
            before: None,
            usual: None,
            other: (0, 0),
            count: 0,
            enabled: 0,
            unseen: 0,
        }
    }

    /// Takes a cycle: its number, when its frame passed the reference clock, and whether the servo was in
    /// operation.
    pub(super) fn take(&mut self, cycle: u64, clock: Option<Duration>, enabled: bool) {
        self.count += 1;
        self.enabled += u64::from(enabled);
        if let Some(skipped) = self.before.map(|before| cycle.saturating_sub(before + 1)).filter(|skipped| *skipped > 0)
        {
            self.holes.push(Hole { cycle: cycle - skipped, cycles: skipped, kind: HoleKind::Skipped });
        }
        self.before = Some(cycle);
        let Some(time) = clock.and_then(|clock| u64::try_from(clock.as_nanos()).ok()) else {
            self.holes.push(Hole { cycle, cycles: 1, kind: HoleKind::Missing });
            return;
        };
        let late = self.late(cycle, time);
        if late > self.spare() {
            self.holes.push(Hole { cycle, cycles: 1, kind: HoleKind::Late });
        }
        self.phases.push(Phase { cycle, time, late });
    }

    /// Notes cycles that nothing is known of.
    pub(super) const fn lose(&mut self, cycles: u64) {
        self.unseen += cycles;
    }

    /// By how much a frame may be later than wanted.
    fn spare(&self) -> i64 {
        self.limits.lead.saturating_sub(self.limits.need).cast_signed()
    }

    /// By how much a frame was later than wanted, also where that is more than a period: each cycle has a pulse of its own.
    fn late(&mut self, cycle: u64, time: u64) -> i64 {
        let Limits { period, lead, .. } = self.limits;
        let half = period / 2;
        let behind = ((time + lead + half) % period).cast_signed() - half.cast_signed();
        let pulse = ((time + lead + half) / period).wrapping_sub(cycle).cast_signed();
        let usual = *self.usual.get_or_insert(pulse);
        let (other, times) = self.other;
        self.other = (pulse, if pulse == other { times + 1 } else { 1 });
        if pulse != usual && self.other.1 >= SETTLED {
            self.usual = Some(pulse);
            return behind;
        }
        behind + (pulse - usual) * period.cast_signed()
    }

    /// The cycle whose frame passed the reference clock last before a time, and the time since.
    pub(super) fn at(&self, time: u64) -> Option<u64> {
        let behind = self.phases.partition_point(|phase| phase.time <= time);
        let phase = self.phases.get(behind.checked_sub(1)?)?;
        Some(phase.cycle + (time - phase.time) / self.limits.period.max(1))
    }

    /// Seconds from the first frame to a time of the reference clock.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn seconds(&self, time: u64) -> f64 {
        let first = self.phases.first().map_or(time, |phase| phase.time);
        time.saturating_sub(first) as f64 / 1e9
    }

    /// Seconds from the first frame to a cycle.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn seconds_of(&self, cycle: u64) -> f64 {
        let first = self.phases.first().map_or(cycle, |phase| phase.cycle);
        cycle.saturating_sub(first) as f64 * self.limits.period as f64 / 1e9
    }

    pub(super) fn holes_by_kind(&self) -> Holes {
        let of = |kind| self.holes.iter().filter(|hole| hole.kind == kind).map(|hole| hole.cycles).sum();
        Holes { skipped: of(HoleKind::Skipped), missing: of(HoleKind::Missing), late: of(HoleKind::Late) }
    }

    /// How far frames were from where they were wanted, without their sign; those of holes too.
    pub(super) fn figures(&self) -> PhaseFigures {
        let mut sizes: Vec<u64> = self.phases.iter().map(|phase| phase.late.unsigned_abs()).collect();
        sizes.sort_unstable();
        let at = |per_mille: usize| {
            let index = (sizes.len() * per_mille / 1000).min(sizes.len().saturating_sub(1));
            sizes.get(index).copied().unwrap_or(0)
        };
        PhaseFigures { p50_ns: at(500), p99_ns: at(990), p999_ns: at(999), worst_ns: at(1000) }
    }

    /// Earliest, middle and latest of some cycles in a row each: at which second, and in ns.
    pub(super) fn trace(&self) -> impl Iterator<Item = (f64, [i64; 3])> {
        let each = self.phases.len().div_ceil(POINTS).max(1);
        self.phases.chunks(each).map(|phases| {
            let mut late: Vec<i64> = phases.iter().map(|phase| phase.late).collect();
            late.sort_unstable();
            (self.seconds(phases[0].time), [late[0], late[late.len() / 2], late[late.len() - 1]])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { period: 1_000_000, lead: 300_000, need: 40_000 };

    fn cycles(times: &[(u64, Option<u64>)]) -> Cycles {
        let mut cycles = Cycles::new(LIMITS);
        times.iter().for_each(|(cycle, time)| cycles.take(*cycle, time.map(Duration::from_nanos), true));
        cycles
    }

    #[test]
    fn a_frame_is_late_where_its_outputs_are_not_copied_before_the_pulse() {
        let seen = cycles(&[(1, Some(5_700_000)), (2, Some(6_959_999)), (3, Some(7_960_001)), (4, Some(9_500_000))]);
        assert_eq!(seen.phases.iter().map(|phase| phase.late).collect::<Vec<_>>(), [0, 259_999, 260_001, 800_000]);
        assert_eq!(seen.holes_by_kind(), Holes { skipped: 0, missing: 0, late: 2 });
    }

    #[test]
    fn cycles_that_were_skipped_or_have_no_frame_are_holes() {
        let seen = cycles(&[(1, Some(5_700_000)), (4, None), (5, Some(9_700_000))]);
        let kinds: Vec<_> = seen.holes.iter().map(|hole| (hole.cycle, hole.cycles, hole.kind)).collect();
        assert_eq!(kinds, [(2, 2, HoleKind::Skipped), (4, 1, HoleKind::Missing)]);
    }

    #[test]
    fn a_moment_is_of_the_cycle_whose_frame_came_last_also_where_frames_are_missing() {
        let seen = cycles(&[(1, Some(5_700_000)), (2, Some(6_700_000)), (5, Some(9_700_000))]);
        assert_eq!(
            [5_600_000, 5_700_000, 7_600_000, 8_800_000].map(|time| seen.at(time)),
            [None, Some(1), Some(2), Some(4)]
        );
    }
}
