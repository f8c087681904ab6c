//! Kernel threads that serve interrupts and poll queues, and whether the realtime thread prevents them from running.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::interface::InterfaceFiles;
use crate::files;
use crate::nic::NOT_IN_SYSFS;
use std::path::Path;
use zerocat_sched::cpu_list;

/// The kernel cuts names to 15 characters (`TASK_COMM_LEN`).
const NAME: usize = 15;
/// How far above the realtime thread's priority to put them.
const ABOVE: u8 = 5;

/// A thread named `irq/<number>-…` or `napi/<interface>-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IrqThread {
    /// Its number.
    pub pid: u32,
    /// Its name, cut to 15 characters.
    pub name: String,
    /// Its priority under SCHED_FIFO or SCHED_RR; 0 under another policy.
    pub priority: u8,
    /// CPUs that it may run on.
    pub cpus: Vec<usize>,
}

/// All of them, from `/proc` below `root`.
pub(super) fn read(root: &Path) -> Vec<IrqThread> {
    files::names(root, "proc").iter().filter_map(|name| read_one(root, name.parse().ok()?)).collect()
}

fn read_one(root: &Path, pid: u32) -> Option<IrqThread> {
    let name = files::text(root, &format!("proc/{pid}/comm"))?;
    if !name.starts_with("irq/") && !name.starts_with("napi/") {
        return None;
    }
    let stat = files::text(root, &format!("proc/{pid}/stat"))?;
    // The first field after the name is field 3; rt_priority is field 40 (proc(5)).
    let priority = stat.rsplit_once(") ")?.1.split(' ').nth(40 - 3)?.parse().ok()?;
    let status = files::text(root, &format!("proc/{pid}/status"))?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(IrqThread { pid, name, priority, cpus: cpu_list::parse(list) })
}

/// The threads of an interface.
fn of<'a>(threads: &'a [IrqThread], reading: &InterfaceFiles) -> Vec<&'a IrqThread> {
    let polls: String = format!("napi/{}-", reading.name).chars().take(NAME).collect();
    let serves = |number: &u32, name: &str| name.starts_with(&format!("irq/{number}-"));
    let own = |name: &str| name.starts_with(&polls) || reading.irqs.iter().any(|number| serves(number, name));
    threads.iter().filter(|thread| own(&thread.name)).collect()
}

pub(super) fn judge(reading: &InterfaceFiles, threads: &[IrqThread], wanted: &Wanted) -> Check {
    let question = Question {
        id: "irq_threads",
        title: "Interrupt threads of the NIC",
        wanted: "on another CPU than the realtime thread, or at no lower priority",
        why: "on one CPU, a realtime thread that polls for a frame prevents a thread of lower priority from fetching it",
    };
    if !reading.in_sysfs {
        return question.unknown(NOT_IN_SYSFS);
    }
    let own = of(threads, reading);
    let Some(lowest) = own.iter().min_by_key(|thread| thread.priority) else {
        return question.ok("none: the kernel uses no threads for it");
    };
    let shown = |thread: &IrqThread| match thread.priority {
        0 => format!("{} at ordinary priority", thread.name),
        priority => format!("{} at priority {priority}", thread.name),
    };
    let Some(cpu) = wanted.cpu else { return question.info(format!("{}; no CPU was named", shown(lowest))) };
    let waiting = own.iter().find(|thread| thread.cpus.contains(&cpu) && thread.priority < wanted.priority);
    let Some(thread) = waiting else { return question.ok(shown(lowest)) };
    let found = format!("{}, on CPU {cpu}; the realtime thread has {}", shown(thread), wanted.priority);
    if wanted.busy_polls {
        return question.info(format!("{found}, and busy-polls the queue"));
    }
    let above = wanted.priority.saturating_add(ABOVE).min(98);
    let fix = format!(
        "zerocat tune --interface {} --cpu {cpu} moves interrupts to another CPU; or: chrt --fifo --pid {above} {}",
        reading.name, thread.pid
    );
    question.finding(Level::Warn, found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::WANTED;
    use zerocat_testkit::FakeTree;

    fn thread(name: &str, priority: u8, cpus: &[usize]) -> IrqThread {
        IrqThread { pid: 77, name: name.to_owned(), priority, cpus: cpus.to_vec() }
    }

    fn level(threads: &[IrqThread], wanted: &Wanted) -> Level {
        let reading =
            InterfaceFiles { name: "enp3s0".to_owned(), in_sysfs: true, irqs: vec![40], ..Default::default() };
        judge(&reading, threads, wanted).level
    }

    #[test]
    fn a_thread_below_the_realtime_one_on_its_cpu_is_a_warning() {
        assert_eq!(level(&[thread("irq/40-enp3s0-T", 50, &[3])], &WANTED), Level::Warn);
        assert_eq!(level(&[thread("napi/enp3s0-819", 0, &[0, 1, 2, 3])], &WANTED), Level::Warn);
        assert_eq!(level(&[thread("irq/40-enp3s0-T", 85, &[3])], &WANTED), Level::Ok);
        assert_eq!(level(&[thread("irq/40-enp3s0-T", 50, &[0])], &WANTED), Level::Ok);
    }

    #[test]
    fn threads_of_other_devices_and_no_threads_are_ok() {
        assert_eq!(level(&[], &WANTED), Level::Ok);
        assert_eq!(level(&[thread("irq/4-ttyS0", 50, &[3])], &WANTED), Level::Ok);
        assert_eq!(level(&[thread("napi/enp3s1-819", 0, &[3])], &WANTED), Level::Ok);
    }

    #[test]
    fn a_rig_that_busy_polls_waits_for_no_thread() {
        let polls = Wanted { busy_polls: true, ..WANTED };
        assert_eq!(level(&[thread("irq/40-enp3s0-T", 50, &[3])], &polls), Level::Info);
    }

    #[test]
    fn without_a_cpu_it_is_a_note() {
        let threads = [thread("irq/40-enp3s0-T", 50, &[3])];
        assert_eq!(level(&threads, &Wanted { cpu: None, ..WANTED }), Level::Info);
    }

    #[test]
    fn the_kernels_files_are_read() {
        let stat = format!("77 (irq/40-enp (x)) S 2{} 50 1 0\n", " 0".repeat(35));
        let tree = FakeTree::new(&[
            ("proc/77/comm", "irq/40-enp3s0-T\n"),
            ("proc/77/stat", &stat),
            ("proc/77/status", "Name:\tx\nCpus_allowed:\t8\nCpus_allowed_list:\t0,3\n"),
            ("proc/78/comm", "init\n"),
        ]);
        assert_eq!(read(tree.root()), [thread("irq/40-enp3s0-T", 50, &[0, 3])]);
    }
}
