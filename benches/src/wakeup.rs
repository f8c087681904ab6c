//! `zerocat bench wakeup`: how late this machine wakes a realtime thread, without any network.
//!
//! For each wait policy a pinned realtime thread waits for the ticks of a grid and does nothing else. The result is the
//! limit of the machine. Compare with it the figures of a run (`wakeup_jitter_ns`, `sleep_latency_ns` and `rt.holes` of
//! its report), which are counted by the same code.

use crate::host::{BenchHost, last_cpu};
use crate::measuring::{MeasuringError, on_a_thread};
use crate::tables::{plain, right_from};
use serde::Serialize;
use std::time::Duration;
use zerocat::report::{Figures, Holes};
use zerocat_engine::Distribution;
use zerocat_host::spin_warning;
use zerocat_sched::margin::learn;
use zerocat_sched::time::nanos;
use zerocat_sched::{
    Clock, Grid, MonotonicClock, Period, PeriodError, RealtimeRequest, ThreadUsage, WaitPolicy, WatchingClock,
    prepare_process, prepare_thread,
};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-wakeup/1";

/// Ticks before anything counts.
const WARM_UP: u64 = 100;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WakeupSettings {
    /// Wait policies.
    pub waits: Vec<WaitPolicy>,
    /// Ticks per second, in Hz.
    pub rate_hz: f64,
    /// Time for each policy in seconds.
    pub seconds: f64,
    /// CPU to measure on; the last one if not given.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority; with `null` it stays an ordinary thread.
    pub priority: Option<u8>,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum WakeupError {
    /// The rate makes no grid.
    #[error(transparent)]
    Rate(#[from] PeriodError),
    /// The time is zero, negative or not a number.
    #[error("{0} seconds of measuring")]
    Seconds(f64),
    /// The measuring thread couldn't be started, or ended early.
    #[error(transparent)]
    Thread(#[from] MeasuringError),
}

/// What was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub struct WakeupReport {
    /// Always `zerocat-bench-wakeup/1`.
    pub schema: &'static str,
    /// The machine.
    pub host: BenchHost,
    /// What was asked for; `cpu` as it was chosen.
    pub settings: WakeupSettings,
    /// One for each wait policy.
    pub rows: Vec<WakeupRow>,
    /// What the measuring thread asked for and didn't get, a sentence each.
    pub missing: Vec<String>,
}

/// How late one policy woke.
#[derive(Debug, Clone, Serialize)]
pub struct WakeupRow {
    /// The policy.
    pub wait: &'static str,
    /// The spin margin of `hybrid`, as it was learned, in ns.
    pub margin_ns: Option<u64>,
    /// From the tick to the wake-up, in ns.
    pub wakeup_ns: Option<Figures>,
    /// From the timer's deadline to the end of the sleep, in ns; `null` where it never slept.
    pub sleep_latency_ns: Option<Figures>,
    /// Ticks that were waited for.
    pub ticks: u64,
    /// Ticks that were missed.
    pub skipped: u64,
    /// Wake-ups later than a quarter of the period.
    pub late: u64,
    /// Times of more than 100 us in which the thread wanted to run and didn't.
    pub holes: Holes,
    /// Times that its CPU was taken from it.
    pub switches_involuntary: u64,
    /// Its share of the CPU, 0 to 1.
    pub cpu_share: f64,
}

/// Runs the bench. `progress` is called with a line of text for each policy.
///
/// # Errors
/// A rate that makes no grid, or no valid time.
pub fn run(settings: &WakeupSettings, mut progress: impl FnMut(&str)) -> Result<WakeupReport, WakeupError> {
    let mut settings = settings.clone();
    settings.cpu = settings.cpu.or_else(last_cpu);
    let period = Period::from_rate(settings.rate_hz)?;
    let length = Duration::try_from_secs_f64(settings.seconds).ok().filter(|length| !length.is_zero());
    let length = length.ok_or(WakeupError::Seconds(settings.seconds))?;
    let request = RealtimeRequest { cpu: settings.cpu, priority: settings.priority, ..RealtimeRequest::default() };
    let setup = prepare_process(&request);
    let (mut rows, mut missing) = (Vec::new(), setup.status.missing());
    for wait in settings.waits.clone() {
        progress(&format!("{wait}: {} s at {} Hz", settings.seconds, settings.rate_hz));
        let (row, lacks) = on_a_thread(|| measure(wait, period, length, &request))?;
        rows.push(row);
        missing.extend(lacks);
        if wait == WaitPolicy::Spin && settings.priority.is_some() {
            missing.extend(settings.cpu.and_then(spin_warning));
        }
    }
    missing.dedup();
    Ok(WakeupReport { schema: SCHEMA, host: BenchHost::read(None), settings, rows, missing })
}

/// Runs on a thread of its own, which it makes a realtime one.
fn measure(wait: WaitPolicy, period: Period, length: Duration, request: &RealtimeRequest) -> (WakeupRow, Vec<String>) {
    let missing = prepare_thread(request).missing();
    let wait = match wait {
        WaitPolicy::Hybrid { .. } => WaitPolicy::Hybrid { spin: learn(&MonotonicClock, period.duration()).margin },
        other => other,
    };
    let mut tally = Tally::default();
    wait_for_ticks(&WatchingClock::new(MonotonicClock), wait, period, length, &mut tally);
    (tally.row(wait), missing)
}

/// What is counted while waiting.
#[derive(Debug, Default)]
struct Tally {
    wakeup: Distribution,
    sleep: Distribution,
    ticks: u64,
    skipped: u64,
    late: u64,
    holes: Holes,
    usage: ThreadUsage,
    elapsed: Duration,
}

fn wait_for_ticks(
    clock: &WatchingClock<impl Clock>,
    wait: WaitPolicy,
    period: Period,
    length: Duration,
    tally: &mut Tally,
) {
    let grid = Grid::new(clock.now().after(period.duration()), period);
    let (mut last, mut first) = (None, None);
    let late = period.duration() / 4;
    loop {
        let tick = grid.next(clock.now(), last);
        clock.take_sleep();
        let woke = wait.wait_until(clock, tick.at);
        let (slept, holes) = (clock.take_sleep(), clock.take_holes());
        let due = grid.next(woke, last);
        last = Some(due.number);
        if due.number < WARM_UP {
            continue;
        }
        // Ticks skipped before the first that counts don't count.
        tally.skipped += if first.is_some() { due.skipped } else { 0 };
        let (start, usage) = *first.get_or_insert_with(|| (woke, ThreadUsage::now()));
        let jitter = woke.since(due.at);
        tally.wakeup.record(jitter);
        if let Some(slept) = slept {
            tally.sleep.record(slept);
        }
        tally.ticks += 1;
        tally.late += u64::from(jitter > late);
        tally.holes.count += holes.count;
        tally.holes.longest_ns = tally.holes.longest_ns.max(nanos(holes.longest));
        tally.holes.total_ns += nanos(holes.total);
        if woke.since(start) >= length {
            (tally.usage, tally.elapsed) = (ThreadUsage::now().since(&usage), woke.since(start));
            return;
        }
    }
}

impl Tally {
    fn row(&self, wait: WaitPolicy) -> WakeupRow {
        let margin = match wait {
            WaitPolicy::Hybrid { spin } => Some(nanos(spin)),
            WaitPolicy::Sleep | WaitPolicy::Spin => None,
        };
        WakeupRow {
            wait: wait.name(),
            margin_ns: margin,
            wakeup_ns: Figures::of(&self.wakeup),
            sleep_latency_ns: Figures::of(&self.sleep),
            ticks: self.ticks,
            skipped: self.skipped,
            late: self.late,
            holes: self.holes,
            switches_involuntary: self.usage.switches_involuntary,
            cpu_share: (self.usage.user + self.usage.system).as_secs_f64() / self.elapsed.as_secs_f64(),
        }
    }
}

/// The report as a table for people, with the machine above it.
#[must_use]
pub fn table(report: &WakeupReport) -> String {
    let header = [
        "wait", "time, us", "min", "p50", "p99", "p99.9", "max", "ticks", "late", "skipped", "holes", "longest", "CPU",
    ];
    let mut table = plain(&header);
    for row in &report.rows {
        let margin = row.margin_ns.map_or_else(String::new, |margin| format!(" (margin {} us)", margin / 1_000));
        let mut cells = vec![format!("{}{margin}", row.wait)];
        cells.extend(times("tick to wake-up", row.wakeup_ns));
        cells.extend([row.ticks, row.late, row.skipped, row.holes.count].map(|count| count.to_string()));
        cells.extend([micros(row.holes.longest_ns), format!("{:.1} %", 100.0 * row.cpu_share)]);
        table.add_row(cells);
        if let Some(latency) = row.sleep_latency_ns {
            let cells = std::iter::once(String::new()).chain(times("timer to wake-up", Some(latency)));
            table.add_row(cells.chain((0..6).map(|_| String::new())));
        }
    }
    right_from(&mut table, 2);
    let WakeupSettings { rate_hz, seconds, cpu, priority, .. } = &report.settings;
    let cpu = cpu.map_or_else(|| "any CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let priority = priority.map_or_else(|| "ordinary priority".to_owned(), |level| format!("SCHED_FIFO {level}"));
    let mut lines = vec![
        report.host.to_string(),
        format!(
            "{rate_hz} Hz on {cpu}, {priority}, {seconds} s for each policy; late is more than a quarter of the period"
        ),
        table.trim_fmt(),
    ];
    lines.extend(report.missing.iter().map(|sentence| format!("unavailable: {sentence}")));
    lines.join("\n")
}

fn times(name: &str, figures: Option<Figures>) -> [String; 6] {
    let values =
        figures.map_or([None; 5], |Figures { min, p50, p99, p999, max, .. }| [min, p50, p99, p999, max].map(Some));
    let [min, p50, p99, p999, max] = values.map(|value| value.map_or_else(String::new, micros));
    [name.to_owned(), min, p50, p99, p999, max]
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn micros(nanos: u64) -> String {
    format!("{:.1}", nanos as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_sched::VirtualClock;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn tally(wait: WaitPolicy, late: Duration) -> Tally {
        let clock = VirtualClock::default();
        clock.set_oversleep(late);
        let period = Period::from_duration(MILLISECOND).unwrap();
        let mut tally = Tally::default();
        wait_for_ticks(&WatchingClock::new(clock), wait, period, Duration::from_secs(1), &mut tally);
        tally
    }

    #[test]
    fn a_late_sleep_is_late_with_sleep_and_hidden_by_the_margin_of_hybrid() {
        let hybrid = WaitPolicy::Hybrid { spin: Duration::from_micros(400) };
        let [slept, hidden] = [WaitPolicy::Sleep, hybrid].map(|wait| tally(wait, Duration::from_micros(300)));
        assert_eq!((slept.late, slept.ticks, hidden.late), (1_001, 1_001, 0));
        assert!(hidden.wakeup.summary().unwrap().max <= 1, "on the tick");
        assert!(hidden.sleep.summary().unwrap().min / 1_000 >= 299);
    }

    #[test]
    fn ticks_and_skipped_ticks_add_up() {
        let late = tally(WaitPolicy::Sleep, Duration::from_micros(2_500));
        let counts = (late.ticks, late.skipped);
        assert!(late.skipped > 600, "{counts:?}");
        assert!((1_000..=1_003).contains(&(late.ticks + late.skipped)), "{counts:?}");
    }

    #[test]
    fn a_measurement_shows_every_policy_and_the_machine() {
        let waits = vec![WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin];
        let settings = WakeupSettings { waits, rate_hz: 2_000.0, seconds: 0.1, cpu: None, priority: None };
        let report = run(&settings, |_| ()).unwrap();
        assert!(report.rows.iter().all(|row| row.ticks > 0 && row.wakeup_ns.is_some()), "{report:?}");
        assert!(report.rows[1].margin_ns.is_some_and(|margin| (20_000..=250_000).contains(&margin)), "{report:?}");
        assert!(report.rows[2].sleep_latency_ns.is_none(), "spin doesn't sleep");
        let shown = table(&report);
        assert!(["Linux", "sleep", "hybrid (margin", "spin"].iter().all(|word| shown.contains(word)), "{shown}");
    }

    #[test]
    fn a_rate_or_a_time_that_is_none_is_refused() {
        let settings = WakeupSettings { waits: Vec::new(), rate_hz: 0.0, seconds: 1.0, cpu: None, priority: None };
        assert!(run(&settings, |_| ()).unwrap_err().to_string().contains("rate of 0 Hz"));
        let settings = WakeupSettings { rate_hz: 1_000.0, seconds: -1.0, ..settings };
        assert_eq!(run(&settings, |_| ()).unwrap_err().to_string(), "-1 seconds of measuring");
    }
}
