//! How the kernel throttles a realtime thread that never sleeps.
//!
//! A thread that spins under SCHED_FIFO loses its core once in every second, by one of three mechanisms:
//! `sched_rt_runtime_us` (kernels before 6.12, and later ones built with RT_GROUP_SCHED), the budget of its cgroup
//! (RT_GROUP_SCHED), and the fair server (from 6.12: a deadline server that gives starved ordinary threads 5 %,
//! `kernel/sched/fair.c`). A thread that sleeps in each cycle isn't affected.

use crate::files;
use crate::kernel_config::{KernelConfig, Setting};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// The machine's settings for throttling. `None` is what can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Throttling {
    /// `/proc/sys/kernel/sched_rt_runtime_us`: time per period for realtime threads, in us; -1 is all of it.
    pub rt_runtime_us: Option<i64>,
    /// `/proc/sys/kernel/sched_rt_period_us`, in us.
    pub rt_period_us: Option<u64>,
    /// Whether the kernel has RT_GROUP_SCHED, by a file in the cgroup v1 tree or by the kernel's configuration.
    pub group_scheduling: bool,
    /// Whether the kernel has a fair server: it is 6.12 or later.
    pub has_fair_server: bool,
    /// Run time of each CPU's fair server, in ns per second, if debugfs can be read; 0 is off.
    pub fair_server_ns: Vec<(usize, u64)>,
}

impl Throttling {
    /// Reads it from `/proc` and `/sys` under `root`.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let release = files::text(root, "proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            rt_runtime_us: files::number(root, "proc/sys/kernel/sched_rt_runtime_us"),
            rt_period_us: files::number(root, "proc/sys/kernel/sched_rt_period_us"),
            group_scheduling: has_group_scheduling(root, &release),
            has_fair_server: version(&release) >= (6, 12),
            fair_server_ns: fair_servers(root),
        }
    }

    /// For how long in each second `sched_rt_runtime_us` keeps realtime threads that never sleep off their core.
    fn withheld(&self) -> Option<Duration> {
        // From 6.12 on, the setting has an effect only with RT_GROUP_SCHED.
        if self.has_fair_server && !self.group_scheduling {
            return None;
        }
        let (runtime, period) = (u64::try_from(self.rt_runtime_us?).ok()?, self.rt_period_us?);
        let lost = u128::from(period.checked_sub(runtime)?) * 1_000_000 / u128::from(period.max(1));
        Some(Duration::from_micros(u64::try_from(lost).ok()?)).filter(|lost| !lost.is_zero())
    }

    /// The warning for a thread that spins on `cpu` under SCHED_FIFO, with remedies. `None` if it isn't throttled.
    #[must_use]
    pub fn spin_warning(&self, cpu: usize) -> Option<String> {
        let mut causes = Vec::new();
        if let Some(lost) = self.withheld() {
            let (runtime, period) = (self.rt_runtime_us.unwrap_or(-1), self.rt_period_us.unwrap_or(0));
            causes.push(format!(
                "sched_rt_runtime_us is {runtime} of {period}, which takes {} ms of every second from it (to switch it \
                 off: `sysctl kernel.sched_rt_runtime_us=-1`)",
                lost.as_millis()
            ));
        }
        match self.fair_server_ns.iter().find(|(of, _)| *of == cpu) {
            Some((_, 0)) => {}
            Some((_, nanos)) => causes.push(format!(
                "the kernel's fair server gives {} ms of every second to ordinary threads that wait for CPU {cpu} (to \
                 switch it off: `echo 0 > /sys/kernel/debug/sched/fair_server/cpu{cpu}/runtime`)",
                nanos / 1_000_000
            )),
            None if self.has_fair_server => causes.push(format!(
                "the kernel's fair server may give 50 ms of every second to ordinary threads that wait for CPU {cpu} \
                 (its setting can't be read; to switch it off: \
                 `echo 0 > /sys/kernel/debug/sched/fair_server/cpu{cpu}/runtime`)"
            )),
            None => {}
        }
        if causes.is_empty() {
            return None;
        }
        Some(format!(
            "CPU {cpu} without interruption: a thread that spins under SCHED_FIFO is throttled in every second: {}; or use \
             the wait policy `hybrid`",
            causes.join("; ")
        ))
    }
}

/// [`Throttling::spin_warning`] for this machine.
#[must_use]
pub fn spin_warning(cpu: usize) -> Option<String> {
    Throttling::read(Path::new("/")).spin_warning(cpu)
}

/// Major and minor version of a kernel release such as `6.12.1-rt`.
fn version(release: &str) -> (u32, u32) {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn has_group_scheduling(root: &Path, release: &str) -> bool {
    let has_file = |name| root.join("sys/fs/cgroup").join(name).join("cpu.rt_runtime_us").exists();
    let configured = || KernelConfig::read(root, release).map(|config| config.get("CONFIG_RT_GROUP_SCHED"));
    has_file("cpu") || has_file("cpu,cpuacct") || configured() == Some(Setting::On)
}

fn fair_servers(root: &Path) -> Vec<(usize, u64)> {
    const FOLDER: &str = "sys/kernel/debug/sched/fair_server";
    let runtime = |name: &String| {
        let cpu = name.strip_prefix("cpu")?.parse().ok()?;
        Some((cpu, files::number(root, &format!("{FOLDER}/{name}/runtime"))?))
    };
    let mut servers: Vec<_> = files::names(root, FOLDER).iter().filter_map(runtime).collect();
    servers.sort_unstable();
    servers
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use zerocat_testkit::FakeTree;

    const RUNTIME: (&str, &str) = ("proc/sys/kernel/sched_rt_runtime_us", "950000\n");
    const PERIOD: (&str, &str) = ("proc/sys/kernel/sched_rt_period_us", "1000000\n");

    #[test]
    fn an_old_kernel_takes_50_ms_by_default() {
        let tree = FakeTree::new(&[RUNTIME, PERIOD, ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n")]);
        let warning = Throttling::read(tree.root()).spin_warning(1).unwrap();
        assert!(warning.contains("50 ms") && warning.contains("sched_rt_runtime_us=-1"), "{warning}");
        assert!(!warning.contains("fair server"), "{warning}");
    }

    #[test]
    fn an_old_kernel_with_throttling_off_takes_nothing() {
        let off = ("proc/sys/kernel/sched_rt_runtime_us", "-1\n");
        let tree = FakeTree::new(&[off, PERIOD, ("proc/sys/kernel/osrelease", "6.1.0\n")]);
        assert_eq!(Throttling::read(tree.root()).spin_warning(1), None);
    }

    #[test]
    fn a_new_kernel_is_judged_by_its_fair_server() {
        let files = [
            RUNTIME,
            PERIOD,
            ("proc/sys/kernel/osrelease", "6.18.2\n"),
            ("sys/kernel/debug/sched/fair_server/cpu0/runtime", "50000000\n"),
            ("sys/kernel/debug/sched/fair_server/cpu1/runtime", "0\n"),
        ];
        let throttling = Throttling::read(FakeTree::new(&files).root());
        assert_eq!(throttling.fair_server_ns, [(0, 50_000_000), (1, 0)]);
        assert!(throttling.spin_warning(0).unwrap().contains("cpu0/runtime"));
        assert_eq!(throttling.spin_warning(1), None, "sched_rt_runtime_us has no effect without RT_GROUP_SCHED");
    }

    #[test]
    fn a_new_kernel_with_group_scheduling_still_throttles() {
        let files = [
            RUNTIME,
            PERIOD,
            ("proc/sys/kernel/osrelease", "6.18.2\n"),
            ("sys/fs/cgroup/cpu/cpu.rt_runtime_us", "950000\n"),
            ("sys/kernel/debug/sched/fair_server/cpu1/runtime", "0\n"),
        ];
        let warning = Throttling::read(FakeTree::new(&files).root()).spin_warning(1).unwrap();
        assert!(warning.contains("950000 of 1000000"), "{warning}");
    }

    #[test]
    fn group_scheduling_is_also_seen_in_the_configuration() {
        let config = ("boot/config-6.18.2", "CONFIG_RT_GROUP_SCHED=y\n");
        let tree = FakeTree::new(&[("proc/sys/kernel/osrelease", "6.18.2\n"), config]);
        assert!(Throttling::read(tree.root()).group_scheduling);
        let off = ("boot/config-6.18.2", "# CONFIG_RT_GROUP_SCHED is not set\n");
        let tree = FakeTree::new(&[("proc/sys/kernel/osrelease", "6.18.2\n"), off]);
        assert!(!Throttling::read(tree.root()).group_scheduling);
    }

    #[test]
    fn the_running_kernels_own_configuration_counts_too() {
        let tree = FakeTree::new(&[("proc/config.gz", "")]);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"CONFIG_RT_GROUP_SCHED=y\n").unwrap();
        std::fs::write(tree.root().join("proc/config.gz"), packed.finish().unwrap()).unwrap();
        assert!(Throttling::read(tree.root()).group_scheduling);
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_warned_about() {
        let tree = FakeTree::new(&[("proc/sys/kernel/osrelease", "7.2.12+deb13-rt-amd64\n")]);
        assert!(Throttling::read(tree.root()).spin_warning(3).unwrap().contains("can't be read"));
    }

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(version("6.18.44-fc-v595"), (6, 18));
        assert!(version("6.9.0") < (6, 12));
        assert_eq!(version("7"), (7, 0));
    }
}
