//! The report of a run: what was asked for, what was had, what flowed. Later measurements rely on its keys.
//!
//! Schema `zerocat-report/1`. A key may be added within a version; none is renamed, removed or given another meaning.
//! A figure that couldn't be had is `null`, never 0.

use schemars::JsonSchema;
use serde::Serialize;
use zerocat_engine::{Distribution, Summary};
use zerocat_sched::Host;

/// Name and version of the schema.
pub const SCHEMA: &str = "zerocat-report/1";

/// The report of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Always `zerocat-report/1`.
    pub schema: &'static str,
    /// Version of zerocat.
    pub version: &'static str,
    /// The machine.
    pub host: HostReport,
    /// The link asked for and had.
    pub link: LinkReport,
    /// The network.
    pub network: NetworkReport,
    /// Cycles with cyclic frames, from the way to OP until the way down.
    pub cycles: Cycles,
    /// Datagrams that came back with another working counter than expected.
    pub working_counter_faults: u64,
    /// From the posting of a cycle's first frame to the return of its last, in ns; complete cycles only.
    pub round_trip_ns: Option<Figures>,
    /// From the tick to the wake-up, in ns.
    pub wakeup_jitter_ns: Option<Figures>,
    /// The tasks.
    pub tasks: Vec<TaskReport>,
    /// The realtime thread between its first and last cycle.
    pub rt: RtReport,
    /// From the start of bring-up to OP, in ms; `null` if OP was not reached.
    pub time_to_op_ms: Option<f64>,
    /// What was asked for and couldn't be had, a sentence each.
    pub missing: Vec<String>,
    /// Frames beside the cyclic ones.
    pub frames: Frames,
    /// What was captured; `null` where nothing was to be.
    pub capture: Option<CaptureReport>,
}

/// What was captured.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct CaptureReport {
    /// Frames in the file.
    pub frames: u64,
    /// Frames that the file lacks because its writer didn't keep up.
    pub missed: u64,
}

/// The machine.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
        let host = Host::read();
        Self {
            kernel: host.kernel,
            kernel_version: host.kernel_version,
            preempt_rt: host.preempt_rt,
            cpu: host.cpu_model,
            cores: host.cores,
            isolated: host.isolated,
            virtual_machine: host.virtual_machine,
            clocksource: host.clocksource,
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
}

/// The network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NetworkReport {
    /// Cycles per second asked for, in Hz.
    pub rate_hz: f64,
    /// SubDevices on the bus.
    pub subdevices: usize,
    /// Cyclic frames a cycle.
    pub frames: usize,
    /// Bytes of the process image.
    pub image_bytes: usize,
    /// How the realtime thread waited.
    pub wait: &'static str,
}

/// Cycles with cyclic frames.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Cycles {
    /// Cycles that were exchanged, complete or not.
    pub done: u64,
    /// Ticks of the grid that were missed.
    pub skipped: u64,
    /// Cycles of which at least one frame did not come back in time.
    pub lost: u64,
}

/// Figures of a distribution.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskReport {
    /// Its name in the rig file.
    pub name: String,
    /// `read` or `write`.
    pub kind: &'static str,
    /// Samples (of a write task: states) delivered.
    pub samples: u64,
    /// Samples lost to a full ring.
    pub overrun: u64,
    /// Complete command sets that reached the outputs; 0 for a read task.
    pub commands: u64,
}

/// The realtime thread between its first and last cycle.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct RtReport {
    /// Page faults served without I/O.
    pub page_faults_minor: Option<u64>,
    /// Page faults that needed I/O.
    pub page_faults_major: Option<u64>,
    /// Context switches that it didn't ask for.
    pub involuntary_switches: Option<u64>,
    /// Allocations, reallocations and frees.
    pub allocations: Option<u64>,
}

/// Frames beside the cyclic ones, and cyclic ones that went wrong.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
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
    /// Frames of neither lane.
    pub foreign: u64,
    /// Errors of the link.
    pub link_faults: u64,
}
