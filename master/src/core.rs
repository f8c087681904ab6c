//! The parts of a session beside its bus that live from the start of the realtime thread to its end.

use crate::bring_up::Planned;
use crate::capture::{Capture, tapped};
use crate::fault_log::{FarEnd, FaultLogThread};
use crate::host_facts::{NicCounters, has_carrier, spinning};
use crate::link::{AnyLink, Misdirected, OpenLink};
use crate::outfile::Outfile;
use crate::privileges::{give_up, with_only};
use crate::realtime::{Margin, RealtimeThread, ThreadPanic};
use crate::report::{CaptureReport, LinkReport, NicErrors};
use crate::session::{SessionError, SessionOptions};
use crate::told::FaultCounts;
use std::time::Duration;
use zerocat_bus::PduLoop;
use zerocat_config::{Rig, Slave, Wait};
use zerocat_engine::{
    AcyclicSettings, Controls, Counters, CountersReader, Engine, EngineParts, Measurements, PROCESS_DATA_ROOM, Pool,
    RealtimeUsage, RunOutcome, Settings, Timing, slots_needed,
};
use zerocat_link::lock::InterfaceLock;
use zerocat_link::watch::Watch;
use zerocat_link::{Link, LinkCounters, Slot};
use zerocat_sched::{Period, ProcessSetup, RealtimeRequest, WaitPolicy, link_idle_timer, prepare_process};

/// Acyclic frames that may be out at once.
const ACYCLIC_IN_FLIGHT: u16 = 8;
/// An acyclic frame that isn't back after this long is lost.
const ACYCLIC_TIMEOUT: Duration = Duration::from_millis(20);
/// Cyclic slots beside those that the rig file's process data needs: SubDevices that it doesn't name take some too.
const SPARE_FRAMES: usize = 8;
/// Fewest cyclic slots, for a rig file that lists only what its tasks use: some 90 kB of process data, in 256 KiB of UMEM.
const FEWEST_SLOTS: usize = 64;
/// Frames that a sync unit may leave half empty: one for each way of access (LRW, LRW with overlapping data, LWR and LRD).
const CUT_FRAMES: usize = 3;
/// Most cyclic slots.
const MAX_FRAMES: usize = zerocat_engine::MAX_FRAMES;

/// The parts that live from the start of the realtime thread to its end.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) counters: CountersReader,
    pub(crate) thread: RealtimeThread,
    faults: FaultLogThread,
    pub(crate) link: LinkReport,
    /// What the interface had counted when the realtime thread began.
    nic: NicCounters,
    pub(crate) missing: Vec<String>,
    misdirected: Option<Misdirected>,
    pub(crate) cyclic_slots: u16,
    capture: Option<Capture>,
    _lock: Option<InterfaceLock>,
    _setup: ProcessSetup,
}

/// The ends that the owner of the bus holds.
pub(crate) struct BusEnds {
    /// The engine, which the realtime thread is given for the first cycle.
    pub(crate) engine: Engine<AnyLink>,
    /// Messages to the realtime thread.
    pub(crate) controls: Controls,
    /// The sending end of the frame pool.
    pub(crate) pdu_loop: PduLoop<'static>,
    /// Tells whether the link still has its interface and program.
    pub(crate) watch: Option<Box<dyn Watch>>,
}

impl Core {
    /// Starts the realtime thread over a link.
    pub(crate) fn start(
        rig: &Rig,
        link: OpenLink,
        file: Option<Outfile>,
        options: &SessionOptions,
    ) -> Result<(Self, BusEnds), SessionError> {
        link_idle_timer();
        let keep = options.privileges.kept(&link.report);
        // Its thread is started first, so that it inherits neither priority nor affinity.
        let (link, capture) = with_only(keep, || tapped(link, file))??;
        let period = Period::from_rate(rig.network.properties.rate)?;
        let request = RealtimeRequest {
            cpu: rig.engine.cpu,
            priority: Some(rig.engine.priority),
            keep,
            ..RealtimeRequest::default()
        };
        let setup = prepare_process(&request);
        let (wait, margin) = wait_policy(&rig.engine);
        let thread = RealtimeThread::start(request, Settings { period, wait }, margin)?;
        // A link that somebody else opened may have fewer; a plan that needs more is refused then.
        let cyclic_slots = cyclic_slots(rig).min(link.link.slots().saturating_sub(ACYCLIC_IN_FLIGHT));
        let (pool, pdu_loop) = Pool::new();
        let acyclic =
            AcyclicSettings { first_slot: Slot(cyclic_slots), in_flight: ACYCLIC_IN_FLIGHT, timeout: ACYCLIC_TIMEOUT };
        let (engine, parts) = Engine::new(link.link, timing(rig, period), pool, acyclic);
        let EngineParts { controls, counters, events } = parts;
        let interface = link.report.interface.clone();
        let carrier = move || has_carrier(&interface);
        let faults =
            with_only(keep, || FaultLogThread::start(events, period.duration(), FarEnd::of(&link.report), carrier))??;
        let thread = thread.ready()?;
        let mut missing = link.missing;
        missing.extend(setup.status.missing());
        missing.extend(thread.status.missing());
        missing.extend(keep.and_then(give_up));
        if wait == WaitPolicy::Spin {
            missing.extend(spinning(rig.engine.cpu));
        }
        let OpenLink { report: link, misdirected, lock, watch, .. } = link;
        let nic = NicCounters::of(&link.interface);
        let core = Self {
            nic,
            counters,
            thread,
            faults,
            link,
            missing,
            misdirected,
            cyclic_slots,
            capture,
            _lock: lock,
            _setup: setup,
        };
        Ok((core, BusEnds { engine, controls, pdu_loop, watch }))
    }

    /// EtherCAT frames that arrived where the link doesn't hear them, if any did.
    pub(crate) fn unheard(&self) -> Option<String> {
        self.misdirected.as_ref()?.seen()
    }

    /// Says in the capture, if there is one, what stands where in the frames to come.
    pub(crate) fn note(&self, planned: &Planned<'_>) {
        if let Some(capture) = &self.capture {
            capture.note(planned);
        }
    }

    /// What the interface counted of errors since the realtime thread began.
    pub(crate) fn nic_errors(&self) -> Option<NicErrors> {
        NicCounters::of(&self.link.interface).since(&self.nic)
    }

    /// Ends the realtime thread, which has been given its engine, and closes the link. A thread that has ended already is no
    /// error.
    pub(crate) fn end(self, mut controls: Controls) -> Result<Remains, ThreadPanic> {
        if controls.stop().is_err() {
            tracing::warn!("the realtime thread had ended already");
        }
        let outcome = self.thread.join();
        let logged = self.faults.stop();
        let RunOutcome { link, measurements, counters, usage, .. } = outcome?;
        let link = {
            let counters = link.counters();
            drop(link);
            counters
        };
        let captured = self.capture.map(Capture::stop);
        Ok(Remains { link, measurements, counters, usage, captured, logged })
    }
}

/// What is left of a core.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) link: LinkCounters,
    pub(crate) measurements: Measurements,
    pub(crate) counters: Counters,
    pub(crate) usage: Option<RealtimeUsage>,
    pub(crate) captured: Option<CaptureReport>,
    /// What the fault log counted.
    pub(crate) logged: FaultCounts,
}

/// Transmit slots that a link needs for a rig.
pub(crate) fn link_slots(rig: &Rig) -> u16 {
    slots_needed(cyclic_slots(rig).into(), ACYCLIC_IN_FLIGHT)
}

/// Slots for cyclic frames: twice what the rig file's process data fills, those that sync units leave half empty, and
/// some to spare.
fn cyclic_slots(rig: &Rig) -> u16 {
    let listed = |slave: &Slave| {
        let entries = slave.properties.pdos.inputs.iter().chain(&slave.properties.pdos.outputs);
        entries.map(|entry| usize::from(entry.bit_length)).sum::<usize>()
    };
    let bits: usize = rig.slaves.iter().map(|slave| listed(slave).max(slave.assign.bits())).sum();
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

fn wait_policy(section: &zerocat_config::EngineSection) -> (WaitPolicy, Margin) {
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
