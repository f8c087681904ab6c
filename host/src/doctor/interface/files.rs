//! What files say about an interface: NAPI, interrupts, power saving, other users. The checks of it.

use super::managers::{Managers, judge_managers};
use super::packet_sockets::{self, PacketSocket};
use crate::doctor::irq::{nic_irqs, read_irqs};
use crate::doctor::{Check, HostReading, Level, Question, Wanted, irq_thread};
use crate::files::{self, cpus};
use crate::nic::{NOT_IN_SYSFS, Upper};
use std::path::Path;

/// EtherType of EtherCAT (ETG.1000.4, 5.2).
const ETHERCAT: u16 = 0x88a4;

/// An interface, as files show it. `None` is what couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterfaceFiles {
    /// Its name.
    pub name: String,
    /// Whether `/sys/class/net` shows this interface. It doesn't if it was mounted in another network namespace.
    pub in_sysfs: bool,
    /// `napi_defer_hard_irqs`: empty polls before the interrupt is enabled again.
    pub defer_hard_irqs: Option<u64>,
    /// `gro_flush_timeout`, in ns.
    pub gro_flush_timeout: Option<u64>,
    /// Whether NAPI polls in its own threads.
    pub threaded: Option<bool>,
    /// Numbers of its interrupts.
    pub irqs: Vec<u32>,
    /// Whether its PCI Express link saves power (ASPM L0s or L1); `None` if it can't.
    pub aspm: Option<bool>,
    /// The bridge or bond that it is part of, if it is of one.
    pub upper: Option<Upper>,
    /// Number of AF_PACKET sockets for EtherCAT on it; `None` if the list can't be read.
    pub sockets: Option<usize>,
    /// Other users of the interface.
    pub managers: Managers,
}

impl InterfaceFiles {
    /// Reads the files below `root` of the interface `name`, whose number in the calling thread's network namespace is
    /// `index`.
    #[must_use]
    pub fn read(root: &Path, name: &str, index: u32) -> Self {
        let all = packet_sockets::read(root);
        let sockets = all.as_deref().map(|all| for_ethercat(all, index));
        let managers = Managers::read(root, name, index, all.as_deref());
        let directory = format!("sys/class/net/{name}");
        let Some(irqs) = nic_irqs(root, name, index, read_irqs(root)) else {
            return Self { name: name.to_owned(), sockets, managers, ..Self::default() };
        };
        let number = |file: &str| files::number::<u64>(root, &format!("{directory}/{file}"));
        Self {
            name: name.to_owned(),
            in_sysfs: true,
            defer_hard_irqs: number("napi_defer_hard_irqs"),
            gro_flush_timeout: number("gro_flush_timeout"),
            threaded: number("threaded").map(|value| value != 0),
            irqs: irqs.iter().map(|irq| irq.number).collect(),
            aspm: aspm(root, &directory),
            upper: Upper::of_interface(root, name),
            sockets,
            managers,
        }
    }
}

/// `Documentation/ABI/testing/sysfs-bus-pci`: there is a file for each power state that can be changed.
fn aspm(root: &Path, directory: &str) -> Option<bool> {
    let state = |file: &str| files::number::<u8>(root, &format!("{directory}/device/link/{file}"));
    let states: Vec<_> = ["l0s_aspm", "l1_aspm"].into_iter().filter_map(state).collect();
    (!states.is_empty()).then(|| states.iter().any(|&on| on != 0))
}

fn for_ethercat(all: &[PacketSocket], index: u32) -> usize {
    // A socket that is bound to interface 0 is bound to all of them.
    all.iter().filter(|socket| socket.protocol == ETHERCAT && [index, 0].contains(&socket.interface)).count()
}

pub(super) fn judge(reading: &InterfaceFiles, host: &HostReading, wanted: &Wanted) -> Vec<Check> {
    let mut checks = vec![
        irq_affinity(reading, host, wanted.cpu),
        irq_thread::judge(reading, &host.irq_threads, wanted),
        power_saving(reading),
        deferral(reading),
        threaded(reading),
        part_of(reading),
        other_sockets(reading),
        ec_master(host),
    ];
    checks.extend(judge_managers(&reading.name, &reading.managers, host));
    checks
}

fn irq_affinity(reading: &InterfaceFiles, host: &HostReading, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "nic_irqs",
        title: "NIC interrupts",
        wanted: "each on one CPU",
        why: "a receive interrupt that moves between CPUs finds cold caches and other work",
    };
    if !reading.in_sysfs {
        return question.unknown(NOT_IN_SYSFS);
    }
    let own: Vec<_> = host.irqs.iter().filter(|irq| reading.irqs.contains(&irq.number)).collect();
    if own.is_empty() {
        return question.info("none");
    }
    let Some(movable) = own.iter().find(|irq| irq.allowed.len() != 1) else {
        let mut on: Vec<_> = own.iter().flat_map(|irq| irq.allowed.iter().copied()).collect();
        on.sort_unstable();
        on.dedup();
        return question.ok(format!("{} on CPU {}", own.len(), cpus(&on)));
    };
    let realtime = cpu.map(|cpu| format!(" --cpu {cpu}")).unwrap_or_default();
    question.finding(
        Level::Warn,
        format!("interrupt {} may go to CPU {}", movable.number, cpus(&movable.allowed)),
        format!(
            "zerocat tune --interface {}{realtime}; by hand, for each of {}: echo <cpu> > /proc/irq/{}/smp_affinity_list",
            reading.name,
            own.len(),
            movable.number
        ),
    )
}

fn power_saving(reading: &InterfaceFiles) -> Check {
    let question = Question {
        id: "aspm",
        title: "PCI Express power saving (ASPM)",
        wanted: "off",
        why: "a PCI Express link that sleeps between frames takes microseconds to wake up for each of them",
    };
    match reading.aspm {
        None if reading.in_sysfs => question.ok("none: the device has none, or the kernel may not change it"),
        None => question.unknown(NOT_IN_SYSFS),
        Some(false) => question.ok("off"),
        Some(true) => question.finding(
            Level::Warn,
            "on",
            format!(
                "for file in /sys/class/net/{}/device/link/l*_aspm; do echo 0 > $file; done; \
                 or boot with pcie_aspm.policy=performance",
                reading.name
            ),
        ),
    }
}

fn deferral(reading: &InterfaceFiles) -> Check {
    let question = Question {
        id: "napi_deferral",
        title: "NAPI deferral",
        wanted: "0 and 0, unless the socket busy-polls",
        why: "without busy polling, frames wait for the flush timeout, and each round trip takes that long",
    };
    match (reading.defer_hard_irqs, reading.gro_flush_timeout) {
        (Some(0), Some(0)) => question.ok("0 and 0 ns"),
        (Some(defer), Some(flush)) => question.finding(
            Level::Warn,
            format!("{defer} and {flush} ns"),
            format!(
                "zerocat tune --interface {0}; by hand: echo 0 > /sys/class/net/{0}/napi_defer_hard_irqs; \
                 echo 0 > /sys/class/net/{0}/gro_flush_timeout",
                reading.name
            ),
        ),
        _ => question.unknown(NOT_IN_SYSFS),
    }
}

fn threaded(reading: &InterfaceFiles) -> Check {
    let question = Question {
        id: "threaded_napi",
        title: "Threaded NAPI",
        wanted: "on with a PREEMPT_RT kernel, at a FIFO priority",
        why: "a receive thread can be given a priority above other interrupt work",
    };
    match reading.threaded {
        None => question.unknown(NOT_IN_SYSFS),
        Some(on) => question.info(if on { "on" } else { "off" }),
    }
}

fn part_of(reading: &InterfaceFiles) -> Check {
    let question = Question {
        id: "bridge",
        title: "Bridge or bond",
        wanted: "not part of one",
        why: "a bridge sends frames of its own onto the bus and receives those that come back",
    };
    match &reading.upper {
        None if reading.in_sysfs => question.ok("not part of one"),
        None => question.unknown(NOT_IN_SYSFS),
        Some(Upper { name, kind }) => {
            question.finding(Level::Error, format!("part of the {kind} {name}"), Upper::remedy(&reading.name))
        }
    }
}

fn other_sockets(reading: &InterfaceFiles) -> Check {
    let question = Question {
        id: "other_sockets",
        title: "Other EtherCAT sockets",
        wanted: "none",
        why: "two MainDevices on one bus overwrite each other's outputs and AL states",
    };
    match reading.sockets {
        None => question.unknown("/proc/net/packet can't be read"),
        Some(0) => question.ok("none"),
        Some(count) => question.finding(
            Level::Error,
            format!("{count} AF_PACKET socket{} for 0x88a4", if count == 1 { "" } else { "s" }),
            "stop the other MainDevice: ss --packet --processes",
        ),
    }
}

fn ec_master(host: &HostReading) -> Check {
    let question = Question {
        id: "ec_master",
        title: "IgH EtherCAT master",
        wanted: "not loaded",
        why: "its kernel module takes over the NIC or uses the same bus",
    };
    match &host.modules {
        None => question.unknown("/proc/modules can't be read"),
        Some(modules) if modules.iter().any(|module| module == "ec_master") => {
            question.finding(Level::Error, "loaded", "systemctl stop ethercat, or: rmmod ec_generic ec_master")
        }
        Some(_) => question.ok("not loaded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::WANTED;
    use zerocat_testkit::FakeTree;

    const INDEX: (&str, &str) = ("sys/class/net/eth1/ifindex", "3\n");
    const DEFER: &str = "sys/class/net/eth1/napi_defer_hard_irqs";
    const FLUSH: &str = "sys/class/net/eth1/gro_flush_timeout";

    fn level(id: &str, files: &[(&str, &str)]) -> Level {
        let tree = FakeTree::new(files);
        let reading = InterfaceFiles::read(tree.root(), "eth1", 3);
        let checks = judge(&reading, &HostReading::read(tree.root()), &WANTED);
        checks.into_iter().find(|check| check.id == id).unwrap_or_else(|| panic!("{id}")).level
    }

    #[test]
    fn an_interface_of_the_same_name_in_another_namespace_is_not_read() {
        let other = [("sys/class/net/eth1/ifindex", "4\n"), (DEFER, "0\n"), (FLUSH, "0\n")];
        for id in ["napi_deferral", "nic_irqs", "threaded_napi", "bridge", "other_sockets", "ec_master"] {
            assert_eq!(level(id, &other), Level::Info, "{id}");
        }
    }

    #[test]
    fn deferral_without_busy_polling_is_a_warning() {
        assert_eq!(level("napi_deferral", &[INDEX, (DEFER, "0\n"), (FLUSH, "0\n")]), Level::Ok);
        assert_eq!(level("napi_deferral", &[INDEX, (DEFER, "2\n"), (FLUSH, "2000000\n")]), Level::Warn);
    }

    #[test]
    fn threaded_napi_is_a_note_either_way() {
        for value in ["0\n", "1\n"] {
            assert_eq!(level("threaded_napi", &[INDEX, ("sys/class/net/eth1/threaded", value)]), Level::Info);
        }
    }

    #[test]
    fn each_interrupt_of_the_nic_should_be_on_one_cpu() {
        let msi = ("sys/class/net/eth1/device/msi_irqs/40", "msix\n");
        let handler = ("proc/irq/40/eth1-TxRx-0/x", "");
        let on = |list| [INDEX, msi, handler, ("proc/irq/40/smp_affinity_list", list)];
        assert_eq!(level("nic_irqs", &on("0-3\n")), Level::Warn);
        assert_eq!(level("nic_irqs", &on("2\n")), Level::Ok);
        assert_eq!(level("nic_irqs", &[INDEX]), Level::Info, "a virtual interface has none");
    }

    #[test]
    fn a_pci_express_link_that_saves_power_is_a_warning() {
        let l1 = "sys/class/net/eth1/device/link/l1_aspm";
        assert_eq!(level("aspm", &[INDEX, (l1, "1\n")]), Level::Warn);
        assert_eq!(level("aspm", &[INDEX, (l1, "0\n"), ("sys/class/net/eth1/device/link/l0s_aspm", "0\n")]), Level::Ok);
        assert_eq!(level("aspm", &[INDEX]), Level::Ok);
        assert_eq!(level("aspm", &[]), Level::Info, "sysfs doesn't show it");
    }

    #[test]
    fn a_port_of_a_bridge_is_an_error() {
        assert_eq!(level("bridge", &[INDEX]), Level::Ok);
        assert_eq!(level("bridge", &[INDEX, ("sys/class/net/eth1/master/ifindex", "9\n")]), Level::Error);
    }

    #[test]
    fn another_socket_for_ethercat_on_the_interface_or_on_all_is_an_error() {
        let list = |line: &str| format!("sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n{line}\n");
        let sockets = |line: &str| level("other_sockets", &[("proc/thread-self/net/packet", &list(line))]);
        assert_eq!(sockets("0000000000000000 3      3    88a4   3     1 0      0      1234"), Level::Error);
        assert_eq!(sockets("0000000000000000 3      3    88a4   0     1 0      0      1234"), Level::Error);
        assert_eq!(sockets("0000000000000000 3      3    88a4   2     1 0      0      1234"), Level::Ok);
        assert_eq!(sockets("0000000000000000 3      3    0003   3     1 0      0      1234"), Level::Ok);
    }

    #[test]
    fn another_master_in_the_kernel_is_an_error() {
        assert_eq!(level("ec_master", &[("proc/modules", "ec_master 1 0 - Live 0x0\n")]), Level::Error);
        assert_eq!(level("ec_master", &[("proc/modules", "igb 1 0 - Live 0x0\n")]), Level::Ok);
        assert_eq!(level("ec_master", &[("proc/version", "Linux\n")]), Level::Ok, "a kernel without modules");
    }
}
