//! The loop that times a subject, on a thread of its own, with pauses ([`Stint`]).

use super::subject::Subject;
use crate::measuring::{MeasuringError, on_a_thread};
use std::time::Duration;
use zerocat_engine::Distribution;
use zerocat_measure::Stint;
use zerocat_sched::{Clock, MonotonicClock, RealtimeRequest, prepare_thread};

/// At least one of this many exchanges has to come back before the row is measured.
const FIRST_SIGN: u32 = 20;
/// Exchanges before a row is measured.
const WARM_UP: u32 = 2_000;
/// Exchanges after a pause that don't count: caches and predictors are cold.
const REWARM: u32 = 100;
/// Time that the network gets to become silent after a loss.
const SILENCE: Duration = Duration::from_millis(2);

/// What was measured of one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) round_trip: Distribution,
    pub(super) cycle: Distribution,
    pub(super) lost: u64,
    pub(super) working_counter_faults: u64,
    /// What the thread asked for and didn't get, a sentence each.
    pub(super) missing: Vec<String>,
}

impl Tally {
    /// Complete exchanges.
    pub(super) fn cycles(&self) -> u64 {
        self.cycle.summary().map_or(0, |summary| summary.n)
    }

    /// Adds what another round measured.
    pub(super) fn add(&mut self, other: &Self) {
        self.round_trip.add(&other.round_trip);
        self.cycle.add(&other.cycle);
        self.lost += other.lost;
        self.working_counter_faults += other.working_counter_faults;
        let new = other.missing.iter().filter(|sentence| !self.missing.contains(sentence)).cloned().collect::<Vec<_>>();
        self.missing.extend(new);
    }
}

/// How the measuring thread is set up.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    request: RealtimeRequest,
}

impl Pace {
    pub(super) const fn new(request: RealtimeRequest) -> Self {
        Self { request }
    }

    /// Times `cycles` exchanges of a subject. Gives up when nothing comes back at all.
    pub(super) fn measure<S: Subject + Send>(&self, subject: &mut S, cycles: u32) -> Result<Tally, MeasuringError> {
        let mut tally = Tally::default();
        let on_thread = || {
            tally.missing = prepare_thread(&self.request).missing();
            if warm_up(subject, FIRST_SIGN) == 0 {
                tally.lost = FIRST_SIGN.into();
                return;
            }
            warm_up(subject, WARM_UP);
            let mut left = cycles;
            while left > 0 {
                left -= stint(subject, left, &mut tally);
                let _ = Stint::pause();
                warm_up(subject, REWARM);
            }
        };
        on_a_thread(on_thread)?;
        Ok(tally)
    }
}

/// Measures until the stint is over or `most` exchanges are done. Returns how many were done, including lost ones.
fn stint<S: Subject>(subject: &mut S, most: u32, tally: &mut Tally) -> u32 {
    let faults = subject.working_counter_faults();
    let stint = Stint::begin();
    let mut done = 0;
    while done < most {
        let start = MonotonicClock.now();
        subject.prepare();
        let exchanged = subject.exchange();
        let end = MonotonicClock.now();
        match exchanged {
            Ok(round_trip) => {
                tally.round_trip.record(Duration::from_nanos(round_trip));
                tally.cycle.record(end.since(start));
            }
            Err(_) => {
                tally.lost += 1;
                fall_silent(subject);
            }
        }
        subject.between();
        done += 1;
        if stint.is_over(end) {
            break;
        }
    }
    tally.working_counter_faults += subject.working_counter_faults() - faults;
    done
}

/// Exchanges that are not recorded. Returns how many came back.
fn warm_up<S: Subject>(subject: &mut S, times: u32) -> u32 {
    let mut back = 0;
    for _ in 0..times {
        subject.prepare();
        if subject.exchange().is_ok() {
            back += 1;
        } else {
            fall_silent(subject);
        }
        subject.between();
    }
    back
}

fn fall_silent<S: Subject>(subject: &mut S) {
    std::thread::sleep(SILENCE);
    subject.drain();
}

#[cfg(test)]
mod tests {
    use super::super::subject::Lost;
    use super::*;

    /// Loses every third exchange.
    #[derive(Debug, Default)]
    struct Flaky {
        exchanges: u32,
        drained: u32,
    }

    impl Subject for Flaky {
        fn exchange(&mut self) -> Result<u64, Lost> {
            self.exchanges += 1;
            if self.exchanges.is_multiple_of(3) { Err(Lost) } else { Ok(1_000) }
        }

        fn drain(&mut self) {
            self.drained += 1;
        }
    }

    #[test]
    fn what_was_lost_is_counted_drained_and_not_timed() {
        let (mut flaky, mut tally) = (Flaky::default(), Tally::default());
        let mut done = 0;
        while done < 9 {
            done += stint(&mut flaky, 9 - done, &mut tally);
        }
        assert_eq!((done, tally.lost, flaky.drained), (9, 3, 3));
        assert_eq!((tally.cycles(), tally.round_trip.summary().unwrap().p50), (6, 1_000));
    }

    #[test]
    fn rounds_add_up() {
        let mut all = Tally::default();
        for round in 1..=3 {
            let mut tally = Tally { lost: 1, missing: vec!["CPU 9: gone".to_owned()], ..Tally::default() };
            tally.cycle.record(Duration::from_nanos(round * 100));
            all.add(&tally);
        }
        assert_eq!((all.cycles(), all.lost, all.missing.len()), (3, 3, 1));
        assert_eq!(all.cycle.summary().unwrap().p50, 200);
    }
}
