//! SubDevices that have SYNC, as they say themselves how they are synchronized (objects 0x1C32 and 0x1C33): whether they can do
//! the cycle that they are to have, before OP; and in OP what they count as going wrong.
//!
//! Guarantees: nothing is written; who has no CoE, or not these objects, is left alone. Read slowly: a drive counts by
//! itself, and what it counts is told when it grows.

use crate::bring_up::{Planned, StartError};
use crate::events::SessionEvent;
use crate::machine::Machine;
use crate::sync_budget::own_lead;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use zerocat_bus::named;
use zerocat_bus::sync_objects::{INPUT_PARAMETERS, OUTPUT_PARAMETERS};
use zerocat_bus::{Actors, BringUpError, Label, Matching, Network, SyncErrors, SyncObjects};
use zerocat_config::Rig;
use zerocat_config::dc::SyncTimes;

/// How often each is asked, and the least time from one to the next.
const ROUND: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(100));
/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Least time between two times that one is told.
const QUIET: Duration = Duration::from_secs(10);

/// A SubDevice that has SYNC, and what it says of it in OP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synchronized {
    pub(crate) who: Label,
    pub(crate) key: Option<String>,
    pub(crate) times: SyncTimes,
    /// From the frame's passage of the reference clock to its SYNC0, in ns.
    pub(crate) lead_ns: u64,
    pub(crate) objects: SyncObjects,
}

impl Synchronized {
    /// What it counted in the run, of its outputs where it has them, else of its inputs.
    const fn errors(&mut self) -> Option<&mut SyncErrors> {
        let SyncObjects { outputs, inputs } = &mut self.objects;
        match (outputs, inputs) {
            (Some(said), _) | (None, Some(said)) => Some(&mut said.errors),
            (None, None) => None,
        }
    }

    /// Has its counters begin where those of the same SubDevice ended before an outage, else at 0: what it counted on its way to
    /// OP, or in a run before, isn't of this one.
    pub(crate) fn begin_counts(&mut self, before: Option<&mut Self>) {
        for said in [&mut self.objects.outputs, &mut self.objects.inputs].into_iter().flatten() {
            said.errors = said.errors.since(&said.errors);
        }
        let counted = before.and_then(|before| before.errors().copied()).unwrap_or_default();
        if let Some(errors) = self.errors() {
            *errors = counted.plus(errors);
        }
    }

    /// Adds what it counted meanwhile. Returns what it counted in the run.
    pub(crate) fn add_errors(&mut self, more: SyncErrors) -> SyncErrors {
        let Some(errors) = self.errors() else { return more };
        *errors = errors.plus(&more);
        *errors
    }
}

/// A SubDevice says that SYNC and its process data don't meet as they should.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncTrouble {
    /// Which one.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// What it counted since this run was in OP.
    pub errors: SyncErrors,
}

impl fmt::Display for SyncTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = named(&self.who, self.key.as_deref());
        write!(f, "{who} counts SYNC that went wrong: {} in this run", self.errors)
    }
}

/// Refuses a cycle of which a SubDevice says that it can't do it. In PRE-OP. Returns what each says.
///
/// # Errors
/// `SyncCycle` with the numbers; `Bus`, where a mailbox fails.
pub(crate) async fn check_cycles(
    rig: &Rig,
    network: &mut Network<'_>,
    matching: &Matching,
    sync: &[(u16, SyncTimes)],
) -> Result<Vec<(u16, SyncObjects)>, StartError> {
    let positions: Vec<u16> = sync.iter().map(|(position, _)| *position).collect();
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let mut said = Vec::new();
    for (position, objects) in network.read_sync_objects(&positions).await {
        let objects = objects.map_err(BringUpError::from)?;
        said.push((position, objects));
        let Some((_, times)) = sync.iter().find(|(one, _)| *one == position) else { continue };
        let Some((object, minimum_ns)) = too_short(*times, objects) else { continue };
        let found = matching.matches.iter().find(|found| found.position == position);
        let label = network.subdevices().iter().find(|one| one.position == position).map(|one| one.label());
        let who = named(&label.unwrap_or_default(), found.map(|found| found.key.as_str()));
        let dc = found.and_then(|found| rig.slave(&found.key)?.dc.as_ref());
        let written = dc.is_some_and(|dc| dc.sync0.as_ref().is_some_and(|sync0| sync0.cycle.is_some()));
        return Err(StartError::SyncCycle { who, cycle_ns: times.application_cycle(), minimum_ns, object, written });
    }
    Ok(said)
}

/// The object that says that a cycle is too short, and the least one.
fn too_short(times: SyncTimes, objects: SyncObjects) -> Option<(u16, u32)> {
    let both = [(OUTPUT_PARAMETERS, objects.outputs), (INPUT_PARAMETERS, objects.inputs)];
    both.into_iter().find_map(|(object, said)| {
        let minimum = said?.minimum_cycle_ns?;
        (u64::from(minimum) > times.application_cycle()).then_some((object, minimum))
    })
}

/// What one counts.
#[derive(Debug, Default)]
struct Count {
    /// Its counters when it was asked last.
    last: SyncErrors,
    /// What was counted since that was told.
    untold: SyncErrors,
    /// When it was told last.
    told: Option<Duration>,
}

/// What each counts, by position.
#[derive(Debug, Default)]
struct Counts(BTreeMap<u16, Count>);

impl Counts {
    /// Takes in the counters of one. What it counted since the last time, and whether that is to be told: there is something that
    /// wasn't told, or it is out of sync now.
    fn take(&mut self, position: u16, errors: SyncErrors, now: Duration) -> (SyncErrors, bool) {
        let Some(count) = self.0.get_mut(&position) else {
            self.0.insert(position, Count { last: errors, untold: errors.since(&errors), told: None });
            // What it counted on its way to OP says nothing.
            return (errors.since(&errors), errors.error == Some(true));
        };
        let more = errors.since(&count.last);
        let untold = count.untold.plus(&more);
        let nothing = SyncErrors { error: count.last.error, ..SyncErrors::default() };
        count.last = errors;
        let quiet = count.told.is_some_and(|told| now.saturating_sub(told) < QUIET);
        let tell = !quiet && untold.is_worse_than(&nothing);
        if tell {
            (count.untold, count.told) = (SyncErrors::default(), Some(now));
        } else {
            count.untold = untold;
        }
        (more, tell)
    }
}

impl<'a> Machine<'a> {
    /// Asks those that have SYNC in turn, for as long as it is polled.
    pub(crate) async fn watch_synchronization(&self, actors: &Actors<'_>, planned: &Planned<'a>) {
        let (mut counts, period) = (Counts::default(), self.rig.period());
        for (position, times) in &planned.sync {
            let read = actors.mail(*position, PATIENCE, async |at| {
                let (datagrams, mailbox) = at.with_coe()?;
                Ok(mailbox.sync_objects(datagrams).await.map_err(BringUpError::from)?)
            });
            let Ok(objects) = read.await else { continue };
            let (who, key) = (planned.label(*position), planned.key(*position));
            let lead_ns = own_lead(self.rig.engine.dc.lead_at(period), *times, period);
            self.observer.note_synchronized(Synchronized { who, key, times: *times, lead_ns, objects });
            if let Some(said) = objects.outputs.or(objects.inputs) {
                self.take_counts(&mut counts, planned, *position, said.errors);
            }
        }
        let asked: Vec<u16> = counts.0.keys().copied().collect();
        let most = u32::try_from(asked.len().max(1)).unwrap_or(u32::MAX);
        for position in asked.iter().cycle() {
            self.datagrams.pause((ROUND.0 / most).max(ROUND.1)).await;
            let read = actors.mail(*position, PATIENCE, async |at| {
                let (datagrams, mailbox) = at.with_coe()?;
                Ok(mailbox.sync_errors(datagrams).await.map_err(BringUpError::from)?)
            });
            if let Ok(errors) = read.await {
                self.take_counts(&mut counts, planned, *position, errors);
            }
        }
        std::future::pending::<()>().await;
    }

    fn take_counts(&self, counts: &mut Counts, planned: &Planned<'a>, position: u16, errors: SyncErrors) {
        let (more, tell) = counts.take(position, errors, self.datagrams.now());
        let errors = self.observer.note_sync_errors(position, more);
        if tell {
            let (who, key) = (planned.label(position), planned.key(position));
            self.observer.warn(&SessionEvent::SyncTrouble(SyncTrouble { who, key, errors }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_bus::SyncParameters;

    fn times(sync0_cycle: u32, sync1_delay: u32, assign_activate: u16) -> SyncTimes {
        SyncTimes { assign_activate, sync0_cycle, sync1_delay, shift_ns: 0 }
    }

    fn says(outputs: Option<u32>, inputs: Option<u32>) -> SyncObjects {
        let said = |minimum_cycle_ns| Some(SyncParameters { minimum_cycle_ns, ..SyncParameters::default() });
        SyncObjects { outputs: said(outputs), inputs: said(inputs) }
    }

    #[test]
    fn a_cycle_below_the_least_of_outputs_or_inputs_is_too_short() {
        let cycle = times(250_000, 0, 0x0300);
        assert_eq!(too_short(cycle, says(Some(250_000), Some(0))), None);
        assert_eq!(too_short(cycle, says(Some(250_001), None)), Some((0x1c32, 250_001)));
        assert_eq!(too_short(cycle, says(None, Some(500_000))), Some((0x1c33, 500_000)));
        assert_eq!(too_short(cycle, SyncObjects::default()), None);
    }

    #[test]
    fn an_oversampling_terminal_works_in_the_cycle_of_sync1() {
        // SYNC0 every 250 us for the samples, SYNC1 every 1 ms for its process data.
        assert_eq!(too_short(times(250_000, 750_000, 0x0700), says(Some(500_000), None)), None);
        assert_eq!(too_short(times(250_000, 0, 0x0700), says(Some(500_000), None)), Some((0x1c32, 500_000)));
    }

    #[test]
    fn what_grows_is_told_and_not_again_for_a_while() {
        let counted = |missed| SyncErrors { missed: Some(missed), error: Some(false), ..SyncErrors::default() };
        let mut counts = Counts::default();
        let mut take = |missed, seconds| counts.take(3, counted(missed), Duration::from_secs(seconds)).1;
        assert_eq!(
            [take(7, 0), take(7, 1), take(8, 2), take(9, 3), take(9, 13), take(9, 14)],
            [false, false, true, false, true, false]
        );
    }
}
