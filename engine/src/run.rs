//! The thin loop around the steps: the only place that looks at the clock and waits.

use crate::counters::Counters;
use crate::cycle::{EndReason, Engine, Slack};
use crate::measure::Measurements;
use std::time::Duration;
use zerocat_link::Link;
use zerocat_sched::{
    AllocationCount, Clock, Grid, Period, PollWait, ThreadUsage, Tick, Time, WaitPolicy, WatchingClock,
    alloc::is_counting, thread_allocations,
};

/// With nothing acyclic to do, the thread looks for requests this often; at faster grids once a cycle. So a bus of
/// 1 Hz comes up as fast as one of 1 kHz.
const IDLE_LOOK: Duration = Duration::from_millis(1);

/// How the loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Period of the grid.
    pub period: Period,
    /// How the thread waits for a tick.
    pub wait: WaitPolicy,
}

/// What the thread used between its first and its last cycle with an exchange installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealtimeUsage {
    /// Page faults, context switches, CPU time.
    pub thread: ThreadUsage,
    /// Allocations; `None` where the program doesn't use the counting allocator.
    pub allocations: Option<AllocationCount>,
}

impl RealtimeUsage {
    fn now(counting: bool) -> Self {
        Self { thread: ThreadUsage::now(), allocations: counting.then(thread_allocations) }
    }

    fn since(self, earlier: Self) -> Self {
        let allocations = self.allocations.zip(earlier.allocations).map(|(now, before)| now.since(&before));
        Self { thread: self.thread.since(&earlier.thread), allocations }
    }
}

/// What is left when the loop has ended.
#[derive(Debug)]
pub struct RunOutcome<L> {
    /// The link, still open.
    pub link: L,
    /// What was timed.
    pub measurements: Measurements,
    /// What was counted.
    pub counters: Counters,
    /// What the thread used; `None` when there were fewer than two cycles.
    pub usage: Option<RealtimeUsage>,
    /// Why it ended.
    pub reason: EndReason,
}

/// Drives an engine on the grid until it is told to stop, or its controls are dropped.
pub fn run<L: Link, C: Clock>(mut engine: Engine<L>, clock: &C, settings: Settings) -> RunOutcome<L> {
    let clock = &WatchingClock::new(clock);
    let grid = Grid::new(clock.now().after(settings.period.duration()), settings.period);
    let mut meter = Meter::new();
    let mut last = None;
    loop {
        let (tick, woke) = wait_for_tick(&mut engine, clock, &grid, settings.wait, last);
        last = Some(tick.number);
        let slept = clock.take_sleep();
        let now = clock.now();
        engine.note_suspended(clock.suspended(now));
        engine.send(now);
        engine.note_sent(clock.now());
        let returned = wait_for_frames(&mut engine, clock, settings.wait, tick);
        let exchanging = engine.is_exchanging();
        engine.note_clock(slept, clock.take_holes());
        let concluded = engine.conclude(tick, woke, returned);
        meter.cycle(exchanging, concluded.retired || concluded.end.is_some());
        if let Some(reason) = concluded.end {
            let (link, measurements, counters) = engine.finish();
            return RunOutcome { link, measurements, counters, usage: meter.usage, reason };
        }
        use_slack(&mut engine, clock, settings.wait, grid.tick(tick.number.saturating_add(1)));
    }
}

/// Waits for the next tick and prepares the cycle shortly before it. Returns the tick and when the thread woke.
fn wait_for_tick<L: Link, C: Clock>(
    engine: &mut Engine<L>,
    clock: &WatchingClock<C>,
    grid: &Grid,
    wait: WaitPolicy,
    last: Option<u64>,
) -> (Tick, Time) {
    let tick = grid.next(clock.now(), last);
    // Of the sleeps, only the one before the tick is timed.
    clock.take_sleep();
    wait.wait_to_prepare(clock, tick.at);
    engine.prepare(tick.number);
    let woke = wait.wait_until(clock, tick.at);
    let due = grid.next(woke, last);
    if due.number != tick.number {
        engine.prepare(due.number);
    }
    (due, woke)
}

/// Polls until all frames are back or the deadline passes. Returns when that was. A cycle that began late still gives
/// its frames a quarter of their time.
fn wait_for_frames<L: Link, C: Clock>(engine: &mut Engine<L>, clock: &C, wait: WaitPolicy, tick: Tick) -> Time {
    let deadline = engine.timing().deadline;
    let since = clock.now();
    let until = tick.at.after(deadline).max(since.after(deadline / 4));
    let mut pause = PollWait::new(wait);
    loop {
        let all_back = engine.poll();
        let now = clock.now();
        if all_back || now >= until {
            return now;
        }
        pause.pause(clock, since, until);
    }
}

/// Moves acyclic frames until the next tick is near or there are none. They get a turn also where the next tick is near
/// already. Without an exchange they move up to the tick, which has no frames of its own then.
fn use_slack<L: Link, C: Clock>(engine: &mut Engine<L>, clock: &C, wait: WaitPolicy, next: Time) {
    let guarded = engine.is_exchanging().then_some(next);
    let until = guarded.map_or(next, |next| next.before(engine.timing().guard / 2));
    let mut since = clock.now();
    let mut pause = PollWait::new(wait);
    let mut now = since;
    loop {
        match engine.slack(now, guarded.unwrap_or(Time(u64::MAX))) {
            Slack::Sent => since = now,
            Slack::Busy => {}
            Slack::Idle if until.since(now) <= IDLE_LOOK => return,
            Slack::Idle => {
                clock.sleep_until(now.after(IDLE_LOOK));
                since = clock.now();
            }
        }
        pause.pause(clock, since, until);
        now = clock.now();
        if now >= until {
            return;
        }
    }
}

/// Takes the thread's usage at the end of the first and of the last cycle with an exchange.
#[derive(Debug)]
struct Meter {
    counting: bool,
    first: Option<RealtimeUsage>,
    usage: Option<RealtimeUsage>,
}

impl Meter {
    /// Allocates to find out whether allocations are counted, which a reading must not.
    fn new() -> Self {
        Self { counting: is_counting(), first: None, usage: None }
    }

    fn cycle(&mut self, exchanging: bool, last: bool) {
        match self.first {
            None if exchanging => self.first = Some(RealtimeUsage::now(self.counting)),
            Some(first) if exchanging && last => self.usage = Some(RealtimeUsage::now(self.counting).since(first)),
            _ => {}
        }
    }
}
