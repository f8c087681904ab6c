//! Rate, latency and idle CPU over a veth pair, what transactions cost the cycle, and files.
//!
//! The cycle is measured in pairs of sessions, one with transactions and one without, in turn first and second; and once without in
//! both, which says what a difference means on this machine.

use super::aims::{aims_of_rate, float};
use super::ethernet::{self, EthernetRate};
use super::file::{self, FileReport, FileState, FileWay};
use super::live::{Live, Until};
use super::soak::{self, Figures, cpu_time};
use super::tally::Tally;
use super::watch::Watch;
use super::{MailboxBenchError, MailboxReport, MailboxSettings, Veth, segment};
use crate::host::BenchHost;
use serde::Serialize;
use std::time::{Duration, Instant};
use zerocat_engine::Distribution;

/// Uploads of one SubDevice alone, at most.
const ALONE: u32 = 1_000;

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
    /// Files of 1 MiB by FoE, by state and length of the mailboxes.
    pub files: Vec<FileReport>,
    /// Ethernet by EoE, by who carries it; without TAP there is none by an interface of the host.
    pub ethernet: Vec<EthernetRate>,
    /// Bytes a second of the file that is written in OP.
    pub foe_write_op: Option<f64>,
    /// The same of reading it.
    pub foe_read_op: Option<f64>,
    /// The same of writing it in BOOT, in mailboxes as long as in OP.
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
    watch: &Watch<'_>,
) -> Result<MailboxReport, MailboxBenchError> {
    let (began, cpu) = (Instant::now(), cpu_time());
    let mut sessions = Sessions { settings, veth, watch, tally: Tally::new() };
    let (mut pairs, mut parts, count) = (Vec::new(), (Vec::new(), Vec::new()), veth.pairs.max(1));
    for n in 0..count {
        let (without, with) = sessions.pair(&format!("pair {} of {count}", n + 1), n % 2 == 0, true)?;
        pairs.push(Pair::of(without, with));
        parts.0.push(without.bus_cpu);
        parts.1.push(with.bus_cpu);
    }
    let (first, second) = sessions.pair("pair without transactions in both", true, false)?;
    let alone = sessions.alone()?;
    let (files, lost) = file::measure(settings, veth, watch)?;
    let (ethernet, lost_beside) = ethernet::measure(veth, watch)?;
    let Sessions { mut tally, .. } = sessions;
    tally.lost_frames += lost + lost_beside;
    let foe = |way, state| files.iter().find(|file| (file.way, file.state) == (way, state)).map(|one| one.per_second);
    let rate = RateReport {
        host: BenchHost::read(Some(&veth.interface)),
        same: Pair::of(first, second),
        alone_p50_cycles: alone.0,
        alone_p99_cycles: alone.1,
        foe_write_op: foe(FileWay::Write, FileState::Op),
        foe_read_op: foe(FileWay::Read, FileState::Op),
        foe_write_boot: foe(FileWay::Write, FileState::Boot),
        files,
        ethernet,
        idle_bus_cpu: median(parts.0),
        busy_bus_cpu: median(parts.1),
        pairs,
    };
    let per_second = median(rate.pairs.iter().map(|pair| pair.per_second).collect());
    let ratio = median(rate.pairs.iter().map(|pair| pair.ratio).collect());
    let figures = Figures { took: began.elapsed(), cpu: cpu_time().saturating_sub(cpu), ..Figures::default() };
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

/// Sessions one after the other, and what was counted in all of them.
struct Sessions<'a, 'w> {
    settings: &'a MailboxSettings,
    veth: &'a Veth,
    watch: &'a Watch<'w>,
    tally: Tally,
}

impl Sessions<'_, '_> {
    /// Two sessions: without transactions, and with them where `asks` says so; the first one `first`, or the other.
    fn pair(&mut self, name: &str, first: bool, asks: bool) -> Result<(Part, Part), MailboxBenchError> {
        if first {
            let without = self.part(name, false)?;
            Ok((without, self.part(name, asks)?))
        } else {
            let with = self.part(name, asks)?;
            Ok((self.part(name, false)?, with))
        }
    }

    fn part(&mut self, name: &str, asks: bool) -> Result<Part, MailboxBenchError> {
        let live = self.bring_up(name)?;
        let (watch, time) = (self.watch, Duration::from_secs_f64(self.veth.seconds));
        let what = if asks { "with transactions" } else { "without transactions" };
        let so_far = |now: Duration| {
            watch.now_and_then(|| format!("{name}, {what}: {:.0} of {} s", now.as_secs_f64(), self.veth.seconds));
        };
        let (succeeded, cpu, began) = (self.tally.succeeded, bus_cpu(), Instant::now());
        if asks {
            let mut customers = live.customers(self.settings.subdevices, self.settings.seed, None)?;
            live.ask(&mut customers, Until::Passed(time), &mut self.tally, watch, |_, now| so_far(now))?;
        } else {
            while began.elapsed() < time {
                watch.pause()?;
                so_far(began.elapsed());
            }
        }
        let took = began.elapsed().as_secs_f64();
        let bus_cpu = bus_cpu().saturating_sub(cpu).as_secs_f64() / took;
        self.tally.lost_frames += live.lost_frames();
        let report = live.stop()?;
        let p999 = report.send_jitter_ns.map_or(0, |figures| figures.p999);
        let per_second = float(self.tally.succeeded - succeeded) / took;
        Ok(Part { p999_us: float(p999) / 1e3, per_second, bus_cpu })
    }

    /// Latency of one SubDevice alone in cycles: p50 and p99.
    fn alone(&mut self) -> Result<(f64, f64), MailboxBenchError> {
        let live = self.bring_up("one SubDevice alone")?;
        let one = live.subdevice(0)?;
        let (mut latency, most) = (Distribution::new(), Instant::now() + Duration::from_secs_f64(self.veth.seconds));
        for n in 0..ALONE {
            let began = Instant::now();
            let answer = one.sdo_read_bytes(0x1018, 1).wait();
            latency.record(began.elapsed());
            answer.map_err(MailboxBenchError::asked("an SDO upload of one SubDevice alone"))?;
            self.watch.goes_on()?;
            self.watch.now_and_then(|| format!("one SubDevice alone: {n} of {ALONE} uploads"));
            if Instant::now() > most {
                break;
            }
        }
        self.tally.lost_frames += live.lost_frames();
        live.stop()?;
        let figures = latency.summary();
        let cycles = |nanos: Option<u64>| float(nanos.unwrap_or(0)) * self.veth.rate_hz / 1e9;
        Ok((cycles(figures.map(|all| all.p50)), cycles(figures.map(|all| all.p99))))
    }

    fn bring_up(&self, name: &str) -> Result<Live, MailboxBenchError> {
        self.watch.say(&format!("{name}: bringing {} SubDevices to OP", self.settings.subdevices));
        Live::bring_up(self.veth, &segment::plain(self.settings.subdevices), None, self.watch)
    }
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
