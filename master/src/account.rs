//! The account of a run: from what the realtime thread counted and timed to the report.

use crate::bring_up::Planned;
use crate::core::{Core, Remains};
use crate::exchange;
use crate::progress::Phase;
use crate::recovery::Outages;
use crate::report::{
    CaptureReport, Cycles, Figures, Frames, Holes, HostReport, LinkCalls, LinkReport, MarginReport, NetworkReport,
    NicErrors, OutagesReport, Report, RtReport, SCHEMA, TaskReport,
};
use std::path::Path;
use std::time::Duration;
use zerocat_engine::{Counters, RealtimeUsage};
use zerocat_host::doctor::read_counters;
use zerocat_link::LinkCounters;
use zerocat_link::tap::Captured;
use zerocat_sched::memory::locked_kib;
use zerocat_sched::time::nanos;

/// What is known of a run while it still lives.
#[derive(Debug)]
pub(crate) struct Account {
    link: LinkReport,
    nic: Option<NicErrors>,
    network: Option<NetworkReport>,
    margin: Option<MarginReport>,
    tasks: Vec<TaskReport>,
    missing: Vec<String>,
    time_to_op: Option<Duration>,
    locked_kib: Option<u64>,
    outages: Outages,
    phase: &'static str,
}

impl Account {
    /// Takes down what is gone when the realtime thread has ended.
    pub(crate) fn open(
        core: &Core,
        planned: &Planned,
        tasks: Vec<TaskReport>,
        time_to_op: Duration,
        outages: Outages,
    ) -> Self {
        let network = Some(network(core, planned));
        Self { network, tasks, time_to_op: Some(time_to_op), outages, ..Self::before_op(core) }
    }

    /// The same of a run that did not come to OP.
    pub(crate) fn before_op(core: &Core) -> Self {
        let margin = core.thread.begun.margin();
        Self {
            link: core.link.clone(),
            nic: nic_errors(core),
            network: None,
            margin,
            tasks: Vec::new(),
            missing: core.missing.iter().cloned().chain(core.unheard()).collect(),
            time_to_op: None,
            locked_kib: locked_kib(),
            outages: Outages::default(),
            phase: core.progress.furthest().map_or("link", Phase::name),
        }
    }

    /// The report.
    pub(crate) fn close(self, remains: &Remains) -> Report {
        let Counters { cycles, skipped, lost_cycles, working_counter_faults, .. } = remains.counters;
        Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            host: HostReport::read(),
            link: self.link,
            link_calls: LinkCalls { kicks: remains.link.kicks, polls: remains.link.polls },
            nic_errors: self.nic,
            network: self.network,
            cycles: Cycles { done: cycles, skipped, lost: lost_cycles },
            working_counter_faults,
            round_trip_ns: Figures::of(&remains.measurements.round_trip),
            wakeup_jitter_ns: Figures::of(&remains.measurements.wakeup_jitter),
            post_jitter_ns: Figures::of(&remains.measurements.post_jitter),
            send_jitter_ns: Figures::of(&remains.measurements.send_jitter),
            sleep_latency_ns: Figures::of(&remains.measurements.sleep_latency),
            spin_margin: self.margin,
            tasks: self.tasks,
            rt: RtReport {
                holes: holes(&remains.counters),
                locked_kib: self.locked_kib,
                ..remains.usage.as_ref().map_or_else(RtReport::default, rt)
            },
            time_to_op_ms: self.time_to_op.map(milliseconds),
            outages: OutagesReport {
                count: self.outages.count,
                recovered: self.outages.recovered,
                longest_ms: milliseconds(self.outages.longest),
            },
            missing: self.missing,
            frames: frames(&remains.counters, remains.link),
            capture: remains.captured.map(|Captured { frames, missed }| CaptureReport { frames, missed }),
            phase: self.phase,
            outcome: None,
            unsaid: 0,
        }
    }
}

fn network(core: &Core, planned: &Planned) -> NetworkReport {
    NetworkReport {
        rate_hz: core.rig.network.properties.rate,
        subdevices: planned.network.subdevices().len(),
        frames: planned.plan.frames.len(),
        image_bytes: planned.plan.image_len,
        units: exchange::report(&core.rig, &planned.plan),
        access: exchange::access_report(&planned.plan),
        wait: core.thread.begun.wait.name(),
    }
}

fn nic_errors(core: &Core) -> Option<NicErrors> {
    let counters = read_counters(Path::new("/"), &core.link.interface)?.since(&core.nic?);
    Some(NicErrors { received: counters.rx_errors, dropped: counters.rx_dropped, sent: counters.tx_errors })
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^53")]
fn milliseconds(time: Duration) -> f64 {
    (nanos(time) / 1000) as f64 / 1000.0
}

fn rt(usage: &RealtimeUsage) -> RtReport {
    RtReport {
        page_faults_minor: Some(usage.thread.faults_minor),
        page_faults_major: Some(usage.thread.faults_major),
        involuntary_switches: Some(usage.thread.switches_involuntary),
        allocations: usage.allocations.map(|count| count.total()),
        holes: Holes::default(),
        locked_kib: None,
    }
}

const fn holes(counters: &Counters) -> Holes {
    Holes { count: counters.holes, longest_ns: counters.hole_longest, total_ns: counters.hole_total }
}

const fn frames(counters: &Counters, link: LinkCounters) -> Frames {
    Frames {
        cyclic_lost: counters.lost_frames,
        cyclic_late: counters.late_frames,
        cyclic_unsent: counters.unsent_frames,
        acyclic_sent: counters.acyclic_sent,
        acyclic_lost: counters.acyclic_lost,
        foreign: counters.foreign_frames,
        link_faults: counters.link_faults,
        dropped: link.dropped,
        refused: link.send_errors,
    }
}
