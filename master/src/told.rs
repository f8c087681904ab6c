//! What the report of a run says of its events: how often each fault was told, and who refused an AL state before it got there.

use crate::clock_watch::ClocksSeen;
use crate::diagnosis::Diagnosis;
use crate::emergency::Emergency;
use crate::events::SessionEvent;
use crate::synchronization::Synchronized;
use crate::void::CommandsVoid;
use std::collections::BTreeMap;
use std::fmt;
use zerocat_bus::named;
use zerocat_bus::{AlReached, Label};
use zerocat_faults::Fault;
use zerocat_wire::AlState;
use zerocat_wire::al::AlStatusCode;

/// Events of a kind that a report lists one by one.
const LISTED: usize = 100;

/// How often each fault occurred.
pub(crate) type FaultCounts = BTreeMap<Fault, u64>;

/// A SubDevice that refused an AL state, with errors that were acknowledged, before it got there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retried {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// The state that it was asked for.
    pub state: AlState,
    /// How often it refused.
    pub times: usize,
    /// Its AL status codes, each once, in the order of their first.
    pub codes: Vec<AlStatusCode>,
}

impl Retried {
    /// What a state was reached after; `None` where it was reached at once.
    pub(crate) fn of(reached: AlReached, key: Option<String>) -> Option<Self> {
        let AlReached { who, state, acknowledged, .. } = reached;
        let mut codes = Vec::new();
        for code in &acknowledged {
            if !codes.contains(code) {
                codes.push(*code);
            }
        }
        (!acknowledged.is_empty()).then_some(Self { who, key, state, times: acknowledged.len(), codes })
    }
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, key, state, times, codes } = self;
        let often = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
        let codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
        let who = named(who, key.as_deref());
        write!(f, "{who} refused {state} {often} before it got there: {}", codes.join("; "))
    }
}

/// A SubDevice whose commands became void while the others went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voided {
    /// Who, and why the last time.
    pub(crate) void: CommandsVoid,
    /// How often.
    pub(crate) times: u64,
    /// It waits for a command.
    pub(crate) waits: bool,
}

/// The first events of a kind, and how many there were.
#[derive(Debug, Clone)]
pub(crate) struct FirstOf<T> {
    count: u64,
    list: Vec<T>,
}

impl<T> Default for FirstOf<T> {
    fn default() -> Self {
        Self { count: 0, list: Vec::new() }
    }
}

impl<T: Clone> FirstOf<T> {
    fn add(&mut self, one: &T) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(one.clone());
        }
    }

    /// All that were told.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The first hundred.
    pub(crate) fn list(&self) -> &[T] {
        &self.list
    }
}

/// What was told so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) faults: FaultCounts,
    /// The first of them.
    pub(crate) retried: FirstOf<Retried>,
    pub(crate) emergencies: FirstOf<Emergency>,
    pub(crate) diagnosis: FirstOf<Diagnosis>,
    /// In the order of the first time of each.
    pub(crate) voided: Vec<Voided>,
    /// Those that have SYNC, by position.
    pub(crate) synchronized: BTreeMap<u16, Synchronized>,
    /// Clocks as they were seen last.
    pub(crate) clocks: Option<ClocksSeen>,
}

impl Told {
    /// Takes an event in.
    pub(crate) fn note(&mut self, event: &SessionEvent) {
        if let Some(fault) = event.fault() {
            *self.faults.entry(fault).or_default() += 1;
        }
        match event {
            SessionEvent::Retried(retried) => self.retried.add(retried),
            SessionEvent::Emergency(emergency) => self.emergencies.add(emergency),
            SessionEvent::Diagnosis(diagnosis) => self.diagnosis.add(diagnosis),
            _ => self.note_void(event),
        }
    }

    fn note_void(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::CommandsVoid(void) => {
                let known = self.voided.iter_mut().find(|one| one.void.who.position == void.who.position);
                match known {
                    Some(known) => *known = Voided { void: void.clone(), times: known.times + 1, waits: true },
                    None => self.voided.push(Voided { void: void.clone(), times: 1, waits: true }),
                }
            }
            SessionEvent::CommandedAgain(again) => {
                let its = self.voided.iter_mut().filter(|one| one.void.who.position == again.who.position);
                its.for_each(|one| one.waits = false);
            }
            // All commands are void then, and who waits is told for each task.
            SessionEvent::Lost(_) => self.voided.iter_mut().for_each(|one| one.waits = false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::EmergenciesReport;
    use crate::supervision::Cause;
    use crate::void::{CommandedAgain, WhyVoid};
    use std::time::Duration;
    use zerocat_sched::Time;
    use zerocat_sched::time::ClockPair;

    fn reached(acknowledged: &[u16]) -> AlReached {
        AlReached {
            who: Label { position: 5, name: "SERVO".to_owned() },
            state: AlState::Op,
            acknowledged: acknowledged.iter().copied().map(AlStatusCode).collect(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn who_refused_a_state_is_told_with_key_code_and_how_often() {
        assert_eq!(Retried::of(reached(&[]), None), None);
        let text = |codes: &[u16]| Retried::of(reached(codes), Some("axis".to_owned())).unwrap().to_string();
        assert_eq!(
            text(&[0x1b, 0x1b, 0x1b]),
            "SubDevice 5 (SERVO) `axis` refused OP 3 times before it got there: 0x001b: Sync manager watchdog"
        );
        assert!(text(&[0x1e]).contains("refused OP once before it got there: 0x001e: "));
    }

    #[test]
    fn a_subdevice_whose_commands_were_void_waits_until_it_is_commanded_or_all_are_lost() {
        let (who, why) = (Label { position: 1, name: "EL2004".to_owned() }, WhyVoid::WasOut);
        let void = SessionEvent::CommandsVoid(CommandsVoid { who: who.clone(), key: None, why });
        let again = SessionEvent::CommandedAgain(CommandedAgain { who, key: None });
        let mut told = Told::default();
        let mut waits = |event| {
            told.note(event);
            (told.voided.len(), told.voided[0].times, told.voided[0].waits)
        };
        assert_eq!([&void, &again].map(&mut waits), [(1, 1, true), (1, 1, false)]);
        assert_eq!([&void, &SessionEvent::Lost(Cause::Expired)].map(&mut waits), [(1, 2, true), (1, 2, false)]);
    }

    #[test]
    fn emergencies_and_diagnosis_messages_are_listed_up_to_a_bound_and_all_are_counted() {
        let who = Label { position: 5, name: "SERVO".to_owned() };
        let (key, at, data) = (Some("axis".to_owned()), Duration::from_secs(1), [1, 2, 3, 4, 250]);
        let one = Emergency { who, key, at, code: 0x8611, register: 0x21, data };
        let mut told = Told::default();
        (0..LISTED + 3).for_each(|_| told.note(&SessionEvent::Emergency(one.clone())));
        let clocks = ClockPair { monotonic: Time(3_000_000_000), realtime: 9_000_000_000, uncertainty: Duration::ZERO };
        let report = EmergenciesReport::of(&told.emergencies, &clocks);
        assert_eq!((report.count, report.list.len()), (103, 100));
        let one = &report.list[0];
        assert_eq!((one.position, &*one.name, one.key.as_deref()), (5, "SERVO", Some("axis")));
        assert_eq!((one.code, one.register, &*one.data), (0x8611, 0x21, "01020304fa"));
        assert_eq!((one.utc_ns, &*one.words), (7_000_000_000, "following error (of a drive)"));
        assert_eq!(told.faults, FaultCounts::from([(Fault::Emergency, 103)]));
    }

    #[test]
    fn each_fault_is_counted_by_its_name() {
        let mut told = Told::default();
        let retried = Retried::of(reached(&[0x1b]), None).unwrap();
        (0..3).for_each(|_| told.note(&SessionEvent::Retried(retried.clone())));
        told.note(&SessionEvent::AttachedAgain);
        assert_eq!(told.faults, FaultCounts::from([(Fault::StateRetried, 3)]));
        assert_eq!(told.retried.list().len(), 3);
    }
}
