//! A network that was lost and came back: from the first silent cycle to OP again, without a new process.
//!
//! When nothing comes back for longer than the SubDevices' watchdog they have left OP anyway, so nothing is lost by
//! starting over. The outputs are made safe, the exchange is taken out, the carrier is waited for, and the way up is
//! gone again from INIT, with the same tasks on the same rings. A silence that ended by itself counts as well, if the
//! network isn't in OP when it is over.
//!
//! Guarantees: a network that came back different (SubDevices, process data) is not driven; it is said and waited for.
//! Write tasks hand their last values over again once the network is in OP. Not here: a single SubDevice that fails
//! while the others answer; its working counter faults are counted, and the rest goes on.

use crate::bring_up::{Planned, Ports};
use crate::core::Core;
use crate::progress::{Phase, Progress};
use crate::session::SessionError;
use std::time::{Duration, Instant};
use zerocat_config::Rig;
use zerocat_engine::Counters;
use zerocat_host::chain;
use zerocat_host::nic::has_carrier;
use zerocat_wire::AlState;

/// Shortest silence that ends an exchange, also where the watchdog is shorter.
const SHORTEST: Duration = Duration::from_millis(100);
/// Fewest silent cycles in a row.
const FEWEST: u64 = 3;
/// How long a network may take to be right after a silence before it is started over.
const SETTLE: Duration = Duration::from_millis(300);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// What a look after the network found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tended {
    /// It runs.
    Running,
    /// It is lost, and the next call tries again.
    Lost,
    /// It was lost, and is in OP again after this time.
    Recovered(Duration),
}

/// What the counters say about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Well,
    /// A silence was too long and is over; whether the network bore it isn't known yet.
    Unsure,
    /// It must be started over.
    Lost,
}

/// Finds out from counters whether a network is lost.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Silent cycles in a row after which it is.
    limit: u64,
    /// Longest silence that the network has borne.
    borne: u64,
    unsure_since: Option<Instant>,
}

impl Watch {
    /// For a network whose SubDevices leave OP after `watchdog` without frames.
    pub(crate) fn new(period: Duration, watchdog: Duration) -> Self {
        let cycles = watchdog.max(SHORTEST).as_nanos().div_ceil(period.as_nanos().max(1));
        Self { limit: u64::try_from(cycles).unwrap_or(u64::MAX).max(FEWEST), borne: 0, unsure_since: None }
    }

    pub(crate) fn look(&mut self, now: Instant, counters: &Counters) -> Verdict {
        if counters.silent_cycles >= self.limit {
            return Verdict::Lost;
        }
        if counters.silent_longest < self.limit || counters.silent_longest <= self.borne {
            return Verdict::Well;
        }
        if counters.silent_cycles == 0 && in_op(counters) {
            self.borne = counters.silent_longest;
            self.unsure_since = None;
            return Verdict::Well;
        }
        let since = *self.unsure_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= SETTLE { Verdict::Lost } else { Verdict::Unsure }
    }

    /// Begins anew, for a network that was started over.
    pub(crate) const fn reset(&mut self) {
        self.borne = 0;
        self.unsure_since = None;
    }
}

/// All SubDevices in OP without an error, all working counters right.
fn in_op(counters: &Counters) -> bool {
    let all = counters.working_counter == counters.expected_working_counter;
    all && counters.al_status == AlState::Op as u64
}

/// An outage that goes on.
#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Instant,
    /// When the next attempt may be made.
    next: Instant,
}

/// All outages of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outages {
    pub(crate) count: u64,
    pub(crate) recovered: u64,
    pub(crate) longest: Duration,
}

/// Watches over a network and starts it over.
#[derive(Debug)]
pub(crate) struct Recovery {
    watch: Watch,
    outage: Option<Outage>,
    /// Whether it was said that another network came back.
    said: bool,
    /// The realtime ends of the tasks' rings, while no exchange has them.
    ports: Ports,
    pub(crate) outages: Outages,
}

impl Recovery {
    pub(crate) fn new(rig: &Rig) -> Self {
        Self {
            watch: Watch::new(rig.period(), rig.engine.watchdog),
            outage: None,
            said: false,
            ports: Ports::default(),
            outages: Outages::default(),
        }
    }

    /// One look, and where the network is lost one attempt, which may take seconds.
    pub(crate) fn tend(&mut self, core: &mut Core, planned: &mut Planned, stop: &dyn Fn() -> bool) -> Tended {
        let now = Instant::now();
        let Some(outage) = self.outage.or_else(|| self.begin(core, now)) else { return Tended::Running };
        if now < outage.next || has_carrier(&core.link.interface) == Some(false) {
            return Tended::Lost;
        }
        match self.attempt(core, planned, stop) {
            Ok(()) => Tended::Recovered(self.end(core, outage)),
            Err(error) => {
                self.say(&error);
                self.outage = Some(Outage { next: Instant::now() + PAUSE, ..outage });
                Tended::Lost
            }
        }
    }

    /// The outage that begins now, if the network is lost.
    fn begin(&mut self, core: &mut Core, now: Instant) -> Option<Outage> {
        let counters = core.counters.read();
        if self.watch.look(now, &counters) != Verdict::Lost {
            return None;
        }
        tracing::warn!(cycle = counters.cycle, "{}", Phase::Lost);
        core.progress.enter(Phase::Lost);
        self.outages.count += 1;
        self.outage = Some(Outage { since: now, next: now });
        if let Err(error) = core.take_exchange_out(&mut self.ports) {
            tracing::warn!("{}", chain(&error));
        }
        self.outage
    }

    /// Another network is said once an outage; that nobody answers yet is what an outage is.
    fn say(&mut self, error: &SessionError) {
        match error {
            SessionError::Changed if !self.said => {
                self.said = true;
                tracing::warn!("{error}");
            }
            _ => tracing::info!("the network isn't back: {}", chain(error)),
        }
    }

    fn end(&mut self, core: &Core, outage: Outage) -> Duration {
        let lasted = outage.since.elapsed();
        self.outage = None;
        self.said = false;
        self.watch.reset();
        self.outages.recovered += 1;
        self.outages.longest = self.outages.longest.max(lasted);
        tracing::warn!(?lasted, "the network is in OP again");
        core.progress.enter(Phase::Running);
        lasted
    }

    fn attempt(&mut self, core: &mut Core, planned: &mut Planned, stop: &dyn Fn() -> bool) -> Result<(), SessionError> {
        core.take_exchange_out(&mut self.ports)?;
        let silent = Progress::default();
        let mut back = core.with_bring_up(stop, &silent, async |way| way.plan().await)?;
        if back.plan != planned.plan || back.bindings != planned.bindings {
            return Err(SessionError::Changed);
        }
        let ports = &mut self.ports;
        core.with_bring_up(stop, &silent, async |way| way.operate(&mut back, ports).await)?;
        *planned = back;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: u64 = 8;

    fn watch() -> Watch {
        Watch::new(Duration::from_millis(1), Duration::from_millis(200))
    }

    fn counters(silent: u64, longest: u64, al_status: u64) -> Counters {
        Counters { silent_cycles: silent, silent_longest: longest, al_status, ..Counters::default() }
    }

    #[test]
    fn a_silence_as_long_as_the_watchdog_is_a_loss_and_a_shorter_one_is_not() {
        let now = Instant::now();
        assert_eq!(watch().look(now, &counters(199, 199, OP)), Verdict::Well);
        assert_eq!(watch().look(now, &counters(0, 199, 0x14)), Verdict::Well);
        assert_eq!(watch().look(now, &counters(200, 200, OP)), Verdict::Lost);
    }

    #[test]
    fn slow_cycles_and_short_watchdogs_have_limits_of_their_own() {
        let limit = |period, watchdog| Watch::new(Duration::from_millis(period), Duration::from_millis(watchdog)).limit;
        assert_eq!([limit(1, 10), limit(1, 250), limit(1000, 100), limit(4, 101)], [100, 250, 3, 26]);
    }

    #[test]
    fn a_silence_that_the_network_bore_is_none() {
        let (mut watch, now) = (watch(), Instant::now());
        assert_eq!(watch.look(now, &counters(0, 300, OP)), Verdict::Well);
        // What comes later is a matter of its own.
        assert_eq!(watch.look(now + SETTLE * 2, &counters(0, 300, 0x14)), Verdict::Well);
        assert_eq!(watch.look(now + SETTLE * 2, &counters(0, 301, 0x14)), Verdict::Unsure);
    }

    #[test]
    fn a_network_that_is_not_in_op_some_time_after_a_silence_is_lost() {
        let now = Instant::now();
        let wrong = Counters { expected_working_counter: 3, ..counters(0, 300, OP) };
        for after in [counters(0, 300, 0x14), wrong] {
            let mut watch = watch();
            assert_eq!(watch.look(now, &after), Verdict::Unsure);
            assert_eq!(watch.look(now + SETTLE / 2, &after), Verdict::Unsure);
            assert_eq!(watch.look(now + SETTLE, &after), Verdict::Lost);
        }
    }

    #[test]
    fn a_subdevice_that_fails_without_a_silence_is_no_loss() {
        let mut watch = watch();
        let failed = Counters { expected_working_counter: 3, ..counters(0, 150, 0x14) };
        assert_eq!(watch.look(Instant::now(), &failed), Verdict::Well);
        assert_eq!(watch.look(Instant::now() + SETTLE * 9, &failed), Verdict::Well);
    }
}
