//! The loop that times exchanges, flat out or on a grid, on the calling thread.
//!
//! Where a row spins under SCHED_FIFO it does so in stints with pauses in between ([`Stint`]). Flat out, the first
//! exchanges after a pause don't count, because caches are cold. On a grid, the ticks of a pause are neither done nor
//! counted.

use crate::plan::Plan;
use crate::report::{Bucket, Cost, RowReport, SCHEMA};
use crate::spread::Spread;
use crate::stint::Stint;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use std::future::Future;
use std::time::Duration;
use zerocat_sched::time::nanos;
use zerocat_sched::{Clock, Grid, MonotonicClock, Period, WaitPolicy};

/// At least one of this many exchanges has to come back before the row is measured.
const FIRST_SIGN: u32 = 20;
/// Exchanges after a pause that don't count: caches and predictors are cold.
const REWARM: u32 = 100;
/// This many losses in a row end a run: a peer whose task has ended doesn't answer again.
const HOPELESS: u32 = 50;
/// Time that the network gets to become silent after a loss.
const SILENCE: Duration = Duration::from_millis(2);
/// Pieces of the time line.
const BUCKETS: u32 = 40;

/// Not all frames of an exchange came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// What is timed, one exchange at a time. Where an exchange needs no future, it is ready at once.
pub trait RoundTrip {
    /// Work of an exchange that can be done before its tick.
    fn prepare(&mut self) {}

    /// Does the exchange. Returns the nanoseconds from before the post until all frames are back, or `None` where the
    /// row can't time that by itself.
    fn exchange(&mut self) -> impl Future<Output = Result<Option<u64>, Lost>>;

    /// What other threads would do between two exchanges; it is not timed.
    fn between(&mut self) {}

    /// Discards frames that came too late, once the network is silent.
    fn drain(&mut self) {}

    /// Datagrams so far whose working counter was wrong.
    fn working_counter_faults(&self) -> u64 {
        0
    }
}

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    cycle: Spread,
    round_trip: Spread,
    wake_up: Spread,
    lost: u64,
    skipped: u64,
    faults: u64,
    timeline: Vec<Bucket>,
    cost: Cost,
}

impl Tally {
    /// The report of a row that was set up like this.
    #[must_use]
    pub fn report(self, set_up: impl Into<String>, missing: Vec<String>) -> RowReport {
        RowReport {
            schema: SCHEMA.to_owned(),
            set_up: set_up.into(),
            mode: None,
            driver: None,
            cycle_ns: self.cycle,
            round_trip_ns: self.round_trip,
            wake_up_ns: self.wake_up,
            lost: self.lost,
            skipped: self.skipped,
            working_counter_faults: self.faults,
            timeline: self.timeline,
            cost: self.cost,
            missing,
        }
    }
}

/// Measures what the plan asks for. When nothing comes back, at the start or for 50 exchanges in a row, it gives up and
/// counts the rest as lost.
pub async fn measure<R: RoundTrip>(exchange: &mut R, plan: &Plan) -> Tally {
    let mut tally = Tally::default();
    if warm_up(exchange, FIRST_SIGN).await == 0 {
        tally.lost = plan.cycles.into();
        return tally;
    }
    warm_up(exchange, plan.warm_up).await;
    let mut course = Course::new(plan);
    let before = Reading::now();
    let faults = exchange.working_counter_faults();
    while course.done < plan.cycles && course.losses < HOPELESS {
        let stint = Stint::begin();
        match course.grid {
            Some(_) => paced(exchange, plan, stint, &mut course, &mut tally).await,
            None => flat_out(exchange, plan, stint, &mut course, &mut tally).await,
        }
        if course.pauses && course.done < plan.cycles {
            let _ = Stint::pause();
            course.resume();
            if course.grid.is_none() {
                course.uncounted += u64::from(REWARM);
                warm_up(exchange, REWARM).await;
            }
        }
    }
    tally.lost += u64::from(plan.cycles - course.done);
    tally.faults = exchange.working_counter_faults() - faults;
    tally.cost = before.until_now(u64::from(course.done) + course.uncounted);
    tally.timeline = course.timeline;
    tally
}

/// The progress of a run.
struct Course {
    done: u32,
    /// Losses in a row.
    losses: u32,
    uncounted: u64,
    grid: Option<Grid>,
    last: Option<u64>,
    per_bucket: u32,
    bucket: Spread,
    timeline: Vec<Bucket>,
    pauses: bool,
}

impl Course {
    fn new(plan: &Plan) -> Self {
        let period = plan.rate_hz.and_then(|rate| Period::from_rate(rate).ok());
        let origin = MonotonicClock.now().after(Duration::from_millis(1));
        let spins = period.is_none() || plan.wait == WaitPolicy::Spin;
        Self {
            done: 0,
            losses: 0,
            uncounted: 0,
            grid: period.map(|period| Grid::new(origin, period)),
            last: None,
            per_bucket: plan.cycles.div_ceil(BUCKETS).max(1),
            bucket: Spread::default(),
            timeline: Vec::with_capacity(BUCKETS as usize),
            pauses: spins && plan.priority.is_some(),
        }
    }

    /// Continues with the next tick, as if those before had been done.
    fn resume(&mut self) {
        if let Some(grid) = &self.grid {
            self.last = grid.index_at(MonotonicClock.now());
        }
    }

    fn finish_one(&mut self, cycle: Option<u64>) {
        self.done += 1;
        self.losses = if cycle.is_some() { 0 } else { self.losses + 1 };
        if let Some(cycle) = cycle {
            self.bucket.record(cycle);
        }
        if self.done.is_multiple_of(self.per_bucket) {
            let bucket = Bucket { p50_ns: self.bucket.quantile(0.5), max_ns: self.bucket.max() };
            self.timeline.push(bucket);
            self.bucket.clear();
        }
    }

    /// Whether the run is over, or it is time for a pause.
    fn is_over(&self, stint: Stint, plan: &Plan) -> bool {
        self.done >= plan.cycles || self.losses >= HOPELESS || self.pauses && stint.is_over(MonotonicClock.now())
    }
}

async fn flat_out<R: RoundTrip>(exchange: &mut R, plan: &Plan, stint: Stint, course: &mut Course, tally: &mut Tally) {
    while !course.is_over(stint, plan) {
        let start = MonotonicClock.now();
        exchange.prepare();
        let back = exchange.exchange().await;
        let took = nanos(MonotonicClock.now().since(start));
        settle(exchange, back, took, course, tally);
    }
}

async fn paced<R: RoundTrip>(exchange: &mut R, plan: &Plan, stint: Stint, course: &mut Course, tally: &mut Tally) {
    let Some(grid) = course.grid else { return };
    while !course.is_over(stint, plan) {
        let start = MonotonicClock.now();
        exchange.prepare();
        let prepared = nanos(MonotonicClock.now().since(start));
        let tick = grid.next(MonotonicClock.now(), course.last);
        let woke = plan.wait.wait_until(&MonotonicClock, tick.at);
        let due = grid.next(woke, course.last);
        tally.skipped += due.skipped;
        course.last = Some(due.number);
        tally.wake_up.record(nanos(woke.since(due.at)));
        let sent = MonotonicClock.now();
        let back = exchange.exchange().await;
        let took = prepared + nanos(MonotonicClock.now().since(sent));
        let lost = back.is_err();
        settle(exchange, back, took, course, tally);
        if lost {
            course.resume();
        }
    }
}

fn settle<R: RoundTrip>(
    exchange: &mut R,
    back: Result<Option<u64>, Lost>,
    took: u64,
    course: &mut Course,
    tally: &mut Tally,
) {
    match back {
        Ok(round_trip) => {
            tally.cycle.record(took);
            tally.round_trip.record(round_trip.unwrap_or(took));
            course.finish_one(Some(took));
        }
        Err(Lost) => {
            tally.lost += 1;
            fall_silent(exchange);
            course.finish_one(None);
        }
    }
    exchange.between();
}

/// Exchanges that are not recorded. Returns how many came back.
async fn warm_up<R: RoundTrip>(exchange: &mut R, times: u32) -> u32 {
    let mut back = 0;
    for _ in 0..times {
        exchange.prepare();
        if exchange.exchange().await.is_ok() {
            back += 1;
        } else {
            fall_silent(exchange);
        }
        exchange.between();
    }
    back
}

fn fall_silent<R: RoundTrip>(exchange: &mut R) {
    std::thread::sleep(SILENCE);
    exchange.drain();
}

/// What the kernel has counted so far.
struct Reading {
    process: Duration,
    thread: Duration,
    switches: u64,
    faults: u64,
}

impl Reading {
    fn now() -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let count = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        let switches = usage.map(|usage| usage.voluntary_context_switches() + usage.involuntary_context_switches());
        let faults = usage.map(|usage| usage.minor_page_faults() + usage.major_page_faults());
        Self {
            process: cpu_time(ClockId::CLOCK_PROCESS_CPUTIME_ID),
            thread: cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID),
            switches: count(switches),
            faults: count(faults),
        }
    }

    fn until_now(&self, exchanges: u64) -> Cost {
        let now = Self::now();
        Cost {
            exchanges,
            cpu_ns: nanos(now.process.saturating_sub(self.process)),
            thread_cpu_ns: nanos(now.thread.saturating_sub(self.thread)),
            switches: now.switches.saturating_sub(self.switches),
            faults: now.faults.saturating_sub(self.faults),
            locked_kib: zerocat_sched::memory::locked_kib().unwrap_or(0),
        }
    }
}

fn cpu_time(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Segment;
    use futures_lite::future::block_on;

    /// Loses every `nth` exchange and has a wrong working counter in each.
    #[derive(Debug, Default)]
    struct Flaky {
        nth: u64,
        exchanges: u64,
        drained: u64,
    }

    impl RoundTrip for Flaky {
        async fn exchange(&mut self) -> Result<Option<u64>, Lost> {
            self.exchanges += 1;
            if self.nth != 0 && self.exchanges.is_multiple_of(self.nth) { Err(Lost) } else { Ok(Some(1_000)) }
        }

        fn drain(&mut self) {
            self.drained += 1;
        }

        fn working_counter_faults(&self) -> u64 {
            self.exchanges
        }
    }

    fn plan(cycles: u32, rate_hz: Option<f64>) -> Plan {
        Plan {
            interface: String::new(),
            segment: Segment::Null,
            size: 60,
            frames: 1,
            cycles,
            warm_up: 0,
            rate_hz,
            wait: WaitPolicy::Sleep,
            cpu: None,
            priority: None,
            deadline_us: 2_000,
            expected_working_counter: 3,
        }
    }

    #[test]
    fn what_was_lost_is_counted_drained_and_not_timed() {
        let mut flaky = Flaky { nth: 3, ..Flaky::default() };
        let report = block_on(measure(&mut flaky, &plan(9, None))).report("flaky", Vec::new());
        assert_eq!((report.cycle_ns.count(), report.lost), (6, 3));
        assert_eq!(report.round_trip_ns.quantile(0.5), 1_000);
        assert!(flaky.drained >= 3);
    }

    #[test]
    fn silence_is_given_up_on() {
        let mut dead = Flaky { nth: 1, ..Flaky::default() };
        let report = block_on(measure(&mut dead, &plan(1_000_000, None))).report("dead", Vec::new());
        assert_eq!((report.cycle_ns.count(), report.lost, dead.exchanges), (0, 1_000_000, 20));
    }

    #[test]
    fn a_peer_that_dies_on_the_way_is_given_up_on() {
        struct Mortal(u32);
        impl RoundTrip for Mortal {
            async fn exchange(&mut self) -> Result<Option<u64>, Lost> {
                self.0 += 1;
                if self.0 > 120 { Err(Lost) } else { Ok(None) }
            }
        }
        let report = block_on(measure(&mut Mortal(0), &plan(1_000_000, None))).report("mortal", Vec::new());
        assert_eq!((report.cycle_ns.count(), report.lost), (100, 999_900));
    }

    #[test]
    fn on_a_grid_every_tick_is_done_or_counted() {
        let mut steady = Flaky::default();
        let report = block_on(measure(&mut steady, &plan(30, Some(2_000.0)))).report("steady", Vec::new());
        assert_eq!((report.cycle_ns.count(), report.wake_up_ns.count(), report.lost), (30, 30, 0));
        assert_eq!(report.working_counter_faults, 30);
    }

    #[test]
    fn the_time_line_covers_the_run_and_the_cost_is_that_of_its_exchanges() {
        let report = block_on(measure(&mut Flaky::default(), &plan(400, None))).report("", Vec::new());
        assert_eq!(report.timeline.len(), 40);
        assert_eq!(report.cost.exchanges, 400);
        assert!(report.cost.cpu_ns > 0 && report.cost.cpu_ns >= report.cost.thread_cpu_ns / 2);
    }
}
