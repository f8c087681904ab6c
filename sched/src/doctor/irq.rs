//! Interrupts: which CPUs they may interrupt.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::files::{self, cpus};
use super::host::HostReading;
use crate::cpu_list;
use std::path::Path;

/// An interrupt with a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irq {
    /// Its number, as in `/proc/interrupts`.
    pub number: u32,
    /// What asked for it, such as `enp3s0-TxRx-0`.
    pub names: Vec<String>,
    /// CPUs it may interrupt.
    pub allowed: Vec<usize>,
    /// CPUs it goes to now; those allowed where the kernel doesn't say.
    pub effective: Vec<usize>,
}

/// Those under `/proc/irq`. One without a directory of a handler's name is of nobody and left out.
pub(super) fn read(root: &Path) -> Vec<Irq> {
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

pub(super) fn judge_host(reading: &HostReading, own: &[u32], wanted: &Wanted) -> Vec<Check> {
    vec![foreign(reading, own, wanted.cpu), irqbalance(reading)]
}

fn foreign(reading: &HostReading, own: &[u32], cpu: Option<usize>) -> Check {
    let question = Question {
        id: "foreign_irqs",
        title: "Interrupts on the CPU",
        wanted: "only those of the NIC on the realtime CPU",
        why: "each interrupt that the CPU serves for somebody else takes microseconds from the cycle",
    };
    let Some(cpu) = cpu else { return question.unknown("no CPU was named (`engine.cpu` of the rig file, or --cpu)") };
    if reading.irqs.is_empty() {
        return question.unknown("no interrupt with a handler in /proc/irq");
    }
    let foreign = reading.irqs.iter().filter(|irq| !own.contains(&irq.number));
    let there: Vec<_> = foreign.filter(|irq| irq.effective.contains(&cpu)).collect();
    let Some(first) = there.first() else { return question.ok(format!("none on CPU {cpu}")) };
    let rest: Vec<_> = reading.online.iter().copied().filter(|other| *other != cpu).collect();
    let named: Vec<_> = there.iter().take(3).map(|irq| format!("{} ({})", irq.number, irq.names.join(", "))).collect();
    let more = there.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let fix = format!("echo {} > /proc/irq/{}/smp_affinity_list, for each", cpus(&rest), first.number);
    question.not(Level::Warn, format!("on CPU {cpu}: {}{more}", named.join(", ")), fix)
}

fn irqbalance(reading: &HostReading) -> Check {
    let question = Question {
        id: "irqbalance",
        title: "irqbalance",
        wanted: "not running",
        why: "it moves interrupts from CPU to CPU, also onto the realtime one",
    };
    match reading.runs("irqbalance") {
        None => question.unknown("no process can be seen in /proc"),
        Some(false) => question.ok("not running"),
        Some(true) => question.not(Level::Warn, "running", "systemctl disable --now irqbalance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};
    use crate::fake_tree::FakeTree;

    const HANDLER: (&str, &str) = ("proc/irq/24/ahci/x", "");

    #[test]
    fn an_interrupt_that_goes_to_the_realtime_cpu_is_a_warning() {
        let allowed = ("proc/irq/24/smp_affinity_list", "0-3\n");
        let to = |cpu| [HANDLER, allowed, ("proc/irq/24/effective_affinity_list", cpu)];
        assert_eq!(level("foreign_irqs", &to("3\n"), &WANTED), Level::Warn);
        assert_eq!(level("foreign_irqs", &to("1\n"), &WANTED), Level::Ok);
        assert_eq!(level("foreign_irqs", &[HANDLER, allowed], &WANTED), Level::Warn, "what it may is what it does");
    }

    #[test]
    fn the_nics_own_interrupt_may_come_to_the_realtime_cpu() {
        let own = [("proc/irq/41/eth1/x", ""), ("proc/irq/41/smp_affinity_list", "3\n")];
        assert_eq!(level("foreign_irqs", &own, &WANTED), Level::Ok);
    }

    #[test]
    fn an_interrupt_of_nobody_is_left_out() {
        let tree = FakeTree::new(&[("proc/irq/1/smp_affinity_list", "0\n"), ("proc/irq/default_smp_affinity", "f\n")]);
        assert!(read(tree.root()).is_empty());
    }

    #[test]
    fn irqbalance_is_to_be_stopped() {
        assert_eq!(level("irqbalance", &[("proc/77/comm", "irqbalance\n")], &WANTED), Level::Warn);
        assert_eq!(level("irqbalance", &[("proc/77/comm", "init\n")], &WANTED), Level::Ok);
    }
}
