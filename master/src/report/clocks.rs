//! The report's part about distributed clocks.

use crate::clock_watch::{ClocksSeen, Watched};
use crate::run_report::milliseconds;
use serde::Serialize;
use zerocat_bus::clock::survey::ClockClass;
use zerocat_engine::ClockState;
use zerocat_sched::time::nanos;

/// Distributed clocks of a network, as they were seen last in operation. Times are in ns.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClocksReport {
    /// Position of the SubDevice whose clock the others follow.
    pub reference: u16,
    /// All that have a system time, in bus order.
    pub list: Vec<ClockReport>,
    /// SubDevices that have receive times and no system time.
    pub receive_times_only: u16,
    /// Magnitudes of all differences 0x092C, ORed: less than twice the largest. As the frames brought them last.
    pub difference_ored_ns: u64,
    /// How far the frames' grid follows.
    pub controller: ControllerReport,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClockReport {
    /// Position of its SubDevice.
    pub position: u16,
    /// Name of its SubDevice.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// Bits of its system time: 32 or 64.
    pub bits: u8,
    /// Whether it can give SYNC0 and SYNC1.
    pub sync_unit: bool,
    /// Way of a frame from the reference clock (0x0928); negative where the frame passes it before.
    pub delay_ns: i64,
    /// How far that may be off because processing delays aren't known; `null` where the delay isn't known.
    pub delay_uncertain_ns: Option<u32>,
    /// What was added to its local time (0x0920).
    pub offset_ns: u64,
    /// How much faster its control loop makes it, in parts per billion (0x0932): how much slower than the reference its crystal is.
    pub correction_ppb: Option<i64>,
    /// Its difference to the reference (0x092C), without a sign; `null` where it wasn't read.
    pub difference_ns: Option<u32>,
    /// The largest of them since it came near the reference.
    pub difference_worst_ns: u32,
    /// Whether it came near the reference.
    pub settled: bool,
}

/// How far the frames' grid follows the reference clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ControllerReport {
    /// `following` (the time is read, the grid isn't steered), `listening`, `locking`, `locked`, `holdover` or `lost`.
    pub state: &'static str,
    /// From the frame's passage of the reference to the SYNC grid, where SYNC0 without a shift is, as it is to be; `null` where the grid isn't steered.
    pub lead_ns: Option<u64>,
    /// How much later than wanted frames pass.
    pub phase_error_ns: i64,
    /// The largest of them while it was locked.
    pub phase_error_worst_ns: u64,
    /// How far readings usually are from what is expected.
    pub jitter_ns: u64,
    /// How much faster the reference is than this machine's clock, in parts per billion.
    pub frequency_ppb: i64,
    /// Sum of all moves of the grid.
    pub moved_ns: i64,
    /// The largest move.
    pub largest_move_ns: u64,
    /// Times that the lock was lost.
    pub times_lost: u64,
    /// How long it took until it was locked for the first time; `null` before.
    pub lock_took_ms: Option<f64>,
    /// Cycles that brought no time of the reference.
    pub without_time: u64,
}

impl ClocksReport {
    pub(crate) fn of(seen: &ClocksSeen) -> Self {
        let clock = &seen.controller;
        Self {
            reference: seen.reference,
            list: seen.clocks.iter().map(ClockReport::of).collect(),
            receive_times_only: seen.receive_times_only,
            difference_ored_ns: clock.difference,
            controller: ControllerReport {
                state: state(clock.state),
                lead_ns: seen.lead.map(nanos),
                phase_error_ns: clock.error,
                phase_error_worst_ns: clock.error_worst,
                jitter_ns: clock.jitter,
                frequency_ppb: clock.frequency_ppb,
                moved_ns: clock.moved,
                largest_move_ns: clock.largest_move,
                times_lost: clock.times_lost,
                lock_took_ms: clock.lock_took.map(milliseconds),
                without_time: clock.without_reading,
            },
        }
    }

    /// The largest difference of all clocks since they came near the reference.
    #[must_use]
    pub fn worst_ns(&self) -> u32 {
        self.list.iter().map(|clock| clock.difference_worst_ns).max().unwrap_or(0)
    }
}

impl ClockReport {
    fn of(one: &Watched) -> Self {
        let clock = &one.clock;
        Self {
            position: clock.who.position,
            name: clock.who.name.clone(),
            key: one.key.clone(),
            bits: if clock.info.class == ClockClass::Wide { 64 } else { 32 },
            sync_unit: clock.info.sync_unit,
            delay_ns: clock.delay_ns,
            delay_uncertain_ns: clock.uncertain_ns,
            offset_ns: clock.offset,
            correction_ppb: one.following.map(|following| following.correction_ppb),
            difference_ns: one.following.map(|following| following.difference_ns),
            difference_worst_ns: one.worst_ns,
            settled: one.near,
        }
    }
}

/// The name of a state.
const fn state(state: ClockState) -> &'static str {
    match state {
        ClockState::Off => "off",
        ClockState::Following => "following",
        ClockState::Listening => "listening",
        ClockState::Locking => "locking",
        ClockState::Locked => "locked",
        ClockState::Holdover => "holdover",
        // States of later versions.
        _ => "lost",
    }
}
