//! The machine that a bench ran on: its keys are those of a run's report.

use serde::Serialize;
use zerocat_sched::{Host, Nic};

/// What figures depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenchHost {
    /// Kernel release.
    pub kernel: String,
    /// Kernel build, as `uname -v` prints it.
    pub kernel_version: String,
    /// Whether the kernel is PREEMPT_RT.
    pub preempt_rt: bool,
    /// CPU model.
    pub cpu: Option<String>,
    /// CPUs on line.
    pub cores: usize,
    /// CPUs isolated from the scheduler.
    pub isolated: Vec<usize>,
    /// Whether it is a virtual machine.
    pub virtual_machine: bool,
    /// The kernel's clock source.
    pub clocksource: Option<String>,
    /// The interface with its driver; `null` for a bench without one.
    pub interface: Option<Nic>,
}

impl BenchHost {
    /// This machine, with an interface of it.
    #[must_use]
    pub fn read(interface: Option<&str>) -> Self {
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
            interface: interface.and_then(Nic::for_interface),
        }
    }
}

impl std::fmt::Display for BenchHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let preemption = if self.preempt_rt { "PREEMPT_RT" } else { "not PREEMPT_RT" };
        write!(f, "Linux {} ({preemption}), {} cores", self.kernel, self.cores)?;
        if let Some(cpu) = &self.cpu {
            write!(f, ", {cpu}")?;
        }
        if self.virtual_machine {
            f.write_str(", virtual machine")?;
        }
        if let Some(Nic { name, driver, .. }) = &self.interface {
            write!(f, "; interface {name} (driver {})", driver.as_deref().unwrap_or("unknown"))?;
        }
        Ok(())
    }
}
