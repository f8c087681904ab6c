//! Bases of time, and when a cycle was by the one that it falls into.
//!
//! The keeper's thread changes what is here a few times a second; whoever stamps samples has a copy of it and looks, without
//! waiting, whether it was changed.

use super::cycle_clock::{CycleClock, Noted};
use super::relation::Line;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bases that are known. Samples wait in rings for some seconds, so the last few are enough.
const KNOWN: usize = 16;
/// How far from when they were posted a cycle's frames may have passed the reference clock, in nanoseconds. What is further is not a time of
/// this base.
const NEAR: u64 = 100_000_000;

/// A stretch of time in which no clock was stepped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeBase {
    /// Its number: 1 for the first of a run.
    pub number: u32,
    /// When it began, in nanoseconds of `CLOCK_MONOTONIC`.
    pub begins: u64,
    /// From `CLOCK_MONOTONIC` to UTC.
    pub utc: Line,
    /// From the reference clock to `CLOCK_MONOTONIC`, where there is a reference clock.
    pub reference: Option<Line>,
    /// From when a cycle's frames are posted to their passage through the reference clock, in nanoseconds.
    pub behind_post: u64,
}

/// When a cycle was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since 1970-01-01 UTC: when its first frame passed the reference clock; without one, its tick.
    pub utc: u64,
    /// Time of the reference clock then, in nanoseconds; `None` without one, or where its frame is missing.
    pub dc_time: Option<u64>,
    /// Number of the base that both times are of.
    pub base: u32,
}

impl TimeBase {
    /// When a cycle was, from its tick, from when its frames were posted, and from the time of the reference clock.
    fn moment(&self, tick: u64, posted: u64, clock: Option<u64>) -> Moment {
        let passage = |clock: u64| Some(self.reference?.shown_at(clock));
        let near = |passage: &u64| passage.abs_diff(posted) <= NEAR;
        let passage = clock.and_then(passage).filter(near);
        let dc_time = clock.filter(|_| passage.is_some());
        let guess = if self.reference.is_some() { posted.saturating_add(self.behind_post) } else { tick };
        let at = passage.unwrap_or(guess);
        Moment { utc: self.utc.shown_at(at), dc_time, base: self.number }
    }
}

/// What is known of true time. Clones see the same.
#[derive(Debug)]
pub struct TrueTime {
    shared: Arc<Shared>,
    /// From `CLOCK_MONOTONIC` to the wall clock, as it was at first.
    first: Line,
    /// As they were seen last, oldest first.
    bases: VecDeque<TimeBase>,
    seen: u64,
}

#[derive(Debug)]
struct Shared {
    bases: Mutex<VecDeque<TimeBase>>,
    version: AtomicU64,
    noted: Noted,
    /// In nanoseconds.
    way_back: AtomicU64,
}

impl Clone for TrueTime {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), first: self.first, bases: self.bases.clone(), seen: self.seen }
    }
}

impl TrueTime {
    /// Of a wall clock that runs as `CLOCK_MONOTONIC` does and is never stepped, from both in nanoseconds at one moment.
    #[must_use]
    pub fn fixed(wall: u64, monotonic: u64) -> Self {
        let utc = Line::even(monotonic, wall);
        Self::new(TimeBase { number: 1, begins: 0, utc, reference: None, behind_post: 0 })
    }

    /// Of a first base.
    pub(super) fn new(first: TimeBase) -> Self {
        let bases = VecDeque::from([first]);
        let shared = Shared {
            bases: Mutex::new(bases.clone()),
            version: AtomicU64::new(1),
            noted: Noted::new(),
            way_back: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), first: first.utc, bases, seen: 1 }
    }

    /// The wall clock at a tick, as if it had run on since the start of the run with `CLOCK_MONOTONIC`: it neither jumps nor drifts
    /// against the grid.
    #[must_use]
    pub fn since_start(&self, tick: u64) -> u64 {
        self.first.shown_at(tick)
    }

    /// When a cycle was, from its tick and from when its frames were posted, both on `CLOCK_MONOTONIC`, and the time that the reference
    /// clock gave in it. Never waits.
    pub fn moment(&mut self, tick: u64, posted: u64, clock: Option<u64>) -> Moment {
        self.look();
        let base = self.bases.iter().rev().find(|base| base.begins <= tick).or(self.bases.front());
        // There is always one.
        base.map_or(Moment { utc: 0, dc_time: None, base: 0 }, |base| base.moment(tick, posted, clock))
    }

    /// Says how much longer a cycle's frames are on their way from the reference clock back to the MainDevice than they were on the
    /// way out: they pass all SubDevices behind it, and end later than they begin. Nothing if it is never said. Without it
    /// stamps are wrong by half of that.
    pub fn set_way_back(&self, longer: Duration) {
        let nanos = u64::try_from(longer.as_nanos()).unwrap_or(u64::MAX);
        // SYNC: a single value, and nothing behind it. Pairs with the relaxed load in way_back.
        self.shared.way_back.store(nanos, Ordering::Relaxed);
    }

    /// What [`Self::set_way_back`] said, in nanoseconds.
    pub(super) fn way_back(&self) -> u64 {
        // SYNC: see set_way_back.
        self.shared.way_back.load(Ordering::Relaxed)
    }

    /// Notes what a cycle said of the reference clock, for the keeper. Never waits.
    pub(crate) fn note(&self, of: CycleClock) {
        if of.clock.is_some() {
            self.shared.noted.note(of);
        }
    }

    /// What was noted since, behind what is there already.
    pub(super) fn noted(&self, into: &mut Vec<CycleClock>) {
        self.shared.noted.take(into);
    }

    /// Takes what the keeper has learned since, unless it is just writing.
    fn look(&mut self) {
        // SYNC: only says whether to look; the mutex orders what is read. Pairs with the relaxed add in change.
        let version = self.shared.version.load(Ordering::Relaxed);
        if version == self.seen {
            return;
        }
        if let Ok(bases) = self.shared.bases.try_lock() {
            self.bases.clone_from(&bases);
            self.seen = version;
        }
    }

    /// Changes the present base, or begins another one.
    pub(super) fn change(&self, base: TimeBase) {
        let mut bases = self.shared.bases.lock().unwrap_or_else(PoisonError::into_inner);
        match bases.back_mut() {
            Some(last) if last.number == base.number => *last = base,
            _ => bases.push_back(base),
        }
        if bases.len() > KNOWN {
            bases.pop_front();
        }
        // SYNC: see look.
        self.shared.version.fetch_add(1, Ordering::Relaxed);
    }
}
