//! Interrupts and the CPUs that serve them.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;
use crate::files::{self, cpus};
use std::path::Path;
use zerocat_sched::cpu_list;

/// An interrupt with a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irq {
    /// Its number, as in `/proc/interrupts`.
    pub number: u32,
    /// Names of its handlers, such as `enp3s0-TxRx-0`.
    pub names: Vec<String>,
    /// CPUs that may serve it.
    pub allowed: Vec<usize>,
    /// CPUs that serve it now; the allowed ones if the kernel doesn't tell.
    pub effective: Vec<usize>,
}

/// The interrupts under `/proc/irq` of `root`. Those without a handler are left out; a handler is a directory.
#[must_use]
pub fn read_irqs(root: &Path) -> Vec<Irq> {
    let numbers = files::names(root, "proc/irq").into_iter().filter_map(|name| name.parse().ok());
    let mut irqs: Vec<_> = numbers.filter_map(|number| read_one(root, number)).collect();
    irqs.sort_by_key(|irq| irq.number);
    irqs
}

fn read_one(root: &Path, number: u32) -> Option<Irq> {
    let directory = format!("proc/irq/{number}");
    let is_handler = |name: &String| root.join(&directory).join(name).is_dir();
    let names: Vec<_> = files::names(root, &directory).into_iter().filter(is_handler).collect();
    let list = |file: &str| Some(cpu_list::parse(&files::text(root, &format!("{directory}/{file}"))?));
    let allowed = list("smp_affinity_list")?;
    let effective = list("effective_affinity_list").unwrap_or_else(|| allowed.clone());
    (!names.is_empty()).then_some(Irq { number, names, allowed, effective })
}

/// The interrupts of the interface `name` with number `index`, out of `all`; `None` if `/sys` below `root` doesn't show
/// it.
///
/// Those are the message-signalled interrupts of its device or, without these, its interrupt line. Those of a virtio
/// device belong to the device that it is on. For a device that is part of the processor, only the handlers' names
/// tell.
#[must_use]
pub fn nic_irqs(root: &Path, name: &str, index: u32, all: Vec<Irq>) -> Option<Vec<Irq>> {
    let directory = format!("sys/class/net/{name}");
    if files::number(root, &format!("{directory}/ifindex")) != Some(index) {
        return None;
    }
    let numbers = numbers(root, &directory);
    let has_its_name = |irq: &Irq| irq.names.iter().any(|handler| is_named_after(handler, name));
    let own = |irq: &Irq| if numbers.is_empty() { has_its_name(irq) } else { numbers.contains(&irq.number) };
    Some(all.into_iter().filter(own).collect())
}

fn numbers(root: &Path, directory: &str) -> Vec<u32> {
    let messages = |folder: &str| -> Vec<u32> {
        let names = files::names(root, &format!("{directory}/{folder}/msi_irqs"));
        names.iter().filter_map(|name| name.parse().ok()).collect()
    };
    let own = messages("device");
    if !own.is_empty() {
        return own;
    }
    let line = files::number(root, &format!("{directory}/device/irq")).filter(|&number| number != 0);
    let subsystem = root.join(directory).join("device/subsystem").read_link();
    match line {
        Some(line) => vec![line],
        None if subsystem.is_ok_and(|link| link.ends_with("virtio")) => messages("device/.."),
        None => Vec::new(),
    }
}

/// `eth1`, `eth1-TxRx-0`, `eth1:rx`; not `eth10`.
fn is_named_after(handler: &str, interface: &str) -> bool {
    let rest = handler.strip_prefix(interface);
    rest.is_some_and(|rest| !rest.starts_with(|first: char| first.is_ascii_alphanumeric()))
}

pub(super) fn judge_host(reading: &HostReading, own: &[u32], wanted: &Wanted) -> Vec<Check> {
    vec![foreign(reading, own, wanted.cpu), irqbalance(reading)]
}

fn foreign(reading: &HostReading, own: &[u32], cpu: Option<usize>) -> Check {
    let question = Question {
        id: "foreign_irqs",
        title: "Interrupts on the CPU",
        wanted: "on the realtime CPU only those of the NIC",
        why: "each interrupt of another device takes microseconds from the cycle",
    };
    let Some(cpu) = cpu else { return question.unknown("no CPU was named (`engine.cpu` of the rig file, or --cpu)") };
    if reading.irqs.is_empty() {
        return question.unknown("/proc/irq shows no interrupt with a handler");
    }
    let foreign = reading.irqs.iter().filter(|irq| !own.contains(&irq.number));
    let there: Vec<_> = foreign.filter(|irq| irq.effective.contains(&cpu)).collect();
    let Some(first) = there.first() else { return question.ok(format!("none on CPU {cpu}")) };
    let rest: Vec<_> = reading.online.iter().copied().filter(|other| *other != cpu).collect();
    let named: Vec<_> = there.iter().take(3).map(|irq| format!("{} ({})", irq.number, irq.names.join(", "))).collect();
    let more = there.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let fix = format!(
        "echo {} > /proc/irq/{}/smp_affinity_list, for each; for those that can't be moved, boot with isolcpus=managed_irq,domain,{cpu}",
        cpus(&rest),
        first.number
    );
    question.finding(Level::Warn, format!("on CPU {cpu}: {}{more}", named.join(", ")), fix)
}

fn irqbalance(reading: &HostReading) -> Check {
    let question = Question {
        id: "irqbalance",
        title: "irqbalance",
        wanted: "not running",
        why: "it moves interrupts between CPUs, also to the realtime CPU",
    };
    match reading.runs("irqbalance") {
        None => question.unknown("/proc shows no processes"),
        Some(false) => question.ok("not running"),
        Some(true) => question.finding(Level::Warn, "running", "systemctl disable --now irqbalance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};
    use zerocat_testkit::FakeTree;

    const HANDLER: (&str, &str) = ("proc/irq/24/ahci/x", "");

    #[test]
    fn an_interrupt_on_the_realtime_cpu_is_a_warning() {
        let allowed = ("proc/irq/24/smp_affinity_list", "0-3\n");
        let to = |cpu| [HANDLER, allowed, ("proc/irq/24/effective_affinity_list", cpu)];
        assert_eq!(level("foreign_irqs", &to("3\n"), &WANTED), Level::Warn);
        assert_eq!(level("foreign_irqs", &to("1\n"), &WANTED), Level::Ok);
        assert_eq!(
            level("foreign_irqs", &[HANDLER, allowed], &WANTED),
            Level::Warn,
            "an allowed CPU counts if the kernel doesn't tell"
        );
    }

    #[test]
    fn the_realtime_cpu_may_serve_the_nic() {
        let own = [("proc/irq/41/eth1/x", ""), ("proc/irq/41/smp_affinity_list", "3\n")];
        assert_eq!(level("foreign_irqs", &own, &WANTED), Level::Ok);
    }

    #[test]
    fn an_interrupt_without_a_handler_is_left_out() {
        let tree = FakeTree::new(&[("proc/irq/1/smp_affinity_list", "0\n"), ("proc/irq/default_smp_affinity", "f\n")]);
        assert!(read_irqs(tree.root()).is_empty());
    }

    /// Numbers of the interrupts of `eth1` in a tree where 40, 41 and 42 have handlers.
    fn own(files: &[(&str, &str)], also: impl FnOnce(&Path)) -> Option<Vec<u32>> {
        let handlers = ["40/eth1", "41/eth10", "42/virtio1-input.0"];
        let paths = handlers.map(|handler| format!("proc/irq/{handler}/x"));
        let lists = [40, 41, 42].map(|number| format!("proc/irq/{number}/smp_affinity_list"));
        let mut all: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        all.extend(lists.iter().map(|path| (path.as_str(), "0\n")));
        all.extend(files);
        let tree = FakeTree::new(&all);
        also(tree.root());
        let irqs = nic_irqs(tree.root(), "eth1", 3, read_irqs(tree.root()))?;
        Some(irqs.iter().map(|irq| irq.number).collect())
    }

    const INDEX: (&str, &str) = ("sys/class/net/eth1/ifindex", "3\n");

    #[test]
    fn interrupts_of_a_nic_are_those_of_its_device_or_those_named_after_it() {
        let nothing = |_: &Path| {};
        assert_eq!(own(&[], nothing), None, "not in sysfs");
        assert_eq!(own(&[INDEX], nothing), Some(vec![40]), "by name");
        assert_eq!(own(&[INDEX, ("sys/class/net/eth1/device/irq", "41\n")], nothing), Some(vec![41]));
        let messages = ("sys/class/net/eth1/device/msi_irqs/42", "msix\n");
        assert_eq!(own(&[INDEX, messages], nothing), Some(vec![42]));
    }

    #[test]
    fn interrupts_of_a_virtio_nic_are_those_of_the_device_that_it_is_on() {
        let files = [INDEX, ("sys/devices/pci/virtio1/x", ""), ("sys/devices/pci/msi_irqs/42", "msix\n")];
        let linked = |subsystem: &'static str| {
            move |root: &Path| {
                std::os::unix::fs::symlink("../../../devices/pci/virtio1", root.join("sys/class/net/eth1/device"))
                    .unwrap();
                std::os::unix::fs::symlink(subsystem, root.join("sys/devices/pci/virtio1/subsystem")).unwrap();
            }
        };
        assert_eq!(own(&files, linked("../../bus/virtio")), Some(vec![42]));
        assert_eq!(own(&files, linked("../../bus/usb")), Some(vec![40]), "a bus's interrupts aren't the NIC's");
    }

    #[test]
    fn irqbalance_is_a_warning() {
        assert_eq!(level("irqbalance", &[("proc/77/comm", "irqbalance\n")], &WANTED), Level::Warn);
        assert_eq!(level("irqbalance", &[("proc/77/comm", "init\n")], &WANTED), Level::Ok);
    }
}
