//! What the report of a run says of its events: how often each fault was told, and who refused an AL state before it got there.

use crate::events::SessionEvent;
use std::collections::BTreeMap;
use std::fmt;
use zerocat_bus::{AlReached, Label};
use zerocat_faults::Fault;
use zerocat_wire::AlState;
use zerocat_wire::al::AlStatusCode;

/// Refusals that a report lists one by one.
const LISTED: usize = 100;

/// How often each fault occurred.
pub(crate) type FaultCounts = BTreeMap<Fault, u64>;

/// A SubDevice that refused an AL state, with errors that were acknowledged, before it got there.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        write!(f, "{who}")?;
        if let Some(key) = key.as_ref().filter(|key| **key != who.name) {
            write!(f, " `{key}`")?;
        }
        let often = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
        let codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
        write!(f, " refused {state} {often} before it got there: {}", codes.join("; "))
    }
}

/// What was told so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) faults: FaultCounts,
    /// The first of them.
    pub(crate) retried: Vec<Retried>,
}

impl Told {
    /// Takes an event in.
    pub(crate) fn note(&mut self, event: &SessionEvent) {
        if let Some(fault) = event.fault() {
            *self.faults.entry(fault).or_default() += 1;
        }
        if let SessionEvent::Retried(retried) = event
            && self.retried.len() < LISTED
        {
            self.retried.push(retried.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
    fn each_fault_is_counted_by_its_name() {
        let mut told = Told::default();
        let retried = Retried::of(reached(&[0x1b]), None).unwrap();
        (0..3).for_each(|_| told.note(&SessionEvent::Retried(retried.clone())));
        told.note(&SessionEvent::AttachedAgain);
        assert_eq!(told.faults, FaultCounts::from([(Fault::StateRetried, 3)]));
        assert_eq!(told.retried.len(), 3);
    }
}
