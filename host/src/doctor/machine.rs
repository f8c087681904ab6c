//! What is read of the machine, below a root that contains `/proc`, `/sys`, `/boot`, `/dev` and `/etc`.

use super::irq::{Irq, read_irqs};
use super::irq_thread::{self, IrqThread};
use super::rights::Rights;
use crate::files;
use crate::kernel_config::KernelConfig;
use crate::machine::Host;
use crate::starvation;
use crate::throttling::Throttling;
use std::fs;
use std::io;
use std::path::Path;
use zerocat_sched::cpu_list;

/// The machine. `None` is what couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostReading {
    /// Kernel, CPUs, clock source.
    pub host: Host,
    /// How the kernel throttles realtime threads.
    pub throttling: Throttling,
    /// Configuration of the kernel.
    pub config: Option<KernelConfig>,
    /// CPUs that are online.
    pub online: Vec<usize>,
    /// CPUs that this process may run on.
    pub allowed: Vec<usize>,
    /// CPU and frequency governor, for each CPU that has one.
    pub governors: Vec<(usize, String)>,
    /// CPU and all CPUs on its core, itself included.
    pub siblings: Vec<(usize, Vec<usize>)>,
    /// Whether `/dev/cpu_dma_latency` can be opened for writing; `None` if there is no such device.
    pub dma_latency: Option<bool>,
    /// Whether `/dev/net/tun` can be opened; `None` if there is no such device.
    pub tun: Option<bool>,
    /// Interrupts with a handler.
    pub irqs: Vec<Irq>,
    /// Kernel threads that serve interrupts.
    pub irq_threads: Vec<IrqThread>,
    /// Names of the processes; empty if they can't be seen.
    pub processes: Vec<String>,
    /// Loaded kernel modules.
    pub modules: Option<Vec<String>>,
    /// Transparent huge pages: `always`, `madvise`, `never`.
    pub huge_pages: Option<String>,
    /// `/sys/kernel/mm/ksm/run`.
    pub same_page_merging: Option<u8>,
    /// Swap areas in use.
    pub swaps: Option<usize>,
    /// `/proc/sys/kernel/numa_balancing`.
    pub numa_balancing: Option<u8>,
    /// Reserved huge pages of 2 MiB: how many are free, and how many there are.
    pub reserved_pages: Option<(u64, u64)>,
    /// How much longer the kernel may let an ordinary thread of this process sleep, in ns.
    pub timer_slack_ns: Option<u64>,
    /// Active profile of tuned.
    pub tuned_profile: Option<String>,
    /// What this process may do.
    pub rights: Rights,
}

impl HostReading {
    /// Reads it below `root`.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let host = Host::read_from(root);
        let online = cpu_list::read(root, "online");
        let of_cpu = |cpu: usize, file: &str| files::text(root, &format!("sys/devices/system/cpu/cpu{cpu}/{file}"));
        Self {
            throttling: Throttling::read(root),
            config: KernelConfig::read(root, &host.kernel),
            governors: online.iter().filter_map(|&cpu| Some((cpu, of_cpu(cpu, "cpufreq/scaling_governor")?))).collect(),
            siblings: online
                .iter()
                .filter_map(|&cpu| Some((cpu, cpu_list::parse(&of_cpu(cpu, "topology/thread_siblings_list")?))))
                .collect(),
            dma_latency: dma_latency(root),
            tun: tun(root),
            irqs: read_irqs(root),
            irq_threads: irq_thread::read(root),
            processes: processes(root),
            modules: modules(root),
            huge_pages: files::text(root, "sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|text| files::bracketed(&text).map(str::to_owned)),
            same_page_merging: files::number(root, "sys/kernel/mm/ksm/run"),
            // The first line is a header.
            swaps: files::text(root, "proc/swaps").map(|text| text.lines().count().saturating_sub(1)),
            numa_balancing: files::number(root, "proc/sys/kernel/numa_balancing"),
            reserved_pages: free_pages(root),
            timer_slack_ns: files::number(root, "proc/self/timerslack_ns"),
            tuned_profile: files::text(root, "etc/tuned/active_profile"),
            allowed: starvation::allowed(root),
            rights: Rights::read(root),
            host,
            online,
        }
    }

    /// Whether a process of this name is running; `None` if processes can't be seen.
    #[must_use]
    pub fn runs(&self, name: &str) -> Option<bool> {
        (!self.processes.is_empty()).then(|| self.processes.iter().any(|process| process == name))
    }
}

/// Opens the device without writing to it, which requests no latency.
fn dma_latency(root: &Path) -> Option<bool> {
    let path = root.join("dev/cpu_dma_latency");
    path.exists().then(|| fs::OpenOptions::new().write(true).open(path).is_ok())
}

/// Opens the device, which makes no interface.
fn tun(root: &Path) -> Option<bool> {
    let path = root.join("dev/net/tun");
    path.exists().then(|| fs::OpenOptions::new().read(true).write(true).open(path).is_ok())
}

fn free_pages(root: &Path) -> Option<(u64, u64)> {
    let number = |file: &str| files::number(root, &format!("sys/kernel/mm/hugepages/hugepages-2048kB/{file}"));
    number("free_hugepages").zip(number("nr_hugepages"))
}

fn processes(root: &Path) -> Vec<String> {
    let pids = files::names(root, "proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    pids.filter_map(|pid| files::text(root, &format!("proc/{pid}/comm"))).collect()
}

/// An empty list if the kernel has no such file, because it was built without modules.
fn modules(root: &Path) -> Option<Vec<String>> {
    let text = match fs::read_to_string(root.join("proc/modules")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && root.join("proc/version").exists() => String::new(),
        text => text.ok()?,
    };
    Some(text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect())
}
