//! The parts of a session that live from the start of the realtime thread to its end, and how the bus futures are
//! driven meanwhile: on the calling thread, which naps between two looks.

use crate::bring_up::{BringUp, Planned, Ports, StartError, ask_for_init, retire, shut_down};
use crate::health::HealthThread;
use crate::link::OpenLink;
use crate::privileges::{give_up, with_only};
use crate::progress::Progress;
use crate::realtime::{Margin, RealtimeThread};
use crate::report::LinkReport;
use crate::session::{SessionError, SessionOptions};
use crate::tasks::TaskSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zerocat_bus::{Datagrams, try_block_on};
use zerocat_config::{Rig, Wait};
use zerocat_engine::{
    AcyclicSettings, Controls, Counters, CountersReader, Engine, EngineParts, Measurements, PROCESS_DATA_ROOM, Pool,
    RealtimeUsage, RunOutcome, Settings, Timing, Traffic, slots_needed,
};
use zerocat_host::doctor::{self, read_counters};
use zerocat_host::{chain, spin_warning, starvation_warning};
use zerocat_link::lock::InterfaceLock;
use zerocat_link::tap::{Captured, Tap, TapThread, TapWriter};
use zerocat_link::{Link, LinkCounters, Slot};
use zerocat_sched::{
    Clock, MonotonicClock, Period, ProcessSetup, RealtimeRequest, WaitPolicy, link_idle_timer, prepare_process,
};
use zerocat_xdp::MisdirectedCounters;

/// Acyclic frames that may be out at once.
const ACYCLIC_IN_FLIGHT: u16 = 8;
/// An acyclic frame that isn't back after this long is lost.
const ACYCLIC_TIMEOUT: Duration = Duration::from_millis(20);
/// Nap of the bus thread between two looks at its futures.
const BUS_NAP: Duration = Duration::from_micros(50);
/// Cyclic slots beside those that the rig file's process data needs: SubDevices that it doesn't name take some too.
const SPARE_FRAMES: usize = 8;
/// Fewest cyclic slots, for a rig file that lists only what its tasks use: some 90 kB of process data, in 256 KiB of UMEM.
const FEWEST_SLOTS: usize = 64;
/// Frames that a sync unit may leave half empty: one for each way of access (LRW, LRW with overlapping data, LWR and LRD).
const CUT_FRAMES: usize = 3;
/// Frames that wait to be written to a capture file (1.5 KiB each): a tenth of a second at 10 kHz, both directions.
const CAPTURE_RECORDS: usize = 2048;
/// Most cyclic slots.
const MAX_FRAMES: usize = zerocat_engine::MAX_FRAMES;

/// The parts that live from the start of the realtime thread to its end.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) rig: Rig,
    datagrams: &'static Datagrams,
    controls: Controls,
    pub(crate) counters: CountersReader,
    pub(crate) thread: RealtimeThread,
    health: HealthThread,
    pub(crate) link: LinkReport,
    /// What the interface had counted when the realtime thread began.
    pub(crate) nic: Option<doctor::Counters>,
    pub(crate) missing: Vec<String>,
    misdirected: Option<MisdirectedCounters>,
    /// Given back when all else has ended.
    _lock: Option<InterfaceLock>,
    cyclic_slots: u16,
    capture: Option<TapThread>,
    pub(crate) progress: Progress,
    _setup: ProcessSetup,
}

impl Core {
    /// Starts the realtime thread over a link.
    pub(crate) fn start(rig: Rig, link: OpenLink, options: SessionOptions) -> Result<Self, SessionError> {
        link_idle_timer();
        let keep = options.privileges.kept(&link.report);
        // Its thread is started first, so that it inherits neither priority nor affinity.
        let (link, capture) = with_only(keep, || tapped(link, options.capture.as_deref()))??;
        let period = Period::from_rate(rig.network.properties.rate)?;
        let request = RealtimeRequest {
            cpu: rig.engine.cpu,
            priority: Some(rig.engine.priority),
            keep,
            ..RealtimeRequest::default()
        };
        let setup = prepare_process(&request);
        // A link that somebody else opened may have fewer; a plan that needs more is refused then.
        let cyclic_slots = cyclic_slots(&rig).min(link.link.slots().saturating_sub(ACYCLIC_IN_FLIGHT));
        let (pool, pdu_loop) = Pool::new();
        let acyclic =
            AcyclicSettings { first_slot: Slot(cyclic_slots), in_flight: ACYCLIC_IN_FLIGHT, timeout: ACYCLIC_TIMEOUT };
        let (engine, parts) = Engine::new(link.link, timing(&rig, period), pool, acyclic);
        let EngineParts { controls, counters, events } = parts;
        let health = with_only(keep, || HealthThread::start(events))??;
        let (wait, margin) = wait_policy(&rig.engine);
        let thread = RealtimeThread::start(engine, request, Settings { period, wait }, margin)?;
        let mut missing = link.missing;
        missing.extend(setup.status.missing());
        missing.extend(thread.begun.status.missing());
        missing.extend(keep.and_then(give_up));
        if wait == WaitPolicy::Spin {
            missing.extend(spin_warning(rig.engine.cpu.unwrap_or_default()));
            missing.extend(starvation_warning(rig.engine.cpu));
        }
        // Lives as long as the process, as the frame pool does that it sends with.
        let datagrams = Box::leak(Box::new(Datagrams::new(pdu_loop, monotonic)));
        let OpenLink { report: link, misdirected, lock, .. } = link;
        Ok(Self {
            nic: read_counters(Path::new("/"), &link.interface),
            rig,
            datagrams,
            controls,
            counters,
            thread,
            health,
            link,
            missing,
            misdirected,
            _lock: lock,
            cyclic_slots,
            capture,
            progress: options.progress,
            _setup: setup,
        })
    }

    pub(crate) fn bring_up(&mut self, stop: &dyn Fn() -> bool) -> Result<(Planned, TaskSet), SessionError> {
        let mut planned = match self.tell_bring_up(stop, async |way| way.plan().await) {
            Ok(planned) => planned,
            Err(error) => {
                self.drive(ask_for_init(self.datagrams));
                return Err(error);
            }
        };
        match self.operate(&mut planned, stop) {
            Ok(tasks) => Ok((planned, tasks)),
            Err(error) => {
                for failed in self.bring_down(&mut planned) {
                    tracing::warn!("during shutdown: {failed}");
                }
                Err(error)
            }
        }
    }

    fn operate(&mut self, planned: &mut Planned, stop: &dyn Fn() -> bool) -> Result<TaskSet, SessionError> {
        let (tasks, mut ports) = TaskSet::start(&self.rig, &planned.bindings)?;
        self.tell_bring_up(stop, async |way| way.operate(planned, &mut ports).await)?;
        Ok(tasks)
    }

    /// As [`Self::with_bring_up`], and the session's observer is told.
    fn tell_bring_up<T>(
        &mut self,
        stop: &dyn Fn() -> bool,
        work: impl AsyncFnOnce(&mut BringUp<'_>) -> Result<T, StartError>,
    ) -> Result<T, SessionError> {
        let progress = std::mem::take(&mut self.progress);
        let done = self.with_bring_up(stop, &progress, work);
        self.progress = progress;
        done
    }

    /// Drives a part of the way up on this thread.
    pub(crate) fn with_bring_up<T>(
        &mut self,
        stop: &dyn Fn() -> bool,
        progress: &Progress,
        work: impl AsyncFnOnce(&mut BringUp<'_>) -> Result<T, StartError>,
    ) -> Result<T, SessionError> {
        let thread = &self.thread;
        let mut way = BringUp {
            rig: &self.rig,
            datagrams: self.datagrams,
            controls: &mut self.controls,
            counters: &self.counters,
            cyclic_slots: self.cyclic_slots,
            progress,
        };
        // Asked to stop, the phase ends by itself, with no frame of it still out.
        let stopped = self.datagrams.stop_flag();
        let idle = || {
            // SYNC: a flag; it publishes nothing. Read by this thread's own futures.
            stopped.store(stop(), Ordering::Relaxed);
            nap_unless(thread.is_finished())
        };
        let done = try_block_on(work(&mut way), idle).ok_or(SessionError::Interrupted)?;
        // SYNC: as above. The way down must not be stopped by the same wish.
        if stopped.swap(false, Ordering::Relaxed) && done.is_err() {
            return Err(SessionError::Interrupted);
        }
        done.map_err(SessionError::Start)
    }

    pub(crate) fn bring_down(&mut self, planned: &mut Planned) -> Vec<String> {
        let Self { rig, datagrams, controls, counters, thread, .. } = self;
        let down = shut_down(rig, &mut planned.network, datagrams, controls, counters);
        match try_block_on(down, || nap_unless(thread.is_finished())) {
            Some(failed) => failed.iter().map(chain).collect(),
            None => vec!["the realtime thread ended before the bus was down".to_owned()],
        }
    }

    /// Makes the outputs safe, ends the exchange if there is one, and takes the tasks' ports out of it. One that ended
    /// only after an earlier call had given up is found by the next.
    pub(crate) fn take_exchange_out(&mut self, ports: &mut Ports) -> Result<(), SessionError> {
        let Self { rig, datagrams, controls, counters, thread, .. } = self;
        if counters.read().exchanging != 0 {
            controls.traffic(Traffic::Safe).map_err(StartError::from)?;
            let retired = try_block_on(retire(rig, datagrams, controls, counters), || nap_unless(thread.is_finished()));
            retired.ok_or(SessionError::Interrupted)??;
        }
        if let Some(exchange) = controls.collect() {
            ports.readers.extend(exchange.readers);
            ports.writers.extend(exchange.writers);
        }
        Ok(())
    }

    pub(crate) fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        try_block_on(work, || nap_unless(self.thread.is_finished()))
    }

    /// EtherCAT frames that arrived where the link doesn't hear them, if any did.
    pub(crate) fn unheard(&self) -> Option<String> {
        Some(self.misdirected.as_ref()?.seen()?.to_string())
    }

    /// Ends the realtime thread and closes the link.
    pub(crate) fn end(mut self) -> Result<Remains, SessionError> {
        if self.controls.stop().is_err() {
            tracing::warn!("the realtime thread had ended already");
        }
        let outcome = self.thread.join();
        self.health.stop();
        let RunOutcome { link, measurements, counters, usage, .. } = outcome?;
        let link = {
            let counters = link.counters();
            drop(link);
            counters
        };
        let captured = self.capture.map(TapThread::stop).transpose()?;
        Ok(Remains { link, measurements, counters, usage, captured })
    }
}

/// What is left of a core.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) link: LinkCounters,
    pub(crate) measurements: Measurements,
    pub(crate) counters: Counters,
    pub(crate) usage: Option<RealtimeUsage>,
    pub(crate) captured: Option<Captured>,
}

/// Puts a tap around a link, if frames are to be captured.
fn tapped(link: OpenLink, path: Option<&Path>) -> Result<(OpenLink, Option<TapThread>), SessionError> {
    let Some(path) = path else { return Ok((link, None)) };
    let (tap, reader) = Tap::new(link.link, CAPTURE_RECORDS);
    let thread = TapWriter::create(reader, path, &link.report.interface)?.spawn()?;
    Ok((OpenLink { link: Box::new(tap), ..link }, Some(thread)))
}

fn nap_unless(end: bool) -> ControlFlow<()> {
    if end {
        return ControlFlow::Break(());
    }
    std::thread::sleep(BUS_NAP);
    ControlFlow::Continue(())
}

fn monotonic() -> Duration {
    Duration::from_nanos(MonotonicClock.now().0)
}

/// Transmit slots that a link needs for a rig.
pub(crate) fn link_slots(rig: &Rig) -> u16 {
    slots_needed(cyclic_slots(rig).into(), ACYCLIC_IN_FLIGHT)
}

/// Slots for cyclic frames: twice what the rig file's process data fills, those that sync units leave half empty, and
/// some to spare.
fn cyclic_slots(rig: &Rig) -> u16 {
    let entries =
        rig.slaves.iter().flat_map(|slave| slave.properties.pdos.inputs.iter().chain(&slave.properties.pdos.outputs));
    let bits: usize = entries.map(|entry| usize::from(entry.bit_length)).sum();
    let full = (2 * bits.div_ceil(8)).div_ceil(PROCESS_DATA_ROOM);
    let frames = full + CUT_FRAMES * rig.engine.sync_units.len() + SPARE_FRAMES;
    u16::try_from(frames.clamp(FEWEST_SLOTS, MAX_FRAMES)).unwrap_or(u16::MAX)
}

fn timing(rig: &Rig, period: Period) -> Timing {
    let usual = Timing::for_period(period.duration());
    Timing {
        deadline: rig.engine.deadline.unwrap_or(usual.deadline),
        guard: rig.engine.guard.unwrap_or(usual.guard),
        ..usual
    }
}

fn wait_policy(section: &zerocat_config::Engine) -> (WaitPolicy, Margin) {
    match (section.wait, section.spin_margin) {
        (Wait::Hybrid, Some(spin)) => (WaitPolicy::Hybrid { spin }, Margin::Given),
        (Wait::Hybrid, None) => (WaitPolicy::default(), Margin::Learned),
        (Wait::Sleep, _) => (WaitPolicy::Sleep, Margin::Given),
        (Wait::Spin, _) => (WaitPolicy::Spin, Margin::Given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rig(engine: &str) -> Rig {
        let network = r#""key": "net", "name": "Net", "make": "EtherCAT", "model": "Network""#;
        let properties = r#""properties": { "interface": "lo", "rate": 1000 }"#;
        let text = format!(r#"{{ "network": {{ {network}, {properties} }}, "engine": {engine} }}"#);
        Rig::from_json(&text).unwrap()
    }

    #[test]
    fn a_rig_that_lists_nobody_has_slots_for_a_large_bus() {
        assert_eq!(cyclic_slots(&rig("{}")), 64);
    }

    #[test]
    fn each_sync_unit_has_slots_for_the_frames_that_it_leaves_half_empty() {
        let unit = |n| format!(r#"{{ "name": "u{n}", "every": 2, "slaves": ["s{n}"] }}"#);
        let units: Vec<_> = (0..40).map(unit).collect();
        assert_eq!(cyclic_slots(&rig(&format!(r#"{{ "sync_units": [{}] }}"#, units.join(", ")))), 128);
    }
}
