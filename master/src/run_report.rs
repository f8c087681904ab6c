//! The report of a run: made of what its threads counted and timed.

use crate::bring_up::Planned;
use crate::core::{Core, Remains};
use crate::events::Phase;
use crate::fault_counts::counts;
use crate::health::Health;
use crate::layout;
use crate::recovery::{Outage, Outages};
use crate::report::{
    BusReport, ClocksReport, CommandsVoidReport, Cycles, DiagnosisReport, EmergenciesReport, EthernetReport, Figures,
    Frames, Holes, HostReport, LateReport, LinkCalls, LinkReport, MarginReport, NetworkReport, NicErrors,
    OutOfOpReport, OutageReport, OutagesReport, Report, RetriedReport, RtReport, SCHEMA, SynchronizedReport,
    TaskReport,
};
use crate::session::Facts;
use crate::told::Told;
use std::time::Duration;
use zerocat_bus::{DatagramCounters, EthernetCounters};
use zerocat_config::Rig;
use zerocat_engine::{Counters, RealtimeUsage};
use zerocat_link::LinkCounters;
use zerocat_sched::memory::locked_kib;
use zerocat_sched::time::{ClockPair, nanos};

/// What is known of a run while its threads still live.
#[derive(Debug)]
pub(crate) struct RunReport {
    link: LinkReport,
    nic: Option<NicErrors>,
    margin: Option<MarginReport>,
    tasks: Vec<TaskReport>,
    missing: Vec<String>,
    locked_kib: Option<u64>,
    /// Of a network that reached OP.
    reached: Option<Facts>,
    phase: &'static str,
    datagrams: DatagramCounters,
    told: Told,
    ethernet: Vec<(u16, EthernetCounters)>,
}

impl RunReport {
    /// Takes what is gone when the realtime thread has ended.
    pub(crate) fn of(
        core: &Core,
        reached: Option<Facts>,
        tasks: Vec<TaskReport>,
        furthest: Option<Phase>,
        told: Told,
        datagrams: DatagramCounters,
    ) -> Self {
        let missing = reached.as_ref().map_or(&core.missing, |facts| &facts.missing);
        Self {
            link: core.link.clone(),
            nic: core.nic_errors(),
            margin: core.thread.waits().margin(),
            tasks,
            missing: missing.iter().cloned().chain(core.unheard()).collect(),
            locked_kib: locked_kib(),
            reached,
            phase: furthest.map_or("link", Phase::name),
            datagrams,
            told,
            ethernet: Vec::new(),
        }
    }

    /// With what was counted of Ethernet of SubDevices.
    pub(crate) fn with_ethernet(self, ethernet: Vec<(u16, EthernetCounters)>) -> Self {
        Self { ethernet, ..self }
    }

    /// Whether the network was in OP once.
    pub(crate) const fn reached_op(&self) -> bool {
        self.reached.is_some()
    }

    /// The report where nothing is left of the realtime thread.
    pub(crate) fn of_link(self) -> Report {
        Report { phase: self.phase, ..Report::of_link(self.link, self.missing) }
    }

    /// The report.
    pub(crate) fn close(self, remains: &Remains, outages: &Outages, health: &Health) -> Report {
        let Counters { cycles, skipped, lost_cycles, working_counter_faults, .. } = remains.counters;
        let faults = counts(&self.told.faults, remains, &self.tasks);
        let clocks = ClockPair::read();
        let keys = self.reached.as_ref().map(|facts| facts.rig_keys.clone()).unwrap_or_default();
        let names = self.reached.as_ref().map_or(&[][..], |facts| &facts.subdevices);
        Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            host: HostReport::read(),
            link: self.link,
            link_calls: LinkCalls { kicks: remains.link.kicks, polls: remains.link.polls },
            nic_errors: self.nic,
            network: self.reached.as_ref().map(|facts| facts.network.clone()),
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
            time_to_op_ms: self.reached.as_ref().map(|facts| milliseconds(facts.time_to_op)),
            outages: outages_report(outages),
            late: LateReport::default(),
            out_of_op: health.out().map(OutOfOpReport::of).collect(),
            left_op: health.left(),
            retried: self.told.retried.list().iter().map(RetriedReport::of).collect(),
            synchronized: self.told.synchronized.values().map(SynchronizedReport::of).collect(),
            mailboxes: Vec::new(),
            emergencies: EmergenciesReport::of(&self.told.emergencies, &clocks),
            diagnosis: DiagnosisReport::of(&self.told.diagnosis, &clocks),
            clocks: self.told.clocks.as_ref().map(ClocksReport::of),
            commands_void: self.told.voided.iter().map(CommandsVoidReport::of).collect(),
            late_commands: remains.counters.late_commands,
            silent_writers: remains.counters.silent_writers,
            faults,
            limits: Vec::new(),
            missing: self.missing,
            frames: frames(&remains.counters, remains.link),
            mailbox_gateway: None,
            ethernet: EthernetReport::of(self.ethernet, names, &keys),
            capture: remains.captured.clone(),
            bus: BusReport {
                cpu_percent: None,
                asked_again: self.datagrams.repeated,
                impossible: self.datagrams.impossible,
            },
            phase: self.phase,
            outcome: None,
            unsaid: 0,
        }
    }
}

/// The network as it was planned.
pub(crate) fn network(rig: &Rig, planned: &Planned<'_>, wait: &'static str) -> NetworkReport {
    NetworkReport {
        rate_hz: rig.network.properties.rate,
        subdevices: planned.network.subdevices().len(),
        frames: planned.plan.frames.len(),
        image_bytes: planned.plan.image_len,
        units: layout::report(rig, &planned.plan),
        access: layout::access_report(&planned.plan),
        status_bytes: planned.plan.subdevices.iter().filter(|one| one.status.is_some()).count(),
        wait,
    }
}

fn outages_report(outages: &Outages) -> OutagesReport {
    let one = |outage: &Outage| OutageReport {
        cause: outage.cause.to_string(),
        cause_name: outage.cause.fault().name(),
        lasted_ms: milliseconds(outage.lasted),
        recovered: outage.recovered,
    };
    OutagesReport {
        count: outages.count,
        recovered: outages.recovered,
        longest_ms: milliseconds(outages.longest),
        list: outages.list.iter().map(one).collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^53")]
pub(crate) fn milliseconds(time: Duration) -> f64 {
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
        acyclic_stray: counters.acyclic_stray,
        foreign: counters.foreign_frames,
        link_faults: counters.link_faults,
        dropped: link.dropped,
        refused: link.send_errors,
    }
}
