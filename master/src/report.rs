//! The report of a run: what was asked for, what was had, what flowed. Later measurements rely on its keys.
//!
//! Schema `zerocat-report/1`. A key may be added within a version; none is renamed, removed or given another meaning.
//! A figure that couldn't be had is `null`, never 0.

mod clocks;
mod ethernet;
mod gateway;
mod mailbox;
mod messages;
mod sync;

pub use clocks::{ClockReport, ClocksReport, ControllerReport};
pub use ethernet::EthernetReport;
pub use gateway::{GatewayClientReport, GatewayReport};
pub use mailbox::{MAILBOX_SCHEMA, MailboxCounters, MailboxFailures, MailboxMails, MailboxProtocols, MailboxReport};
pub use messages::{DiagnosisMessageReport, DiagnosisReport, EmergenciesReport, EmergencyReport};
pub use sync::{SyncParametersReport, SynchronizedReport};

use crate::health::OutOfOp;
use crate::told::{Retried, Voided};
use serde::Serialize;
use std::collections::BTreeMap;
use zerocat_engine::{Distribution, Summary};
use zerocat_faults::Fault;
use zerocat_tasks::{ChannelHeader, Counts, Refused};

/// Name and version of the schema.
pub const SCHEMA: &str = "zerocat-report/1";

/// The report of a run.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// Always `zerocat-report/1`.
    pub schema: &'static str,
    /// Version of zerocat.
    pub version: &'static str,
    /// The machine.
    pub host: HostReport,
    /// The link asked for and had.
    pub link: LinkReport,
    /// System calls of the link.
    pub link_calls: LinkCalls,
    /// What the interface counted of errors during the run; `null` where it can't be read.
    pub nic_errors: Option<NicErrors>,
    /// The network; `null` where the run did not come to OP.
    pub network: Option<NetworkReport>,
    /// Cycles with cyclic frames, from SAFE-OP during bring-up until the shutdown.
    pub cycles: Cycles,
    /// Datagrams that came back with another working counter than expected.
    pub working_counter_faults: u64,
    /// From the posting of a cycle's first frame to the return of its last, in ns; complete cycles only.
    pub round_trip_ns: Option<Figures>,
    /// From the tick to the wake-up, in ns.
    pub wakeup_jitter_ns: Option<Figures>,
    /// From the tick to the posting of the first frame, in ns.
    pub post_jitter_ns: Option<Figures>,
    /// From the tick to the return of the kick that sent the frames, in ns.
    pub send_jitter_ns: Option<Figures>,
    /// From the timer's deadline to the wake-up, of the sleep before each tick, in ns; `null` where it never slept.
    pub sleep_latency_ns: Option<Figures>,
    /// The margin of the wait `hybrid`; `null` with another wait.
    pub spin_margin: Option<MarginReport>,
    /// The tasks.
    pub tasks: Vec<TaskReport>,
    /// The realtime thread between its first and last cycle.
    pub rt: RtReport,
    /// From the start of bring-up to OP, in ms; `null` if OP was not reached.
    pub time_to_op_ms: Option<f64>,
    /// Times in which the network was lost.
    pub outages: OutagesReport,
    /// Times in which answers came later than a cycle waits for them.
    pub late: LateReport,
    /// SubDevices that were not in OP when shutdown began, while the others were.
    pub out_of_op: Vec<OutOfOpReport>,
    /// How often a SubDevice left OP while the others stayed in it.
    pub left_op: u64,
    /// SubDevices that refused an AL state before they got there, in the order of time; the first hundred.
    pub retried: Vec<RetriedReport>,
    /// SubDevices that have SYNC, and what they say of it.
    pub synchronized: Vec<SynchronizedReport>,
    /// SubDevices that have a mailbox, and what was counted of it; empty where OP was not reached.
    pub mailboxes: Vec<MailboxReport>,
    /// Emergencies that SubDevices sent while the network was in OP.
    pub emergencies: EmergenciesReport,
    /// Messages of diagnosis histories (object 0x10F3) that came up while the network was in OP.
    pub diagnosis: DiagnosisReport,
    /// Distributed clocks; `null` where there are none, they aren't used, or OP was not reached.
    pub clocks: Option<ClocksReport>,
    /// SubDevices whose commands became void because they were left without frames while others went on.
    pub commands_void: Vec<CommandsVoidReport>,
    /// Sets of a program's outputs that were dropped because they came too late: the cycle that they were computed from was
    /// older than the program allows when they would have been sent.
    pub late_commands: u64,
    /// Times that a program was silent for longer than it said, so that its outputs became safe.
    pub silent_writers: u64,
    /// How often each fault occurred, by its name (`zerocat faults`); those that did.
    pub faults: BTreeMap<&'static str, u64>,
    /// Limits of the rig file and what they were held against; empty where there are none, or OP was not reached.
    pub limits: Vec<LimitReport>,
    /// What was asked for and couldn't be had, a sentence each.
    pub missing: Vec<String>,
    /// Frames beside the cyclic ones.
    pub frames: Frames,
    /// The thread that owns the bus.
    pub bus: BusReport,
    /// The mailbox gateway; `null` where there was none.
    pub mailbox_gateway: Option<GatewayReport>,
    /// Ethernet of each SubDevice with EoE.
    pub ethernet: Vec<EthernetReport>,
    /// What was captured; `null` where nothing was to be.
    pub capture: Option<CaptureReport>,
    /// How far the run came: `link` (opening it), `listen`, `discover`, `pre_op`, `read_pdos`, `clocks`, `safe_op`, `exchange`,
    /// `op` or `running`.
    pub phase: &'static str,
    /// How the run ended; `null` where the program that ran it doesn't say.
    pub outcome: Option<OutcomeReport>,
    /// Lines that standard error did not take: a closed pipe, a full disk, a terminal that is stopped.
    pub unsaid: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeReport {
    /// Exit code of the program. What fails after the report is written is not in it.
    pub exit_code: u8,
    /// Name of the fault that it ended with; `null` where all was well. `zerocat faults` lists all.
    pub name: Option<&'static str>,
    /// Category of the fault: `network`, `device`, `master`, `config` or `user`; `null` where all was well.
    pub category: Option<&'static str>,
    /// The same in words.
    pub text: String,
}

impl Report {
    /// The report of a run that came no further than this link.
    #[must_use]
    pub fn of_link(link: LinkReport, missing: Vec<String>) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            host: HostReport::read(),
            link,
            link_calls: LinkCalls::default(),
            nic_errors: None,
            network: None,
            cycles: Cycles::default(),
            working_counter_faults: 0,
            round_trip_ns: None,
            wakeup_jitter_ns: None,
            post_jitter_ns: None,
            send_jitter_ns: None,
            sleep_latency_ns: None,
            spin_margin: None,
            tasks: Vec::new(),
            rt: RtReport::default(),
            time_to_op_ms: None,
            outages: OutagesReport::default(),
            late: LateReport::default(),
            out_of_op: Vec::new(),
            left_op: 0,
            retried: Vec::new(),
            synchronized: Vec::new(),
            mailboxes: Vec::new(),
            emergencies: EmergenciesReport::default(),
            diagnosis: DiagnosisReport::default(),
            clocks: None,
            commands_void: Vec::new(),
            late_commands: 0,
            silent_writers: 0,
            faults: BTreeMap::new(),
            limits: Vec::new(),
            missing,
            frames: Frames::default(),
            bus: BusReport::default(),
            mailbox_gateway: None,
            ethernet: Vec::new(),
            capture: None,
            phase: "link",
            outcome: None,
            unsaid: 0,
        }
    }
}

/// The thread that owns the bus, `zc-bus`, from OP to the beginning of shutdown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BusReport {
    /// Its CPU time, in percent of one CPU; `null` where OP was not reached.
    pub cpu_percent: Option<f64>,
    /// Datagrams that it asked for again, because nobody answered or because the answer couldn't be.
    pub asked_again: u64,
    /// Answers that couldn't be: damaged copies that came before the answer, or instead of it.
    pub impossible: u64,
}

/// A SubDevice that was not in OP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutOfOpReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// AL state that it shows, such as `SAFE-OP + ERROR`; `null` where it doesn't answer.
    pub state: Option<String>,
    /// AL status code; `null` where it doesn't answer.
    pub code: Option<u16>,
    /// Name of the fault.
    pub fault: &'static str,
    /// All of it in words.
    pub text: String,
}

impl OutOfOpReport {
    pub(crate) fn of(out: &OutOfOp) -> Self {
        Self {
            position: out.who.position,
            name: out.who.name.clone(),
            key: out.key.clone(),
            state: out.shown.map(|shown| shown.status.to_string()),
            code: out.shown.map(|shown| shown.code.0),
            fault: out.fault().name(),
            text: out.to_string(),
        }
    }
}

/// A SubDevice whose commands became void while others went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CommandsVoidReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// How often.
    pub times: u64,
    /// Whether its outputs are safe to the end, because no command came.
    pub waits: bool,
    /// What was said of it the last time.
    pub text: String,
}

impl CommandsVoidReport {
    pub(crate) fn of(voided: &Voided) -> Self {
        let Voided { void, times, waits } = voided;
        Self {
            position: void.who.position,
            name: void.who.name.clone(),
            key: void.key.clone(),
            times: *times,
            waits: *waits,
            text: void.to_string(),
        }
    }
}

/// A SubDevice that refused an AL state, and got there once its error was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RetriedReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// AL state that it was asked for, such as `OP`.
    pub state: String,
    /// How often it refused.
    pub times: usize,
    /// Its AL status codes, each once.
    pub codes: Vec<u16>,
    /// All of it in words.
    pub text: String,
}

impl RetriedReport {
    pub(crate) fn of(retried: &Retried) -> Self {
        Self {
            position: retried.who.position,
            name: retried.who.name.clone(),
            key: retried.key.clone(),
            state: retried.state.to_string(),
            times: retried.times,
            codes: retried.codes.iter().map(|code| code.0).collect(),
            text: retried.to_string(),
        }
    }
}

/// A limit of the rig file, held against a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LimitReport {
    /// Its key below `limits`, such as `lost_cycles` or `round_trip.p99`.
    pub key: String,
    /// `count`, or `ns` for times.
    pub unit: &'static str,
    /// The most that is allowed.
    pub limit: u64,
    /// What it was; `null` where it could not be measured.
    pub value: Option<u64>,
    /// Whether it was held.
    pub held: bool,
}

/// An outage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutageReport {
    /// Why the network was lost, in words.
    pub cause: String,
    /// Name of the fault.
    pub cause_name: &'static str,
    /// From its detection until OP, or until the end of the run, in ms.
    pub lasted_ms: f64,
    /// Whether it ended in OP.
    pub recovered: bool,
}

/// Times in which frames stood still for as long as the SubDevices' watchdog, each until the network was in OP again.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutagesReport {
    /// How many.
    pub count: u64,
    /// How many of them ended in OP.
    pub recovered: u64,
    /// The longest of them that ended, in ms; 0 where none did.
    pub longest_ms: f64,
    /// The first hundred of them.
    pub list: Vec<OutageReport>,
}

/// Times in which answers came later than a cycle waits for them: the period was too short for the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LateReport {
    /// How many.
    pub count: u64,
    /// How long they lasted in all, in ms.
    pub total_ms: f64,
    /// How many cycles late answers came at most.
    pub most_cycles: u64,
}

/// What was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CaptureReport {
    /// Frames in the file.
    pub frames: u64,
    /// Frames that the file lacks because its writer didn't keep up, or failed.
    pub missed: u64,
    /// Why the capture ended before the run; `null` where it didn't.
    pub failed: Option<String>,
}

/// The machine.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HostReport {
    /// Kernel release.
    pub kernel: String,
    /// Kernel build, as `uname -v` prints it.
    pub kernel_version: String,
    /// Whether the kernel is PREEMPT_RT.
    pub preempt_rt: bool,
    /// CPU model.
    pub cpu: Option<String>,
    /// CPUs online.
    pub cores: usize,
    /// CPUs isolated from the scheduler.
    pub isolated: Vec<usize>,
    /// Whether it is a virtual machine.
    pub virtual_machine: bool,
    /// The kernel's clock source.
    pub clocksource: Option<String>,
}

impl HostReport {
    /// This machine.
    #[must_use]
    pub fn read() -> Self {
        crate::host_facts::machine()
    }
}

impl std::fmt::Display for HostReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let preemption = if self.preempt_rt { "PREEMPT_RT" } else { "not PREEMPT_RT" };
        write!(f, "Linux {} ({preemption}), {} cores", self.kernel, self.cores)?;
        if let Some(cpu) = &self.cpu {
            write!(f, ", {cpu}")?;
        }
        if self.virtual_machine { f.write_str(", virtual machine") } else { Ok(()) }
    }
}

/// The link asked for and had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkReport {
    /// `xdp`, `packet` or `in_process`.
    pub kind: &'static str,
    /// Interface.
    pub interface: String,
    /// Driver of the interface, as the kernel names it.
    pub driver: Option<String>,
    /// XDP mode asked for (`auto`, `zero_copy`, `native_copy`, `generic`); `null` for other kinds.
    pub mode_asked: Option<&'static str>,
    /// XDP mode read back from the kernel; `null` for other kinds.
    pub mode_got: Option<&'static str>,
    /// Why `auto` got no better mode: what the kernel said to the first one that it refused; `null` where it got zero-copy, where
    /// a mode was named, and for other kinds.
    pub mode_why: Option<String>,
    /// Queue of the interface that the XDP socket is bound to; `null` for other kinds.
    pub queue: Option<u32>,
    /// Whether the kernel says when it must be woken (`when_needed`, `always`); `null` for other kinds than `xdp`.
    pub wakeup: Option<&'static str>,
    /// Pages of the UMEM (`ordinary`, `huge`); `null` for other kinds than `xdp`.
    pub umem_pages: Option<&'static str>,
    /// Busy polling; `null` for other kinds than `xdp`.
    pub busy_poll: Option<BusyPollReport>,
    /// Where the times of received frames come from: `software`, the realtime thread's clock when it finds a frame.
    pub receive_stamps: &'static str,
}

impl LinkReport {
    /// Of a link of some kind on an interface, of which nothing else is known.
    #[must_use]
    pub fn new(kind: &'static str, interface: &str) -> Self {
        Self {
            kind,
            interface: interface.to_owned(),
            driver: None,
            mode_asked: None,
            mode_got: None,
            mode_why: None,
            queue: None,
            wakeup: None,
            umem_pages: None,
            busy_poll: None,
            receive_stamps: "software",
        }
    }

    /// The XDP mode that was had, and what of the options is on: `zero_copy, busy polling, huge pages`.
    #[must_use]
    pub fn got(&self) -> Option<String> {
        let mut text = self.mode_got?.to_owned();
        if self.busy_poll.as_ref().is_some_and(|busy_poll| busy_poll.on) {
            text.push_str(", busy polling");
        }
        if self.umem_pages == Some("huge") {
            text.push_str(", huge pages");
        }
        Some(text)
    }
}

/// Busy polling as asked for and had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BusyPollReport {
    /// `off`, `auto` or `on`.
    pub asked: &'static str,
    /// Whether it is on.
    pub on: bool,
    /// Why it is off although it was asked for.
    pub why_not: Option<String>,
    /// NAPI instance of the queue; `null` where it is off, as what follows.
    pub napi_id: Option<u32>,
    /// Most frames that the kernel takes in one look.
    pub budget: Option<u16>,
    /// Looks that find nothing before the NIC's interrupt is enabled again.
    pub napi_defer_hard_irqs: Option<u32>,
    /// Time after which the kernel looks by itself, in ns.
    pub gro_flush_timeout_ns: Option<u64>,
}

/// System calls of the link since it was opened, all on the realtime thread; none of them waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LinkCalls {
    /// To send, or to wake the driver.
    pub kicks: u64,
    /// To have the kernel look for received frames (busy polling).
    pub polls: u64,
}

/// What an interface counted between the start of the realtime thread and its end (`/proc/net/dev`). Errors of before the
/// run, and those of a program's attaching, are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct NicErrors {
    /// Frames received with an error.
    pub received: u64,
    /// Frames received and thrown away: no room, or nobody's.
    pub dropped: u64,
    /// Frames that weren't sent because of an error.
    pub sent: u64,
}

/// The network.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct NetworkReport {
    /// Cycles per second asked for, in Hz.
    pub rate_hz: f64,
    /// SubDevices on the bus.
    pub subdevices: usize,
    /// Cyclic frames, of all sync units together.
    pub frames: usize,
    /// Bytes of the process image.
    pub image_bytes: usize,
    /// Sync units that have process data.
    pub units: Vec<UnitReport>,
    /// How SubDevices with process data are reached.
    pub access: AccessReport,
    /// SubDevices that tell by a status byte in each frame that they answer; the others have no FMMU to spare.
    pub status_bytes: usize,
    /// How the realtime thread waited.
    pub wait: &'static str,
}

/// A sync unit: SubDevices that are exchanged together.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UnitReport {
    /// Its name in the rig file; `null` for the SubDevices that are in no unit and exchanged in every cycle.
    pub name: Option<String>,
    /// Exchanged in every n-th cycle.
    pub every: u32,
    /// In which of the n, from 0.
    pub phase: u32,
    /// Exchanges per second, in Hz.
    pub rate_hz: f64,
    /// Its SubDevices with process data.
    pub subdevices: usize,
    /// The frames that carry them; units of the same cycles share frames.
    pub frames: usize,
    /// Bytes of their process data.
    pub data_bytes: usize,
}

/// How many SubDevices with process data are reached in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AccessReport {
    /// By LRW, inputs and outputs apart.
    pub lrw: usize,
    /// By LRW, inputs at the logical addresses of outputs.
    pub lrw_overlapping: usize,
    /// By LWR and LRD.
    pub lwr_lrd: usize,
}

/// Cycles with cyclic frames.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Cycles {
    /// Cycles that were exchanged, complete or not.
    pub done: u64,
    /// Ticks of the grid that were missed.
    pub skipped: u64,
    /// Cycles of which at least one frame did not come back in time.
    pub lost: u64,
}

/// Figures of a distribution.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Figures {
    /// Smallest.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Number of values.
    pub n: u64,
}

impl Figures {
    /// The figures of a distribution, `None` if it is empty.
    #[must_use]
    pub fn of(distribution: &Distribution) -> Option<Self> {
        distribution.summary().map(|Summary { min, p50, p99, p999, max, n }| Self { min, p50, p99, p999, max, n })
    }
}

/// One task.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TaskReport {
    /// Its name in the rig file.
    pub name: String,
    /// `read` or `write`.
    pub kind: &'static str,
    /// Its enabled channels, in the order of the rig file.
    pub channels: Vec<ChannelHeader>,
    /// Where its data went: paths, or `standard output`.
    pub sinks: Vec<String>,
    /// Samples (of a write task: states) delivered.
    pub samples: u64,
    /// Samples lost to a full ring.
    pub overrun: u64,
    /// Batches made of them.
    pub batches: u64,
    /// Of these, those that a sink didn't take: a full disk, a closed pipe. Each sink counts.
    pub batches_lost: u64,
    /// Sinks that were left behind at the end, because they took nothing any more.
    pub sinks_stuck: u64,
    /// Complete command sets that reached the outputs; 0 for a read task.
    pub commands: u64,
    /// Commands that were refused, by kind; empty for a read task.
    pub refused: Vec<RefusedReport>,
    /// Where the commands came from; `null` for a read task.
    pub source: Option<SourceReport>,
}

/// Commands of a task that were refused for reasons of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RefusedReport {
    /// Name of the fault.
    pub fault: &'static str,
    /// How many.
    pub count: u64,
    /// Why the first of them was refused.
    pub first: String,
}

impl RefusedReport {
    pub(crate) fn of((fault, Refused { count, first }): (Fault, Refused)) -> Self {
        Self { fault: fault.name(), count, first }
    }
}

/// What became of the source of a write task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SourceReport {
    /// Times that its commands went live: at the start, and after each outage.
    pub live: u64,
    /// Times that it was silent for longer than its `timeout`, so that its outputs became safe.
    pub silent: u64,
    /// Times that it was heard again after that.
    pub heard_again: u64,
    /// Whether it has ended, so that its outputs became safe.
    pub ended: bool,
    /// Lines refused because too many waited for their turn.
    pub overflowed: u64,
}

impl SourceReport {
    pub(crate) const fn of(counts: &Counts) -> Self {
        let Counts { live, silent, heard_again, ended, overflowed, .. } = *counts;
        Self { live, silent, heard_again, ended: ended > 0, overflowed }
    }
}

/// The margin of the wait `hybrid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MarginReport {
    /// Time before the tick at which the sleep ended, in ns.
    pub margin_ns: u64,
    /// What it was learned from; `null` where the rig file gave it.
    pub learned: Option<LearnedReport>,
}

impl std::fmt::Display for MarginReport {
    /// `63 us, learned from 64 wake-ups (p50 31 us, p99 50 us, longest 412 us)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = |nanos: u64| nanos.div_ceil(1_000);
        write!(f, "{} us, ", micros(self.margin_ns))?;
        let Some(LearnedReport { wake_ups, p50_ns, p99_ns, max_ns }) = self.learned else {
            return f.write_str("as the rig file has it");
        };
        let [p50, p99, longest] = [p50_ns, p99_ns, max_ns].map(micros);
        write!(f, "learned from {wake_ups} wake-ups (p50 {p50} us, p99 {p99} us, longest {longest} us)")
    }
}

/// The wake-ups that a margin was learned from, before the first cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LearnedReport {
    /// How many.
    pub wake_ups: u32,
    /// Median of their latency in ns.
    pub p50_ns: u64,
    /// 99th percentile in ns.
    pub p99_ns: u64,
    /// The longest in ns.
    pub max_ns: u64,
}

/// Times in which the realtime thread wanted to run and didn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Holes {
    /// How many.
    pub count: u64,
    /// The longest in ns.
    pub longest_ns: u64,
    /// All together in ns.
    pub total_ns: u64,
}

/// The realtime thread between its first and last cycle.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RtReport {
    /// Page faults served without I/O.
    pub page_faults_minor: Option<u64>,
    /// Page faults that needed I/O.
    pub page_faults_major: Option<u64>,
    /// Context switches that it didn't ask for.
    pub involuntary_switches: Option<u64>,
    /// Allocations, reallocations and frees.
    pub allocations: Option<u64>,
    /// Times of more than 100 us in which it wanted to run and didn't, in cycles with cyclic frames.
    pub holes: Holes,
    /// Memory of the process that is locked in OP, in KiB: pages that are there, program and libraries included.
    pub locked_kib: Option<u64>,
}

/// Frames beside the cyclic ones, and cyclic ones that went wrong.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Frames {
    /// Cyclic frames that did not come back in time.
    pub cyclic_lost: u64,
    /// Cyclic frames that came back after their cycle.
    pub cyclic_late: u64,
    /// Cyclic frames that could not be posted.
    pub cyclic_unsent: u64,
    /// Acyclic frames sent.
    pub acyclic_sent: u64,
    /// Acyclic frames lost.
    pub acyclic_lost: u64,
    /// Frames of the acyclic lane that answered none of its frames: late, doubled or damaged.
    pub acyclic_stray: u64,
    /// Frames of neither lane.
    pub foreign: u64,
    /// Errors of the link.
    pub link_faults: u64,
    /// Frames that arrived and found no room, or were none of ours to hear.
    pub dropped: u64,
    /// Frames that the interface refused to send.
    pub refused: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_says_where_it_is_from() {
        let learned = LearnedReport { wake_ups: 64, p50_ns: 30_400, p99_ns: 50_000, max_ns: 411_100 };
        let margin = MarginReport { margin_ns: 63_000, learned: Some(learned) };
        assert_eq!(margin.to_string(), "63 us, learned from 64 wake-ups (p50 31 us, p99 50 us, longest 412 us)");
        let given = MarginReport { margin_ns: 40_000, learned: None };
        assert_eq!(given.to_string(), "40 us, as the rig file has it");
    }
}
