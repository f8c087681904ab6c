//! An engine on its grid, driven by whoever has a clock: the realtime thread's loop ([`run`](crate::run())), a test under
//! virtual time, a program's own loop.
//!
//! Guarantees: no clock, no thread and no wait in here, and no allocation in a step. A missed tick is skipped and counted, never
//! caught up; a cycle that began late still gives its frames a quarter of their time.
//!
//! Where the exchange has a reference clock to which the grid is steered, the grid is moved at the end of a cycle, by far less than
//! a period; the numbers of ticks stay.
//!
//! [`Stepper::step`] does what is due at a time, [`Stepper::next`] says when that is. The realtime thread, which has waits
//! of its own between them, calls the steps below one by one.

use crate::counters::Counters;
use crate::cycle::{Concluded, Engine, Slack};
use crate::measure::Measurements;
use zerocat_link::Link;
use zerocat_sched::{Grid, Tick, Time};

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A cycle began: its frames were sent.
    Sent,
    /// Frames of the cycle are still out.
    Out,
    /// The cycle has ended.
    Concluded(Concluded),
    /// It is not time for the next cycle: acyclic frames had their turn.
    Slack(Slack),
}

/// A cycle whose frames are out.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    tick: Tick,
    woke: Time,
    /// When frames that are missing are given up.
    until: Time,
}

/// An engine and its grid.
#[derive(Debug)]
pub struct Stepper<L> {
    engine: Engine<L>,
    grid: Grid,
    last: Option<u64>,
    prepared: Option<u64>,
    out: Option<Cycle>,
}

impl<L: Link> Stepper<L> {
    /// Before its first cycle.
    #[must_use]
    pub const fn new(engine: Engine<L>, grid: Grid) -> Self {
        Self { engine, grid, last: None, prepared: None, out: None }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine<L> {
        &self.engine
    }

    /// The engine, to note what a clock saw, or to change it in a test.
    pub const fn engine_mut(&mut self) -> &mut Engine<L> {
        &mut self.engine
    }

    /// Does what is due.
    pub fn step(&mut self, now: Time) -> Step {
        if let Some(deadline) = self.deadline() {
            if !self.poll() && now < deadline {
                return Step::Out;
            }
            return Step::Concluded(self.conclude(now));
        }
        let tick = self.tick(now);
        if now < tick.at {
            return Step::Slack(self.slack(now));
        }
        self.send(now, now);
        Step::Sent
    }

    /// When the next step is due for certain: at once while frames are out, else at the next tick. Acyclic frames move
    /// only in a step: while there are any ([`Slack::Busy`]), step sooner.
    #[must_use]
    pub fn next(&self, now: Time) -> Time {
        if self.out.is_some() { now } else { self.tick(now).at.max(now) }
    }

    /// The next tick.
    #[must_use]
    pub fn tick(&self, now: Time) -> Tick {
        self.grid.next(now, self.last)
    }

    /// When the frames that are out are given up; `None` while no cycle goes on.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.out.map(|cycle| cycle.until)
    }

    /// Prepares a cycle shortly before its tick.
    pub fn prepare(&mut self, tick: Tick) {
        self.engine.prepare(tick.number);
        self.prepared = Some(tick.number);
    }

    /// Begins the cycle that is due when the caller woke for it, and sends its frames. One that wasn't prepared is prepared first.
    pub fn send(&mut self, woke: Time, now: Time) {
        let tick = self.tick(woke);
        if self.prepared != Some(tick.number) {
            self.prepare(tick);
        }
        self.engine.send(now);
        let deadline = self.engine.timing().deadline;
        self.out = Some(Cycle { tick, woke, until: tick.at.after(deadline).max(now.after(deadline / 4)) });
    }

    /// Takes what has arrived. Whether all frames of the cycle are back.
    pub fn poll(&mut self) -> bool {
        self.engine.poll()
    }

    /// Ends the cycle whose frames are back or given up. Without one nothing happens.
    pub fn conclude(&mut self, now: Time) -> Concluded {
        let Some(Cycle { tick, woke, .. }) = self.out.take() else { return Concluded::default() };
        self.last = Some(tick.number);
        let concluded = self.engine.conclude(tick, woke, now);
        self.grid.shift(concluded.shift);
        concluded
    }

    /// Moves acyclic frames between two cycles. Without an exchange they move up to the tick, which has no frames of its
    /// own then.
    pub fn slack(&mut self, now: Time) -> Slack {
        let next = if self.engine.is_exchanging() { self.following() } else { Time(u64::MAX) };
        self.engine.slack(now, next)
    }

    /// The tick after that of the last cycle.
    #[must_use]
    pub fn following(&self) -> Time {
        self.grid.tick(self.last.map_or(0, |last| last.saturating_add(1)))
    }

    /// The engine without its grid.
    #[must_use]
    pub fn into_engine(self) -> Engine<L> {
        self.engine
    }

    /// Ends the engine; see [`Engine::finish`].
    pub fn finish(self) -> (L, Measurements, Counters) {
        self.engine.finish()
    }
}
