//! Which lines wrong working counters make: one where they become wrong, and another where they are wrong in another way. What
//! stays as it was is not said again: who is out of OP, which is why, is named by supervision.

use super::lines::Line;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use zerocat_engine::CycleFault;
use zerocat_faults::Fault;

/// Time without a wrong counter after which it is right again.
const RIGHT_AGAIN: Duration = Duration::from_secs(1);

/// What that means.
const STALE: &str =
    "inputs of who took no part are stale; those of the others as well as long as it isn't known who that is";

/// A counter that is wrong: frame, datagram, what came.
type Wrong = (u16, u16, u16);

/// What is wrong, and what was said of it.
#[derive(Debug, Default)]
pub(super) struct WrongCounters {
    /// What was said, and when it was seen last.
    known: BTreeMap<Wrong, Instant>,
    /// Of that, what was seen since the last look.
    seen: BTreeSet<Wrong>,
    /// What wasn't said yet, with its first cycle and what was expected.
    new: BTreeMap<Wrong, (u64, u16)>,
}

impl WrongCounters {
    /// Takes a fault in. Returns whether it is one of a working counter.
    pub(super) fn note(&mut self, cycle: u64, fault: CycleFault) -> bool {
        let CycleFault::WorkingCounter { frame, datagram, expected, got } = fault else { return false };
        let wrong = (frame, datagram, got);
        if self.known.contains_key(&wrong) {
            self.seen.insert(wrong);
        } else {
            self.new.entry(wrong).or_insert((cycle, expected));
        }
        true
    }

    /// What is to be said of what is right again; to be called now and then.
    pub(super) fn look(&mut self, now: Instant) -> Option<Line> {
        for wrong in std::mem::take(&mut self.seen) {
            self.known.insert(wrong, now);
        }
        let before = self.known.len();
        self.known.retain(|_, last| now.saturating_duration_since(*last) < RIGHT_AGAIN);
        let right = before > 0 && self.known.is_empty() && self.new.is_empty();
        right.then(|| Line::News("all working counters are right again for those that take part".to_owned()))
    }

    /// What is to be said of what is wrong and wasn't before.
    pub(super) fn take(&mut self, now: Instant) -> Option<Line> {
        let new = std::mem::take(&mut self.new);
        let (&(frame, datagram, got), &(cycle, expected)) = new.iter().min_by_key(|(_, (cycle, _))| *cycle)?;
        let places: BTreeSet<_> = new.keys().map(|(frame, datagram, _)| (*frame, *datagram)).collect();
        self.known.extend(new.keys().map(|wrong| (*wrong, now)));
        let others = match places.len() - 1 {
            0 => String::new(),
            1 => ", and that of another datagram is wrong".to_owned(),
            others => format!(", and those of {others} other datagrams are wrong"),
        };
        let first = CycleFault::WorkingCounter { frame, datagram, expected, got };
        let text = format!("cycle {cycle}: {first}{others}; {STALE}");
        Some(Line::Trouble(Fault::WorkingCounterWrong, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wrong(datagram: u16, got: u16) -> CycleFault {
        CycleFault::WorkingCounter { frame: 0, datagram, expected: 9, got }
    }

    fn text(line: Option<Line>) -> String {
        let Some(Line::Trouble(Fault::WorkingCounterWrong, text)) = line else { panic!("{line:?}") };
        text
    }

    #[test]
    fn what_stays_wrong_is_said_once_and_what_changes_again() {
        let (began, mut counters) = (Instant::now(), WrongCounters::default());
        for cycle in 0..5000 {
            let now = began + Duration::from_millis(cycle);
            assert!(counters.note(cycle, wrong(1, 7)) && counters.note(cycle, wrong(2, 6)));
            assert_eq!(counters.look(now), None);
            let said = counters.take(now);
            match cycle {
                0 => assert_eq!(
                    text(said),
                    "cycle 0: working counter 7 of 9 in frame 0, datagram 1, and that of another datagram is wrong; inputs of \
                     who took no part are stale; those of the others as well as long as it isn't known who that is"
                ),
                _ => assert_eq!(said, None, "{cycle}"),
            }
        }
        counters.note(5000, wrong(1, 5));
        let now = began + Duration::from_secs(5);
        assert!(text(counters.take(now)).starts_with("cycle 5000: working counter 5 of 9 in frame 0, datagram 1; "));
    }

    #[test]
    fn what_was_right_in_between_is_said_again() {
        let (began, mut counters) = (Instant::now(), WrongCounters::default());
        counters.note(1, wrong(1, 7));
        text(counters.take(began));
        assert_eq!(counters.look(began), None);
        assert!(matches!(counters.look(began + RIGHT_AGAIN), Some(Line::News(_))));
        counters.note(9, wrong(1, 7));
        assert!(text(counters.take(began + RIGHT_AGAIN)).starts_with("cycle 9: "));
    }
}
