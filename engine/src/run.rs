//! The thin loop around the steps: the only place that looks at the clock and waits.

use crate::counters::Counters;
use crate::cycle::{EndReason, Engine, Slack};
use crate::measure::Measurements;
use crate::stepper::Stepper;
use std::time::Duration;
use zerocat_link::Link;
use zerocat_sched::{
    AllocationCount, Clock, Grid, Period, PollWait, ThreadUsage, Time, WaitPolicy, WatchingClock, alloc::is_counting,
    thread_allocations,
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
pub fn run<L: Link, C: Clock>(engine: Engine<L>, clock: &C, settings: Settings) -> RunOutcome<L> {
    let clock = &WatchingClock::new(clock);
    let grid = Grid::new(clock.now().after(settings.period.duration()), settings.period);
    let mut stepper = Stepper::new(engine, grid);
    let mut meter = Meter::new();
    loop {
        let woke = wait_for_tick(&mut stepper, clock, settings.wait);
        let slept = clock.take_sleep();
        let now = clock.now();
        stepper.engine_mut().note_suspended(clock.suspended(now));
        stepper.send(woke, now);
        stepper.engine_mut().note_sent(clock.now());
        let returned = wait_for_frames(&mut stepper, clock, settings.wait);
        let exchanging = stepper.engine().is_exchanging();
        stepper.engine_mut().note_clock(slept, clock.take_holes());
        let concluded = stepper.conclude(returned);
        meter.cycle(exchanging, concluded.retired || concluded.end.is_some());
        if let Some(reason) = concluded.end {
            let (link, measurements, counters) = stepper.finish();
            return RunOutcome { link, measurements, counters, usage: meter.usage, reason };
        }
        use_slack(&mut stepper, clock, settings.wait);
    }
}

/// Waits for the next tick and prepares the cycle shortly before it. Returns when the thread woke.
fn wait_for_tick<L: Link, C: Clock>(stepper: &mut Stepper<L>, clock: &WatchingClock<C>, wait: WaitPolicy) -> Time {
    let tick = stepper.tick(clock.now());
    // Of the sleeps, only the one before the tick is timed.
    clock.take_sleep();
    wait.wait_to_prepare(clock, tick.at);
    stepper.prepare(tick);
    wait.wait_until(clock, tick.at)
}

/// Polls until all frames are back or are given up. Returns when that was.
fn wait_for_frames<L: Link, C: Clock>(stepper: &mut Stepper<L>, clock: &C, wait: WaitPolicy) -> Time {
    let since = clock.now();
    let until = stepper.deadline().unwrap_or(since);
    let mut pause = PollWait::new(wait);
    loop {
        let all_back = stepper.poll();
        let now = clock.now();
        if all_back || now >= until {
            return now;
        }
        pause.pause(clock, since, until);
    }
}

/// Moves acyclic frames until the next tick is near or there are none. They get a turn also where the next tick is near
/// already. Without an exchange they move up to the tick, which has no frames of its own then.
fn use_slack<L: Link, C: Clock>(stepper: &mut Stepper<L>, clock: &C, wait: WaitPolicy) {
    let next = stepper.following();
    let guard = stepper.engine().timing().guard;
    let until = if stepper.engine().is_exchanging() { next.before(guard / 2) } else { next };
    let mut since = clock.now();
    let mut pause = PollWait::new(wait);
    let mut now = since;
    loop {
        match stepper.slack(now) {
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
