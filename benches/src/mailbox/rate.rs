//! Rate, latency and idle CPU over a veth pair, and what transactions cost the cycle.
//!
//! The cycle is measured in pairs of sessions, one with transactions and one without, in turn first and second; and once without in
//! both, which says what a difference means on this machine.

use super::aims::{aims_of_rate, float};
use super::live::{Live, Until};
use super::soak::{self, Figures};
use super::tally::Tally;
use super::{MailboxBenchError, MailboxReport, MailboxSettings, Veth, segment};
use crate::host::BenchHost;
use serde::Serialize;
use std::time::{Duration, Instant};
use zerocat::RequestError;
use zerocat_engine::Distribution;

/// Uploads of one SubDevice alone.
const ALONE: u32 = 1_000;
/// Bytes of the file.
const FILE: usize = 1 << 20;
/// Time that the file may take, each way.
const FILE_WITHIN: Duration = Duration::from_secs(300);

/// A session with transactions and one without.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pair {
    /// Tick-to-sent p99.9 of the cycle without transactions.
    pub without_p999_us: f64,
    /// With transactions; in the last pair without, too.
    pub with_p999_us: f64,
    /// The second over the first.
    pub ratio: f64,
    /// Transactions a second.
    pub per_second: f64,
}

/// What was measured in real time.
#[derive(Debug, Clone, Serialize)]
pub struct RateReport {
    /// The machine.
    pub host: BenchHost,
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// The pair without transactions in both.
    pub same: Pair,
    /// Expedited uploads of one SubDevice alone, one after the other: half of them took no longer, in cycles.
    pub alone_p50_cycles: f64,
    /// 99 of 100 took no longer.
    pub alone_p99_cycles: f64,
    /// Bytes a second of a file of 1 MiB that is written by FoE in OP.
    pub foe_write_op: Option<f64>,
    /// The same of reading it.
    pub foe_read_op: Option<f64>,
    /// Bytes a second in BOOT; `null`: not measured.
    pub foe_write_boot: Option<f64>,
    /// Share of a CPU that the bus thread takes in OP when nothing is asked.
    pub idle_bus_cpu: f64,
    /// The same while all SubDevices are asked.
    pub busy_bus_cpu: f64,
}

/// One session.
#[derive(Debug, Clone, Copy)]
struct Part {
    p999_us: f64,
    per_second: f64,
    bus_cpu: f64,
}

/// Measures it all.
pub(super) fn run(
    settings: &MailboxSettings,
    veth: &Veth,
    mut progress: impl FnMut(&str),
    stop: &dyn Fn() -> bool,
) -> Result<MailboxReport, MailboxBenchError> {
    let (began, mut tally) = (Instant::now(), Tally::new());
    let (mut pairs, mut parts) = (Vec::new(), (Vec::new(), Vec::new()));
    for n in 0..veth.pairs.max(1) {
        progress(&format!("pair {} of {}, {} s each", n + 1, veth.pairs, veth.seconds));
        let (without, with) = pair(settings, veth, n % 2 == 0, true, &mut tally, stop)?;
        pairs.push(Pair::of(without, with));
        parts.0.push(without.bus_cpu);
        parts.1.push(with.bus_cpu);
    }
    progress("the pair without transactions");
    let (first, second) = pair(settings, veth, true, false, &mut tally, stop)?;
    progress("one SubDevice alone, and a file");
    let alone = alone(settings, veth, stop)?;
    let rate = RateReport {
        host: BenchHost::read(Some(&veth.interface)),
        same: Pair::of(first, second),
        alone_p50_cycles: alone.cycles.0,
        alone_p99_cycles: alone.cycles.1,
        foe_write_op: alone.file.0,
        foe_read_op: alone.file.1,
        foe_write_boot: None,
        idle_bus_cpu: median(parts.0),
        busy_bus_cpu: median(parts.1),
        pairs,
    };
    let per_second = median(rate.pairs.iter().map(|pair| pair.per_second).collect());
    let ratio = median(rate.pairs.iter().map(|pair| pair.ratio).collect());
    let figures = Figures { took: began.elapsed(), ..Figures::default() };
    let mut report = soak::report(settings, tally, figures);
    report.aims.extend(aims_of_rate(&rate, per_second, ratio));
    (report.per_second, report.cycle_p999_ratio, report.rate) = (per_second, Some(ratio), Some(rate));
    Ok(report)
}

impl Pair {
    fn of(without: Part, with: Part) -> Self {
        let ratio = with.p999_us / without.p999_us.max(f64::MIN_POSITIVE);
        let (without_p999_us, with_p999_us) = (without.p999_us, with.p999_us);
        Self { without_p999_us, with_p999_us, ratio, per_second: with.per_second }
    }
}

/// Two sessions: without transactions, and with them where `asks` says so; the first one `first`, or the other.
fn pair(
    settings: &MailboxSettings,
    veth: &Veth,
    first: bool,
    asks: bool,
    tally: &mut Tally,
    stop: &dyn Fn() -> bool,
) -> Result<(Part, Part), MailboxBenchError> {
    let mut part = |asks| part(settings, veth, asks, tally, stop);
    if first {
        let without = part(false)?;
        Ok((without, part(asks)?))
    } else {
        let with = part(asks)?;
        Ok((part(false)?, with))
    }
}

fn part(
    settings: &MailboxSettings,
    veth: &Veth,
    asks: bool,
    tally: &mut Tally,
    stop: &dyn Fn() -> bool,
) -> Result<Part, MailboxBenchError> {
    let live = Live::bring_up(veth, &segment::plain(settings.subdevices), None, stop)?;
    let time = Duration::from_secs_f64(veth.seconds);
    let (succeeded, cpu, began) = (tally.succeeded, bus_cpu(), Instant::now());
    if asks {
        let mut customers = live.customers(settings.subdevices, settings.seed, None)?;
        live.ask(&mut customers, Until::Passed(time), tally, |_| stop())?;
    } else {
        // As whoever asks: awake as often.
        while began.elapsed() < time {
            if stop() {
                return Err(MailboxBenchError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let took = began.elapsed().as_secs_f64();
    let bus_cpu = bus_cpu().saturating_sub(cpu).as_secs_f64() / took;
    let report = live.stop()?;
    let p999 = report.send_jitter_ns.map_or(0, |figures| figures.p999);
    let per_second = float(tally.succeeded - succeeded) / took;
    Ok(Part { p999_us: float(p999) / 1e3, per_second, bus_cpu })
}

/// One SubDevice alone.
struct Alone {
    cycles: (f64, f64),
    file: (Option<f64>, Option<f64>),
}

fn alone(settings: &MailboxSettings, veth: &Veth, stop: &dyn Fn() -> bool) -> Result<Alone, MailboxBenchError> {
    let live = Live::bring_up(veth, &segment::plain(settings.subdevices), None, stop)?;
    let ended = |error: RequestError| MailboxBenchError::Ended(error.to_string());
    let one = live.session.subdevice(0).map_err(|error| MailboxBenchError::Ended(error.to_string()))?;
    let mut latency = Distribution::new();
    for _ in 0..ALONE {
        if stop() {
            return Err(MailboxBenchError::Stopped);
        }
        let began = Instant::now();
        one.sdo_read_bytes(0x1018, 1).wait().map_err(ended)?;
        latency.record(began.elapsed());
    }
    let figures = latency.summary();
    let cycles = |nanos: Option<u64>| float(nanos.unwrap_or(0)) * veth.rate_hz / 1e9;
    let (slow, content) = (one.within(FILE_WITHIN), vec![0x5a; FILE]);
    let bytes = float(u64::try_from(FILE).unwrap_or(0));
    let rate = |began: Instant| bytes / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let write = slow.foe_write("file.bin", 0, content.clone(), |_| {}).wait().ok().map(|()| rate(began));
    let began = Instant::now();
    let read = slow.foe_read("file.bin", 0, FILE, |_| {}).wait();
    let read = read.ok().filter(|bytes| *bytes == content).map(|_| rate(began));
    live.stop()?;
    let cycles = (cycles(figures.map(|all| all.p50)), cycles(figures.map(|all| all.p99)));
    Ok(Alone { cycles, file: (write, read) })
}

/// CPU time of the bus thread; nothing where that can't be read.
fn bus_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |task: std::fs::DirEntry| {
        let read = |name| std::fs::read_to_string(task.path().join(name)).ok();
        read("comm").filter(|name| name.trim() == BUS)?;
        read("schedstat")?.split_whitespace().next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(of).sum())
}

/// Name of the bus thread.
const BUS: &str = "zc-bus";

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_figure_in_the_middle_whatever_the_order() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}
