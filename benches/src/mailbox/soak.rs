//! The soak: all SubDevices of a segment are asked at once, until so many transactions have ended.

use super::aims::{aims, float};
use super::customer::Customer;
use super::live::{Disturbance, Live, Until};
use super::segment;
use super::tally::Tally;
use super::watch::Watch;
use super::world::{self, World};
use super::{MailboxBenchError, MailboxReport, MailboxSettings, SCHEMA, Veth};
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;
use zerocat::testing::Action;

/// Parts of a run between which memory is looked at.
const PARTS: u64 = 10;
/// Turns between two looks at what there is to say.
const LOOKS_EVERY: u64 = 4_096;
/// One in so many turns raises an emergency.
const EMERGENCIES: u32 = 2_000;
/// Virtual time in which each SubDevice answers a register read, when nothing else is asked.
const AT_ONCE: Duration = Duration::from_millis(20);

/// A run under way.
struct Soak<'a> {
    settings: &'a MailboxSettings,
    world: World,
    customers: Vec<Customer>,
    frozen: Option<u16>,
    random: fastrand::Rng,
    tally: Tally,
    memory_kib: Vec<u64>,
}

/// Runs it.
pub(super) fn run(settings: &MailboxSettings, watch: &Watch<'_>) -> Result<MailboxReport, MailboxBenchError> {
    watch.say(&format!("bringing {} SubDevices to OP", settings.subdevices));
    let mut soak = Soak::begin(settings)?;
    let (began, cpu) = (soak.world.now(), cpu_time());
    let mut turns = 0u64;
    while soak.goes_on() {
        soak.turn()?;
        turns += 1;
        if turns.is_multiple_of(LOOKS_EVERY) {
            watch.goes_on()?;
            watch.now_and_then(|| so_far(settings, &soak.tally));
        }
    }
    soak.memory_kib.push(memory_kib());
    let took = soak.world.now().saturating_sub(began);
    soak.ask_all_at_once()?;
    let Soak { world, frozen, mut tally, memory_kib, .. } = soak;
    tally.lost_frames = world.lost_frames();
    let figures = Figures { took, cpu: cpu_time().saturating_sub(cpu), memory_kib, frozen };
    let virtual_seconds = Some(took.as_secs_f64());
    Ok(MailboxReport { virtual_seconds, ..report(settings, tally, figures) })
}

impl<'a> Soak<'a> {
    fn begin(settings: &'a MailboxSettings) -> Result<Self, MailboxBenchError> {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let segment = segment::draw(settings.subdevices, &mut random);
        let mut world = World::bring_up(&segment, random.u64(..))?;
        let frozen = (settings.subdevices > 1).then(|| random.u16(..settings.subdevices));
        if let Some(frozen) = frozen {
            world.act(Action::FreezeMailbox { subdevice: frozen.into(), frozen: true })?;
        }
        let mut customers = Vec::new();
        for position in 0..settings.subdevices {
            customers.push(Customer::new(world.subdevice(position)?, random.u64(..), frozen == Some(position)));
        }
        world.disturb(true);
        let (tally, memory_kib) = (Tally::new(), vec![memory_kib()]);
        Ok(Self { settings, world, customers, frozen, random, tally, memory_kib })
    }

    fn goes_on(&self) -> bool {
        self.tally.begun < self.settings.transactions || self.customers.iter().any(Customer::is_busy)
    }

    fn turn(&mut self) -> Result<(), MailboxBenchError> {
        let now = self.world.now();
        for customer in &mut self.customers {
            let more = self.tally.begun < self.settings.transactions;
            customer.turn(now, more, &mut self.tally);
        }
        self.world.turn();
        if self.random.u32(..EMERGENCIES) == 0 {
            self.raise()?;
        }
        let part = u64::try_from(self.memory_kib.len()).unwrap_or(PARTS);
        if part < PARTS && self.tally.ended() >= self.settings.transactions.div_ceil(PARTS).saturating_mul(part) {
            self.memory_kib.push(memory_kib());
        }
        if self.world.is_alive() { Ok(()) } else { Err(MailboxBenchError::Ended("it left OP".to_owned())) }
    }

    /// Has some SubDevice raise an emergency.
    fn raise(&mut self) -> Result<(), MailboxBenchError> {
        let subdevice = self.random.usize(..self.customers.len());
        self.tally.emergencies += 1;
        self.world.act(world::emergency(subdevice))
    }

    /// Asks each SubDevice once at the same time, without faults: whoever doesn't answer at once has lost what answers are made of.
    fn ask_all_at_once(&mut self) -> Result<(), MailboxBenchError> {
        self.world.disturb(false);
        self.pass(DEAD_TIME);
        let mut asked = Vec::new();
        for position in 0..self.settings.subdevices {
            asked.push(self.world.subdevice(position)?.within(DEAD_TIME).register_read(0x0130, 2));
        }
        self.pass(AT_ONCE);
        let answered = asked.iter().filter(|one| matches!(one.try_take(), Some(Ok(_)))).count();
        self.tally.leaked += u64::try_from(asked.len() - answered).unwrap_or(u64::MAX);
        Ok(())
    }

    fn pass(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            self.world.turn();
        }
    }
}

/// What a report has beside what was counted.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) took: Duration,
    pub(super) cpu: Duration,
    pub(super) memory_kib: Vec<u64>,
    pub(super) frozen: Option<u16>,
}

/// The report, and its aims.
pub(super) fn report(settings: &MailboxSettings, tally: Tally, figures: Figures) -> MailboxReport {
    let Figures { took, cpu, memory_kib, frozen } = figures;
    let transactions = tally.ended() + tally.wrong_data + tally.duplicates;
    let summary = tally.latency.summary();
    let micros = |nanos: Option<u64>| float(nanos.unwrap_or(0)) / 1e3;
    let mut report = MailboxReport {
        schema: SCHEMA,
        settings: settings.clone(),
        transactions,
        succeeded: tally.succeeded,
        failed_by_reason: tally.failed_by_reason,
        failed_of_able: tally.failed_of_able,
        to_able: transactions - tally.of_frozen,
        wrong_errors: tally.wrong_errors,
        repeated: tally.repeated,
        cancelled: tally.cancelled,
        wrong_data: tally.wrong_data,
        duplicates: tally.duplicates,
        leaked: tally.leaked,
        per_second: float(tally.succeeded) / took.as_secs_f64(),
        latency_p50_us: micros(summary.map(|all| all.p50)),
        latency_p99_us: micros(summary.map(|all| all.p99)),
        cycle_p999_ratio: None,
        virtual_seconds: None,
        cpu_seconds: cpu.as_secs_f64(),
        memory_kib,
        lost_frames: tally.lost_frames,
        emergencies: tally.emergencies,
        frozen,
        rate: None,
        aims: Vec::new(),
    };
    report.aims = aims(&report);
    report
}

/// Longer than any frame is waited for.
const DEAD_TIME: Duration = Duration::from_millis(500);

/// The soak over a veth pair, in real time.
pub(super) fn run_over(
    settings: &MailboxSettings,
    veth: &Veth,
    watch: &Watch<'_>,
) -> Result<MailboxReport, MailboxBenchError> {
    watch.say(&format!("bringing {} SubDevices to OP", settings.subdevices));
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let segment = segment::draw(settings.subdevices, &mut random);
    let frozen = (settings.subdevices > 1).then(|| random.u16(..settings.subdevices));
    let disturbance = Disturbance { seed: random.u64(..), frozen };
    let live = Live::bring_up(veth, &segment, Some(disturbance), watch)?;
    let mut customers = live.customers(settings.subdevices, settings.seed, frozen)?;
    let (mut tally, mut memory, cpu) = (Tally::new(), vec![memory_kib()], cpu_time());
    let took = live.ask(&mut customers, Until::Begun(settings.transactions), &mut tally, watch, |tally, _| {
        let part = u64::try_from(memory.len()).unwrap_or(PARTS);
        if part < PARTS && tally.ended() >= settings.transactions.div_ceil(PARTS).saturating_mul(part) {
            memory.push(memory_kib());
        }
        watch.now_and_then(|| so_far(settings, tally));
    })?;
    memory.push(memory_kib());
    let cpu = cpu_time().saturating_sub(cpu);
    (tally.lost_frames, tally.emergencies) = (live.lost_frames(), live.emergencies());
    watch.say("shutting down");
    live.stop()?;
    Ok(report(settings, tally, Figures { took, cpu, memory_kib: memory, frozen }))
}

/// How far it is.
fn so_far(settings: &MailboxSettings, tally: &Tally) -> String {
    let Tally { begun, succeeded, .. } = tally;
    format!("{begun} of {} transactions, {succeeded} succeeded", settings.transactions)
}

/// CPU time of this process.
pub(super) fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Memory of this process that is in RAM, in KiB; 0 where that can't be read.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
