//! Distributed clocks in bring-up: measured and compensated in INIT, and, where SYNC is asked for, frames at their phase and SYNC
//! started before anybody goes to SAFE-OP.
//!
//! In INIT every clock is found and set ([`zerocat_bus::clock`]). With `auto` and nobody who asks for SYNC that is all: from the
//! first exchange on the frames hand the reference's time on, clocks settle while the network works, and what is odd is told.
//! Where SYNC is asked for, and with `on`, an exchange for the clocks alone runs in PRE-OP until frames are at their phase and
//! every clock is near the reference. Then SYNC is started, on a grid that frames keep to from then on; the exchange of process
//! data takes over clock, phase and grid.
//!
//! Guarantees: a bus without clocks is brought up as if there were none; a time-out says what was seen, by name.

use crate::bring_up::{Planned, StartError};
use crate::clock_oddity::ClockOddity;
use crate::events::{Phase, SessionEvent};
use crate::machine::Machine;
use crate::shutdown::LOOK;
use std::time::Duration;
use zerocat_bus::clock::survey::ClockClass;
use zerocat_bus::clock::sync::{self, SyncPlan};
use zerocat_bus::clock::{ClockOptions, Clocks, compensate, watch};
use zerocat_bus::named;
use zerocat_bus::{BringUpError, Matching, Network};
use zerocat_config::dc::{Follow, SyncTimes, Use};
use zerocat_engine::{
    ClockCounters, ClockState, CyclicLane, Exchange, HOST_CLOCK_ROOM, HostClock, LaneError, LaneOptions,
    PROCESS_DATA_ROOM, ReferenceClock, SteerSettings,
};
use zerocat_link::Slot;
use zerocat_pdi::Plan;
use zerocat_sched::time::nanos;

/// How long all clocks must be near the reference in a row.
const SETTLES: Duration = Duration::from_millis(50);
/// Cycles of that at least.
const SETTLES_CYCLES: u64 = 10;
/// Readings of the host's clock, of which one counts.
const HOST_READINGS: u32 = 16;

impl<'a> Machine<'a> {
    /// Measures and sets the clocks, in INIT. `None` where there are none, or they aren't to be used.
    ///
    /// # Errors
    /// `Bus`; `NoClocks`, `NoSync` where the rig file asks for what isn't there.
    pub(crate) async fn compensate(
        &self,
        network: &Network<'a>,
        matching: &Matching,
        sync: &[(u16, SyncTimes)],
    ) -> Result<Option<Clocks>, StartError> {
        let dc = &self.rig.engine.dc;
        if dc.usage == Use::Off {
            return Ok(None);
        }
        let place = |key: &String| matching.matches.iter().find(|found| found.key == *key).map(|found| found.position);
        let options = ClockOptions { reference: dc.reference.as_ref().and_then(place), ..ClockOptions::default() };
        let now = || self.surroundings.system_time(self.datagrams.time());
        let clocks = compensate(self.datagrams, network.subdevices(), &options, &now).await?;
        if clocks.is_none() && dc.usage == Use::On {
            return Err(StartError::NoClocks);
        }
        let has_unit =
            |position| clocks.as_ref().and_then(|clocks| clocks.at(position)).is_some_and(|one| one.info.sync_unit);
        match sync.iter().find(|(position, _)| !has_unit(*position)) {
            Some((position, _)) => Err(StartError::NoSync(in_words(network, matching, *position))),
            None => Ok(clocks),
        }
    }

    /// Tells what is odd with clocks.
    pub(crate) fn tell_clock_oddities(&self, planned: &Planned<'a>) {
        for oddity in planned.clocks.iter().flat_map(|clocks| &clocks.oddities) {
            let who = planned.in_words(oddity.who.position);
            self.observer.warn(&SessionEvent::ClockOdd(ClockOddity::Odd { who, what: oddity.what }));
        }
    }

    /// Whether frames are kept at a phase to the reference clock.
    pub(crate) fn steers(&self, sync: &[(u16, SyncTimes)]) -> bool {
        self.rig.engine.dc.usage == Use::On || !sync.is_empty()
    }

    /// The frames of a plan, with the reference clock where there is one.
    pub(crate) fn lane(
        &self,
        plan: &Plan,
        al_status: Option<u16>,
        clock: Option<ReferenceClock>,
    ) -> Result<CyclicLane, LaneError> {
        let options = LaneOptions { first_slot: Slot(0), al_status };
        match clock {
            Some(clock) => CyclicLane::with_clock(plan, options, clock),
            None => CyclicLane::new(plan, options),
        }
    }

    /// The reference clock as frames read it.
    pub(crate) fn reference_clock(&self, planned: &Planned<'a>) -> Option<ReferenceClock> {
        let clocks = planned.clocks.as_ref()?;
        let period = self.rig.period();
        let dc = &self.rig.engine.dc;
        let steer = self.steers(&planned.sync).then(|| SteerSettings::usual(period, dc.lead_to_multiple(period)));
        let host = (dc.follow == Follow::Host).then(|| self.host_clock(period));
        let reference = clocks.reference();
        let wide = reference.info.class == ClockClass::Wide;
        Some(ReferenceClock {
            station: reference.station,
            wide,
            expected: clocks.count(),
            watched: clocks.count(),
            steer,
            host,
        })
    }

    /// The host's clock by the engine's: of several readings the one that took least.
    fn host_clock(&self, period: Duration) -> HostClock {
        let read = |_| {
            let before = self.datagrams.time();
            let shown = self.surroundings.system_time(before);
            let took = self.datagrams.time().saturating_sub(before);
            (took, shown.wrapping_sub(nanos(before + took / 2)))
        };
        let (_, at_zero) = (0..HOST_READINGS).map(read).min().unwrap_or_default();
        HostClock { at_zero, bound: SteerSettings::usual(period, Duration::ZERO).first_step }
    }

    /// Bytes of process data that a frame has room for.
    pub(crate) fn frame_room(&self) -> usize {
        let taken = if self.rig.engine.dc.follow == Follow::Host { HOST_CLOCK_ROOM } else { 0 };
        PROCESS_DATA_ROOM.saturating_sub(taken)
    }

    /// In PRE-OP, where frames are to be at a phase: has them come to it, waits until the clocks have settled, and starts SYNC.
    ///
    /// # Errors
    /// `NotLocked`, `NotConverged`, `Bus`, `Lane`, `Closed`.
    pub(crate) async fn synchronise(&self, planned: &Planned<'a>) -> Result<(), StartError> {
        let (Some(clocks), Some(clock)) = (&planned.clocks, self.reference_clock(planned)) else { return Ok(()) };
        if clock.steer.is_none() {
            return Ok(());
        }
        self.observer.enter(Phase::Clocks);
        let nothing = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
        self.controls.borrow_mut().install(Exchange::new(self.lane(&nothing, None, Some(clock))?))?;
        self.settle(planned, clocks).await?;
        self.start_sync_of(planned, None).await?;
        Ok(())
    }

    /// Starts the SYNC of all that ask for it, or of the one at a position, while frames are at their phase.
    ///
    /// # Errors
    /// `Sync`, `SubDevice`.
    pub(crate) async fn start_sync_of(&self, planned: &Planned<'a>, whose: Option<u16>) -> Result<(), BringUpError> {
        let Some(clocks) = &planned.clocks else { return Ok(()) };
        let phase = nanos(self.rig.engine.dc.phase.unwrap_or_default()).cast_signed();
        let plan = |(position, times): &(u16, SyncTimes)| {
            let SyncTimes { assign_activate, sync0_cycle, sync1_delay, shift_ns } = *times;
            SyncPlan { position: *position, assign_activate, sync0_cycle, sync1_delay, shift_ns: shift_ns + phase }
        };
        let asked = planned.sync.iter().filter(|(position, _)| whose.is_none_or(|whose| whose == *position));
        let plans: Vec<_> = asked.map(plan).collect();
        if plans.is_empty() {
            return Ok(());
        }
        let time = || {
            Some(self.counters.read().clock()).filter(|clock| clock.state == ClockState::Locked).map(|clock| clock.time)
        };
        sync::start(self.datagrams, clocks, &plans, nanos(self.rig.period()), &time).await
    }

    /// Waits until frames are at their phase, and all clocks have been near the reference for some time.
    async fn settle(&self, planned: &Planned<'a>, clocks: &Clocks) -> Result<(), StartError> {
        let dc = &self.rig.engine.dc;
        let end = self.datagrams.now().saturating_add(dc.settle_timeout);
        let mut since = None;
        loop {
            let (now, counters) = (self.datagrams.now(), self.counters.read());
            let clock = counters.clock();
            if clock.state == ClockState::Locked && self.are_near(&clock, clocks).await {
                let (from, cycle) = *since.get_or_insert((now, counters.cycles));
                if now.saturating_sub(from) >= SETTLES && counters.cycles.saturating_sub(cycle) >= SETTLES_CYCLES {
                    return Ok(());
                }
            } else {
                since = None;
            }
            if now >= end {
                return Err(self.unsettled(planned, clocks, &clock).await);
            }
            self.datagrams.pause(LOOK).await;
        }
    }

    /// Whether every clock is near the reference. What the frames bring is all differences ORed, less than twice the largest: where
    /// that doesn't decide it, each is asked.
    async fn are_near(&self, clock: &ClockCounters, clocks: &Clocks) -> bool {
        let limit = nanos(self.rig.engine.dc.settled_below);
        if clock.difference < limit {
            return true;
        }
        if clock.difference >= limit.saturating_mul(2) {
            return false;
        }
        let all = watch::all_following(self.datagrams, &clocks.list).await;
        all.iter().all(|one| one.as_ref().is_ok_and(|one| u64::from(one.difference_ns) < limit))
    }

    /// Why it took too long: frames, or who.
    async fn unsettled(&self, planned: &Planned<'a>, clocks: &Clocks, clock: &ClockCounters) -> StartError {
        let dc = &self.rig.engine.dc;
        if clock.state != ClockState::Locked {
            return StartError::NotLocked {
                within: dc.settle_timeout,
                state: clock.state,
                error_ns: clock.error,
                jitter_ns: clock.jitter,
                without: clock.without_reading,
            };
        }
        let mut far = Vec::new();
        for (clock, one) in clocks.list.iter().zip(watch::all_following(self.datagrams, &clocks.list).await) {
            let who = planned.in_words(clock.who.position);
            match one {
                Ok(one) if u64::from(one.difference_ns) < nanos(dc.settled_below) => {}
                Ok(one) => far.push(format!("{who} is {} ns off", one.difference_ns)),
                Err(error) => far.push(format!("{who}: {error}")),
            }
        }
        StartError::NotConverged { within: dc.settle_timeout, limit: dc.settled_below, far }
    }
}

fn in_words(network: &Network<'_>, matching: &Matching, position: u16) -> String {
    let found = network.subdevices().iter().find(|one| one.position == position);
    let key = matching.matches.iter().find(|found| found.position == position).map(|found| found.key.clone());
    found.map_or_else(|| format!("SubDevice {position}"), |one| named(&one.label(), key.as_deref()))
}

impl From<sync::SyncError> for StartError {
    fn from(error: sync::SyncError) -> Self {
        BringUpError::from(error).into()
    }
}
