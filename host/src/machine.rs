//! The machine that a report was made on: what its figures depend on, and nothing that identifies a person or a site
//! (no host name, addresses or serial numbers).

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::files::{number, text};
use zerocat_sched::cpu_list;

/// A machine, as `/proc` and `/sys` show it. What can't be read is `None`, empty or 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Host {
    /// Kernel release (`uname -r`).
    pub kernel: String,
    /// Kernel version (`uname -v`), which names the preemption model.
    pub kernel_version: String,
    /// Whether the kernel is PREEMPT_RT, by its version.
    pub preempt_rt: bool,
    /// CPU model.
    pub cpu_model: Option<String>,
    /// Number of CPUs that are online.
    pub cores: usize,
    /// CPUs that the scheduler doesn't use by itself (`isolcpus`, isolated cpuset partitions).
    pub isolated: Vec<usize>,
    /// CPUs without a periodic tick (`nohz_full`).
    pub nohz_full: Vec<usize>,
    /// Whether it is a virtual machine.
    pub virtual_machine: bool,
    /// Clock source in use: `tsc`, `arch_sys_counter`; `hpet` and `acpi_pm` are slow.
    pub clocksource: Option<String>,
    /// Memory in MiB.
    pub memory_mib: u64,
}

/// A network interface, as sysfs shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Nic {
    /// Its name.
    pub name: String,
    /// Driver of the device; `None` for a virtual interface such as veth.
    pub driver: Option<String>,
    /// Speed in Mb/s, if the link has one.
    pub speed_mbit: Option<u32>,
    /// MTU in bytes.
    pub mtu: Option<u32>,
}

impl Host {
    /// This machine.
    #[must_use]
    pub fn read() -> Self {
        Self::read_from(Path::new("/"))
    }

    /// A machine whose `/proc` and `/sys` lie under `root`.
    #[must_use]
    pub fn read_from(root: &Path) -> Self {
        let kernel_version = text(root, "proc/sys/kernel/version").unwrap_or_default();
        let cpuinfo = text(root, "proc/cpuinfo").unwrap_or_default();
        Self {
            kernel: text(root, "proc/sys/kernel/osrelease").unwrap_or_default(),
            // Newer kernels have no `/sys/kernel/realtime`; the version string has always had it.
            preempt_rt: kernel_version.split_whitespace().any(|word| word == "PREEMPT_RT"),
            kernel_version,
            cpu_model: field(&cpuinfo, "model name").or_else(|| field(&cpuinfo, "Model")).map(str::to_owned),
            cores: cpu_list::read(root, "online").len(),
            isolated: isolated(root),
            nohz_full: cpu_list::read(root, "nohz_full"),
            virtual_machine: is_virtual(root, &cpuinfo),
            clocksource: text(root, "sys/devices/system/clocksource/clocksource0/current_clocksource"),
            memory_mib: memory_mib(root),
        }
    }
}

impl Nic {
    /// The interface of that name on this machine (in this network namespace).
    #[must_use]
    pub fn for_interface(name: &str) -> Option<Self> {
        Self::for_interface_in(Path::new("/"), name)
    }

    /// The interface of that name under `root`; `None` if there is none, or if `name` can't be the name of one.
    #[must_use]
    pub fn for_interface_in(root: &Path, name: &str) -> Option<Self> {
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return None;
        }
        let directory = format!("sys/class/net/{name}");
        if !root.join(&directory).exists() {
            return None;
        }
        let number = |file: &str| number(root, &format!("{directory}/{file}"));
        let driver = fs::read_link(root.join(&directory).join("device/driver")).ok();
        Some(Self {
            name: name.to_owned(),
            driver: driver.and_then(|link| Some(link.file_name()?.to_str()?.to_owned())),
            // -1 if the driver doesn't know, which is no number of this type.
            speed_mbit: number("speed"),
            mtu: number("mtu"),
        })
    }
}

/// The CPUs of `isolcpus` and those of isolated cpuset partitions, which not every kernel adds to the former
/// (`Documentation/admin-guide/cgroup-v2.rst`).
fn isolated(root: &Path) -> Vec<usize> {
    let mut cpus = cpu_list::read(root, "isolated");
    cpus.extend(cpu_list::parse(&text(root, "sys/fs/cgroup/cpuset.cpus.isolated").unwrap_or_default()));
    cpus.sort_unstable();
    cpus.dedup();
    cpus
}

/// The value of the first `key : value` line.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// x86 has a flag for it; on other processors the device tree or DMI names the hypervisor.
fn is_virtual(root: &Path, cpuinfo: &str) -> bool {
    let flagged = field(cpuinfo, "flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    let hypervisor_node = root.join("proc/device-tree/hypervisor").exists();
    let vendor = text(root, "sys/class/dmi/id/sys_vendor").unwrap_or_default();
    flagged || hypervisor_node || ["QEMU", "VMware, Inc.", "Xen", "innotek GmbH"].contains(&vendor.as_str())
}

fn memory_mib(root: &Path) -> u64 {
    let meminfo = text(root, "proc/meminfo").unwrap_or_default();
    let kib = field(&meminfo, "MemTotal").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    const CPUINFO: &str =
        "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu hypervisor lahf_lm\n\nprocessor\t: 1\n";

    #[test]
    fn reads_a_realtime_machine() {
        let tree = FakeTree::new(&[
            ("proc/sys/kernel/osrelease", "7.2.12+deb13-rt-amd64\n"),
            ("proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 7.2.12-1\n"),
            ("proc/cpuinfo", CPUINFO),
            ("proc/meminfo", "MemTotal:       24684096 kB\nMemFree: 1 kB\n"),
            ("sys/devices/system/cpu/online", "0-3\n"),
            ("sys/devices/system/cpu/isolated", "2-3\n"),
            ("sys/devices/system/cpu/nohz_full", "3\n"),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
        ]);
        let expected = Host {
            kernel: "7.2.12+deb13-rt-amd64".to_owned(),
            kernel_version: "#1 SMP PREEMPT_RT Debian 7.2.12-1".to_owned(),
            preempt_rt: true,
            cpu_model: Some("AMD EPYC".to_owned()),
            cores: 4,
            isolated: vec![2, 3],
            nohz_full: vec![3],
            virtual_machine: true,
            clocksource: Some("tsc".to_owned()),
            memory_mib: 24_105,
        };
        assert_eq!(Host::read_from(tree.root()), expected);
    }

    #[test]
    fn a_dynamic_kernel_is_no_realtime_one() {
        let tree = FakeTree::new(&[("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC @0\n")]);
        assert!(!Host::read_from(tree.root()).preempt_rt);
    }

    #[test]
    fn a_machine_without_readable_files_is_unknown_and_no_error() {
        assert_eq!(Host::read_from(FakeTree::new(&[]).root()), Host::default());
    }

    #[test]
    fn the_report_names_no_host() {
        let json = serde_json::to_value(Host::read()).unwrap();
        assert!(json["cores"].as_u64().unwrap() > 0);
        assert!(json.get("hostname").is_none());
    }

    #[test]
    fn reads_an_interface_and_its_driver() {
        let tree = FakeTree::new(&[
            ("sys/class/net/enp3s0/mtu", "1500\n"),
            ("sys/class/net/enp3s0/speed", "100\n"),
            ("sys/class/net/enp3s0/device/vendor", "0x8086\n"),
            ("sys/class/net/veth0/mtu", "1500\n"),
            ("sys/class/net/veth0/speed", "-1\n"),
        ]);
        let link = tree.root().join("sys/class/net/enp3s0/device/driver");
        std::os::unix::fs::symlink("../../bus/pci/drivers/igb", link).unwrap();
        let nic = Nic::for_interface_in(tree.root(), "enp3s0").unwrap();
        assert_eq!((nic.driver.as_deref(), nic.speed_mbit, nic.mtu), (Some("igb"), Some(100), Some(1500)));
        let veth = Nic::for_interface_in(tree.root(), "veth0").unwrap();
        assert_eq!((veth.driver, veth.speed_mbit), (None, None));
    }

    #[test]
    fn an_interface_that_is_not_there_is_none() {
        assert_eq!(Nic::for_interface("no-such-if0"), None);
        assert_eq!(Nic::for_interface("../net"), None);
    }
}
