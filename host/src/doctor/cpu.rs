//! Checks of the CPU that the realtime thread runs on.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;
use crate::files::cpus;

const NO_CPU: &str = "no CPU was named (`engine.cpu` of the rig file, or --cpu)";

pub(super) fn judge(reading: &HostReading, wanted: &Wanted) -> Vec<Check> {
    vec![
        isolation(reading, wanted.cpu),
        nohz_full(reading, wanted.cpu),
        governor(reading, wanted.cpu),
        idle_states(reading),
        siblings(reading, wanted.cpu),
    ]
}

fn isolation(reading: &HostReading, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "isolation",
        title: "CPU isolation",
        wanted: "the realtime CPU isolated, and one CPU left for everything else",
        why: "on a shared CPU, other tasks and kernel work delay the cycle",
    };
    let isolated = &reading.host.isolated;
    if reading.online.is_empty() {
        return question.unknown("/sys/devices/system/cpu/online can't be read");
    }
    if reading.online.len() == 1 {
        return question.finding(Level::Warn, "there is only one CPU", "use a machine with two or more CPUs");
    }
    let Some(cpu) = cpu else {
        let found = format!("isolated: {}; {NO_CPU}", cpus(isolated));
        return question.finding(Level::Warn, found, "isolate a CPU and name it as `engine.cpu`");
    };
    if !reading.online.contains(&cpu) {
        let found = format!("CPU {cpu} is not online (online: {})", cpus(&reading.online));
        return question.finding(Level::Error, found, "name a CPU that is online");
    }
    if reading.online.iter().all(|cpu| isolated.contains(cpu)) {
        return question.finding(Level::Warn, "all CPUs are isolated", "leave one CPU out of isolcpus");
    }
    if isolated.contains(&cpu) {
        return question.ok(format!("CPU {cpu} of {}", cpus(isolated)));
    }
    let fix = format!("boot with isolcpus=managed_irq,domain,{cpu}, or make an isolated cpuset partition");
    question.finding(Level::Warn, format!("isolated: {}; the rig uses CPU {cpu}", cpus(isolated)), fix)
}

fn nohz_full(reading: &HostReading, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "nohz_full",
        title: "Tickless CPU (nohz_full)",
        wanted: "the realtime CPU, if its thread spins",
        why: "it stops the periodic tick while one task runs alone, and makes each system call slightly slower",
    };
    let full = &reading.host.nohz_full;
    match cpu {
        None => question.unknown(NO_CPU),
        Some(_) if reading.online.is_empty() => question.unknown("/sys/devices/system/cpu can't be read"),
        Some(cpu) if full.contains(&cpu) => question.ok(format!("CPU {cpu}")),
        Some(_) => question.info(cpus(full)),
    }
}

fn governor(reading: &HostReading, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "governor",
        title: "Frequency governor",
        wanted: "performance",
        why: "a CPU that lowers its frequency while it waits takes longer to wake and to run a cycle",
    };
    let governors: Vec<_> = reading.governors.iter().filter(|(of, _)| cpu.is_none_or(|cpu| cpu == *of)).collect();
    let Some(first) = governors.first() else {
        return question.unknown("no cpufreq; the firmware or a hypervisor sets the frequency");
    };
    match governors.iter().find(|(_, governor)| governor != "performance") {
        None => question.ok(first.1.clone()),
        Some((of, governor)) => question.finding(
            Level::Warn,
            format!("{governor} (CPU {of})"),
            match cpu {
                Some(cpu) => format!("echo performance > /sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"),
                None => "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor".to_owned(),
            },
        ),
    }
}

fn idle_states(reading: &HostReading) -> Check {
    let question = Question {
        id: "idle_states",
        title: "Deep idle states",
        wanted: "/dev/cpu_dma_latency can be held open",
        why: "leaving a deep idle state takes up to hundreds of microseconds; a run disables these states",
    };
    match reading.dma_latency {
        None => question.unknown("there is no /dev/cpu_dma_latency"),
        Some(true) => question.ok("can be held open"),
        Some(false) => question.finding(
            Level::Warn,
            "can't be opened",
            "run as root, add a udev rule for cpu_dma_latency, or boot with processor.max_cstate=1",
        ),
    }
}

fn siblings(reading: &HostReading, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "smt",
        title: "SMT sibling",
        wanted: "none, or also isolated",
        why: "the siblings share the execution units of a core: work on one slows the cycle on the other",
    };
    let Some(cpu) = cpu else { return question.unknown(NO_CPU) };
    let Some((_, all)) = reading.siblings.iter().find(|(of, _)| *of == cpu) else {
        return question.unknown(&format!("thread_siblings_list of CPU {cpu} can't be read"));
    };
    let busy: Vec<_> =
        all.iter().copied().filter(|other| *other != cpu && !reading.host.isolated.contains(other)).collect();
    if busy.is_empty() {
        return question.ok(if all.len() > 1 { "also isolated" } else { "none" });
    }
    let off: Vec<_> = busy.iter().map(|cpu| format!("echo 0 > /sys/devices/system/cpu/cpu{cpu}/online")).collect();
    question.finding(Level::Warn, format!("CPU {} shares the core of CPU {cpu}", cpus(&busy)), off.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};

    const ONLINE: (&str, &str) = ("sys/devices/system/cpu/online", "0-3\n");
    const ISOLATED: &str = "sys/devices/system/cpu/isolated";

    #[test]
    fn the_realtime_cpu_should_be_isolated() {
        assert_eq!(level("isolation", &[ONLINE, (ISOLATED, "2-3\n")], &WANTED), Level::Ok);
        assert_eq!(level("isolation", &[ONLINE, (ISOLATED, "2\n")], &WANTED), Level::Warn);
        assert_eq!(level("isolation", &[ONLINE], &WANTED), Level::Warn);
        assert_eq!(level("isolation", &[ONLINE, (ISOLATED, "2-3\n")], &Wanted { cpu: None, ..WANTED }), Level::Warn);
    }

    #[test]
    fn one_cpu_should_be_left_for_the_rest() {
        assert_eq!(level("isolation", &[ONLINE, (ISOLATED, "0-3\n")], &WANTED), Level::Warn);
        let alone = [("sys/devices/system/cpu/online", "0\n")];
        assert_eq!(level("isolation", &alone, &Wanted { cpu: Some(0), ..WANTED }), Level::Warn);
    }

    #[test]
    fn a_missing_cpu_is_an_error() {
        assert_eq!(level("isolation", &[ONLINE], &Wanted { cpu: Some(9), ..WANTED }), Level::Error);
    }

    #[test]
    fn a_tick_on_the_realtime_cpu_is_a_note() {
        let full = "sys/devices/system/cpu/nohz_full";
        assert_eq!(level("nohz_full", &[ONLINE, (full, "3\n")], &WANTED), Level::Ok);
        assert_eq!(level("nohz_full", &[ONLINE, (full, "(null)\n")], &WANTED), Level::Info);
    }

    #[test]
    fn the_governor_counts_of_the_realtime_cpu_or_of_all_if_none_is_named() {
        let cpu = |number: usize| format!("sys/devices/system/cpu/cpu{number}/cpufreq/scaling_governor");
        let (zero, three) = (cpu(0), cpu(3));
        let mixed = [ONLINE, (zero.as_str(), "powersave\n"), (three.as_str(), "performance\n")];
        assert_eq!(level("governor", &mixed, &WANTED), Level::Ok);
        assert_eq!(level("governor", &mixed, &Wanted { cpu: Some(0), ..WANTED }), Level::Warn);
        assert_eq!(level("governor", &mixed, &Wanted { cpu: None, ..WANTED }), Level::Warn);
    }

    #[test]
    fn idle_states_can_be_disabled_if_the_device_opens() {
        assert_eq!(level("idle_states", &[("dev/cpu_dma_latency", "")], &WANTED), Level::Ok);
        // Nobody can open a directory for writing.
        assert_eq!(level("idle_states", &[("dev/cpu_dma_latency/x", "")], &WANTED), Level::Warn);
    }

    #[test]
    fn a_sibling_should_be_isolated_too() {
        let list = ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3\n");
        assert_eq!(level("smt", &[ONLINE, list], &WANTED), Level::Warn);
        assert_eq!(level("smt", &[ONLINE, list, (ISOLATED, "1,3\n")], &WANTED), Level::Ok);
        let own = ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3\n");
        assert_eq!(level("smt", &[ONLINE, own], &WANTED), Level::Ok);
    }
}
