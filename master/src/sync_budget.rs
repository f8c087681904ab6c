//! Whether SYNC0 of a SubDevice leaves its outputs the time that they need: the frames of a cycle must be through it, and it must
//! have copied them.
//!
//! Pure arithmetic over the lead, the shift, the length of the frames, the SubDevice's delay and what it says of its copying
//! (0x1C32:06). What no SubDevice can do, outputs that are used while the frames that bring them still pass, is refused; what
//! only it knows, or what is close, is told. Not judged: a SubDevice whose SYNC0 comes more often than the frames do, so that some
//! of them always meet a frame, and how late this machine is.

use crate::bring_up::{Planned, StartError};
use crate::events::{Phase, SessionEvent};
use crate::machine::Machine;
use std::fmt;
use std::time::Duration;
use zerocat_config::dc::SyncTimes;
use zerocat_engine::SteerSettings;
use zerocat_sched::time::nanos;

/// The time from a frame to SYNC0 of a SubDevice, and what it is needed for. Times are in ns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncBudget {
    /// Which SubDevice, in words.
    pub who: String,
    /// Whether it has outputs.
    pub outputs: bool,
    /// From the frame's passage of the reference clock to its SYNC0.
    pub lead_ns: u64,
    /// How much later than the network's SYNC grid its SYNC0 is.
    pub shift_ns: i64,
    /// The network's cycle.
    pub cycle_ns: u64,
    /// How long the frames of a cycle take on the wire.
    pub frames_ns: u64,
    /// Way of a frame from the reference clock to it; negative where it passes it before.
    pub delay_ns: i64,
    /// How long it says that it copies its outputs (0x1C32:06); 0 where it doesn't say.
    pub copy_ns: u32,
    /// How closely frames are kept at their phase.
    pub window_ns: u64,
}

/// From the frame's passage of the reference clock to a SubDevice's next SYNC0, in ns.
pub(crate) fn own_lead(lead: Duration, times: SyncTimes, period: Duration) -> u64 {
    let cycle = nanos(period).min(times.sync0_cycle.into()).max(1);
    nanos(lead).cast_signed().saturating_add(times.shift_ns).rem_euclid(cycle.cast_signed()).unsigned_abs()
}

impl SyncBudget {
    /// From the first frame's passage of the reference until the last is through the SubDevice.
    fn through(&self) -> u64 {
        self.frames_ns.saturating_add_signed(self.delay_ns)
    }

    /// What must be over before SYNC0.
    fn needed(&self) -> u64 {
        let copies = if self.outputs { self.copy_ns.into() } else { 0 };
        self.through().saturating_add(copies).saturating_add(self.window_ns)
    }

    /// Whether SYNC0 comes while frames that bring its outputs still pass.
    fn is_in_the_frame(&self) -> bool {
        self.outputs && self.lead_ns < self.through()
    }

    /// Whether the time is too short, or nearly so.
    fn is_short(&self) -> bool {
        self.lead_ns < self.needed()
    }

    /// The least `engine.dc.lead` with which it has the time, in whole microseconds; `None` where no lead is long enough.
    fn least_lead_us(&self) -> Option<u64> {
        let least = self.needed().cast_signed().saturating_sub(self.shift_ns);
        let least = least.rem_euclid(self.cycle_ns.max(1).cast_signed()).unsigned_abs().div_ceil(1_000).max(1);
        (self.needed() < self.cycle_ns && least * 1_000 < self.cycle_ns).then_some(least)
    }
}

impl fmt::Display for SyncBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, lead_ns, frames_ns, delay_ns, copy_ns, shift_ns, .. } = self;
        let where_it_is = if self.is_in_the_frame() { "in the frame" } else { "close behind the frame" };
        let us = |ns: u64| format!("{}.{:02} us", ns / 1_000, ns % 1_000 / 10);
        write!(
            f,
            "SYNC0 of {who} is {where_it_is}: it comes {} after the frame passes the reference clock, and frames take {} on the \
             wire, {delay_ns} ns to it",
            us(*lead_ns),
            us(*frames_ns)
        )?;
        if *copy_ns > 0 && self.outputs {
            write!(f, ", and it calculates and copies for {} (0x1c32:06)", us((*copy_ns).into()))?;
        }
        match (self.least_lead_us(), *shift_ns) {
            (Some(least), 0) => write!(f, "; set `engine.dc.lead` to {least}us or more"),
            (Some(least), shift) => {
                write!(
                    f,
                    "; with its shift of {shift} ns set `engine.dc.lead` to {least}us or more, or change `sync0.shift_ns`"
                )
            }
            (None, _) => f.write_str("; the cycle is too short for that: lower the rate"),
        }
    }
}

impl<'a> Machine<'a> {
    /// Judges the time before SYNC0 of everybody who has it, before it is started.
    ///
    /// # Errors
    /// `SyncInFrame`; `Lane`, where frames can't be built.
    pub(crate) fn check_budgets(&self, planned: &Planned<'a>) -> Result<(), StartError> {
        if planned.sync.is_empty() {
            return Ok(());
        }
        let subdevices = u16::try_from(planned.network.subdevices().len()).unwrap_or(u16::MAX);
        let lane = self.lane(&planned.plan, Some(subdevices), self.reference_clock(planned))?;
        let frames_ns = nanos(lane.longest_on_the_wire());
        // After an outage nothing of it is new.
        let first = self.observer.furthest() < Some(Phase::SafeOp);
        for (position, times) in &planned.sync {
            let budget = self.budget(planned, *position, *times, frames_ns);
            if u64::from(times.sync0_cycle) < budget.cycle_ns || !budget.is_short() {
                continue;
            }
            if budget.is_in_the_frame() {
                return Err(StartError::SyncInFrame(Box::new(budget)));
            }
            if first {
                self.observer.warn(&SessionEvent::SyncClose(Box::new(budget)));
            }
        }
        Ok(())
    }

    fn budget(&self, planned: &Planned<'a>, position: u16, times: SyncTimes, frames_ns: u64) -> SyncBudget {
        let period = self.rig.period();
        let lead = self.rig.engine.dc.lead_at(period);
        let said = planned.sync_said.iter().find(|(one, _)| *one == position).and_then(|(_, said)| said.outputs);
        let clock = planned.clocks.as_ref().and_then(|clocks| clocks.at(position));
        SyncBudget {
            who: planned.in_words(position),
            outputs: planned.plan.subdevices.iter().any(|one| one.position == position && !one.outputs.is_empty()),
            lead_ns: own_lead(lead, times, period),
            shift_ns: times.shift_ns,
            cycle_ns: nanos(period),
            frames_ns,
            delay_ns: clock.map_or(0, |clock| clock.delay_ns),
            copy_ns: said.and_then(|said| said.calc_and_copy_ns).unwrap_or(0),
            window_ns: nanos(SteerSettings::usual(period, lead).window),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(lead_us: u64, shift_ns: i64) -> SyncBudget {
        let (sync0_cycle, period) = (1_000_000, Duration::from_millis(1));
        let times = SyncTimes { assign_activate: 0x0300, sync0_cycle, sync1_delay: 0, shift_ns };
        SyncBudget {
            who: "it".to_owned(),
            outputs: true,
            lead_ns: own_lead(Duration::from_micros(lead_us), times, period),
            shift_ns,
            cycle_ns: 1_000_000,
            frames_ns: 10_000,
            delay_ns: 2_000,
            copy_ns: 20_000,
            window_ns: 2_000,
        }
    }

    #[test]
    fn sync0_in_the_frame_is_told_from_one_that_is_close_and_from_one_that_has_time() {
        let judged = |budget: SyncBudget| (budget.is_in_the_frame(), budget.is_short());
        assert_eq!(judged(budget(11, 0)), (true, true));
        assert_eq!(judged(budget(20, 0)), (false, true));
        assert_eq!(judged(budget(34, 0)), (false, false));
        // A shift counts, and SYNC0 before the frame is one that is late in the cycle.
        assert_eq!(judged(budget(300, -300_000)), (true, true));
        assert_eq!(judged(budget(300, -400_000)), (false, false));
        assert_eq!(budget(300, -400_000).lead_ns, 900_000);
    }

    #[test]
    fn inputs_alone_are_never_refused() {
        let inputs = SyncBudget { outputs: false, ..budget(1, 0) };
        assert_eq!((inputs.is_in_the_frame(), inputs.is_short()), (false, true));
    }

    #[test]
    fn the_least_lead_is_said_and_is_enough() {
        for shift_ns in [0, -300_000, 400_000] {
            let least = budget(1, shift_ns).least_lead_us().unwrap();
            assert!(!budget(least, shift_ns).is_short(), "{shift_ns}: {least} us");
        }
        let text = budget(20, 0).to_string();
        assert!(text.contains("is close behind the frame: it comes 20.00 us after"), "{text}");
        assert!(text.contains("set `engine.dc.lead` to 34us or more"), "{text}");
        let short = SyncBudget { cycle_ns: 30_000, ..budget(20, 0) };
        assert!(short.to_string().contains("lower the rate"), "{short}");
    }
}
