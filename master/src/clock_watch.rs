//! Clocks in operation: how far each is from the reference, who goes astray, and whether the reference is there.
//!
//! The frames bring all differences (0x092C) ORed in every cycle, which says at once that somebody may be beyond the limit, and
//! not who; so each is asked in turn, and all where the frames say so. A clock that has not come near the reference yet is
//! given the time that the rig file gives it.
//!
//! Guarantees: each is told once when it goes astray and once when it is back; a SubDevice that doesn't answer is somebody
//! else's to tell of.

use crate::bring_up::Planned;
use crate::clock_oddity::ClockOddity;
use crate::events::SessionEvent;
use crate::machine::Machine;
use std::time::Duration;
use zerocat_bus::clock::Clock;
use zerocat_bus::clock::watch::{self, Following};
use zerocat_config::dc::DcSection;
use zerocat_engine::{ClockCounters, ClockState};
use zerocat_sched::time::nanos;

/// Time from one look to the next.
const LOOK: Duration = Duration::from_millis(100);
/// All are asked so often where the frames' sum says that somebody may be beyond the limit, and all who are were told.
const ALL_AGAIN: Duration = Duration::from_secs(1);
/// How long the reference must be lost, or back, to be told.
const LOST: Duration = Duration::from_millis(100);

/// What is known of a clock in operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) clock: Clock,
    pub(crate) key: Option<String>,
    /// As it was asked last.
    pub(crate) following: Option<Following>,
    /// Largest difference since it came near the reference.
    pub(crate) worst_ns: u32,
    /// It has come near the reference.
    pub(crate) near: bool,
    beyond_since: Option<Duration>,
    told: bool,
}

/// All clocks as they were seen last, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClocksSeen {
    pub(crate) reference: u16,
    pub(crate) clocks: Vec<Watched>,
    pub(crate) receive_times_only: u16,
    pub(crate) controller: ClockCounters,
    /// From the frame's passage of the reference to the SYNC grid; `None` where frames aren't kept at a phase.
    pub(crate) lead: Option<Duration>,
}

/// The limits.
#[derive(Debug, Clone, Copy)]
struct Limits {
    limit: Duration,
    time: Duration,
    settles: Duration,
}

impl Limits {
    const fn of(dc: &DcSection) -> Self {
        Self { limit: dc.difference_limit, time: dc.difference_time, settles: dc.settle_timeout }
    }
}

impl Watched {
    const fn new(clock: Clock, key: Option<String>) -> Self {
        Self { clock, key, following: None, worst_ns: 0, near: false, beyond_since: None, told: false }
    }

    /// Takes in what it shows, `since` so long in operation. Says what is to be told.
    fn take(
        &mut self,
        shown: Following,
        limits: Limits,
        since: Duration,
        who: impl Fn() -> String,
    ) -> Option<ClockOddity> {
        self.following = Some(shown);
        let difference_ns = shown.difference_ns;
        if self.near {
            self.worst_ns = self.worst_ns.max(difference_ns);
        }
        if u64::from(difference_ns) <= nanos(limits.limit) {
            self.near = true;
            let from = self.beyond_since.take()?;
            let after = since.saturating_sub(from);
            return std::mem::take(&mut self.told).then(|| ClockOddity::Back { who: who(), after });
        }
        let from = *self.beyond_since.get_or_insert(if self.near { since } else { Duration::ZERO });
        let patience = if self.near { limits.time } else { limits.settles };
        let beyond = since.saturating_sub(from);
        if self.told || beyond < patience {
            return None;
        }
        self.told = true;
        Some(match self.near {
            true => ClockOddity::Astray { who: who(), difference_ns, limit: limits.limit },
            false => ClockOddity::NotConverged { who: who(), difference_ns, within: beyond },
        })
    }

    const fn waits_to_be_told(&self) -> bool {
        self.beyond_since.is_some() && !self.told
    }
}

/// Whether the reference is followed.
#[derive(Debug, Default)]
struct ReferenceWatch {
    lost_since: Option<Duration>,
    told: bool,
}

impl ReferenceWatch {
    fn look(&mut self, state: ClockState, now: Duration, who: impl Fn() -> String) -> Option<ClockOddity> {
        if state == ClockState::Lost {
            let since = *self.lost_since.get_or_insert(now);
            let tell = !self.told && now.saturating_sub(since) >= LOST;
            self.told |= tell;
            return tell.then(|| ClockOddity::ReferenceLost { who: who() });
        }
        let after = now.saturating_sub(self.lost_since.take()?);
        std::mem::take(&mut self.told).then(|| ClockOddity::ReferenceBack { who: who(), after })
    }
}

impl<'a> Machine<'a> {
    /// Looks after clocks for as long as it is polled.
    pub(crate) async fn watch_clocks(&self, planned: &Planned<'a>) {
        let (Some(clocks), clock) = (&planned.clocks, self.reference_clock(planned)) else { return };
        let (limits, began) = (Limits::of(&self.rig.engine.dc), self.datagrams.now());
        let watched = clocks.list.iter().map(|clock| Watched::new(clock.clone(), planned.key(clock.who.position)));
        let mut seen = ClocksSeen {
            reference: clocks.reference().who.position,
            clocks: watched.collect(),
            receive_times_only: clocks.receive_times_only,
            controller: ClockCounters::default(),
            lead: clock.and_then(|clock| clock.steer).map(|_| self.rig.engine.dc.lead_at(self.rig.period())),
        };
        let (mut reference, mut turn, mut all_at) = (ReferenceWatch::default(), 0, began);
        loop {
            seen.controller = self.counters.read().clock();
            self.observer.note_clocks(&seen);
            self.datagrams.pause_about(LOOK).await;
            let now = self.datagrams.now();
            let since = now.saturating_sub(began);
            let state = self.counters.read().clock();
            let lost = reference.look(state.state, now, || planned.in_words(seen.reference));
            lost.into_iter().for_each(|oddity| self.tell_clock(oddity));
            let beyond = state.difference > nanos(limits.limit) || seen.clocks.iter().any(Watched::waits_to_be_told);
            let asked = match beyond && now >= all_at {
                true => 0..seen.clocks.len(),
                false => turn..turn + 1,
            };
            let list: Vec<_> = seen.clocks[asked.clone()].iter().map(|one| one.clock.clone()).collect();
            let shown = self.datagrams.unhurried(watch::all_following(self.datagrams, &list)).await;
            for (one, shown) in seen.clocks[asked].iter_mut().zip(shown) {
                let Ok(shown) = shown else { continue };
                let position = one.clock.who.position;
                let oddity = one.take(shown, limits, since, || planned.in_words(position));
                oddity.into_iter().for_each(|oddity| self.tell_clock(oddity));
            }
            turn = (turn + 1) % seen.clocks.len().max(1);
            if now >= all_at && !seen.clocks.iter().any(Watched::waits_to_be_told) {
                all_at = now.saturating_add(ALL_AGAIN);
            }
        }
    }

    fn tell_clock(&self, oddity: ClockOddity) {
        let good = oddity.fault().is_none();
        let event = SessionEvent::ClockOdd(oddity);
        if good {
            tracing::info!("{event}");
            self.observer.tell(&event);
        } else {
            self.observer.warn(&event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_bus::Label;
    use zerocat_bus::clock::survey::ClockInfo;

    const MS: Duration = Duration::from_millis(1);
    const LIMITS: Limits =
        Limits { limit: Duration::from_micros(10), time: Duration::from_millis(100), settles: Duration::from_secs(5) };

    fn watched() -> Watched {
        let (who, info) = (Label::default(), ClockInfo::default());
        let clock = Clock { who, station: 0, info, delay_ns: 0, uncertain_ns: None, spread_ns: 0, offset: 0 };
        Watched::new(clock, None)
    }

    fn take(watched: &mut Watched, difference_ns: u32, ms: u32) -> Option<ClockOddity> {
        watched.take(Following { difference_ns, correction_ppb: 0 }, LIMITS, ms * MS, || "it".to_owned())
    }

    #[test]
    fn a_clock_that_never_comes_near_is_told_once_after_its_time() {
        let mut one = watched();
        assert_eq!([take(&mut one, 50_000, 100), take(&mut one, 50_000, 4_900)], [None, None]);
        let told = take(&mut one, 40_000, 5_000);
        assert!(matches!(told, Some(ClockOddity::NotConverged { difference_ns: 40_000, .. })), "{told:?}");
        assert_eq!((take(&mut one, 40_000, 9_000), one.worst_ns), (None, 0));
    }

    #[test]
    fn a_clock_is_astray_when_it_is_beyond_the_limit_for_so_long() {
        let mut one = watched();
        assert_eq!(take(&mut one, 200, 50), None);
        assert_eq!([take(&mut one, 11_000, 100), take(&mut one, 11_000, 150)], [None, None]);
        assert!(matches!(take(&mut one, 12_000, 200), Some(ClockOddity::Astray { difference_ns: 12_000, .. })));
        assert_eq!(take(&mut one, 12_000, 900), None);
        assert_eq!(take(&mut one, 9_000, 1_000), Some(ClockOddity::Back { who: "it".to_owned(), after: 900 * MS }));
        assert_eq!(one.worst_ns, 12_000);
    }

    #[test]
    fn a_moment_beyond_the_limit_is_not_told() {
        let mut one = watched();
        take(&mut one, 200, 50);
        assert_eq!(
            [take(&mut one, 11_000, 100), take(&mut one, 300, 150), take(&mut one, 11_000, 200)],
            [None, None, None]
        );
    }

    #[test]
    fn a_reference_that_is_lost_for_some_time_is_told_and_so_is_its_return() {
        let mut watch = ReferenceWatch::default();
        let mut look = |state, ms: u32| watch.look(state, ms * MS, || "it".to_owned());
        assert_eq!(
            [look(ClockState::Locked, 0), look(ClockState::Lost, 50), look(ClockState::Lost, 100)],
            [None, None, None]
        );
        assert!(matches!(look(ClockState::Lost, 150), Some(ClockOddity::ReferenceLost { .. })));
        assert_eq!(look(ClockState::Lost, 200), None);
        assert!(matches!(look(ClockState::Locking, 250), Some(ClockOddity::ReferenceBack { .. })));
    }
}
