//! Checks for others that take CPU time: firmware from the cycle, realtime threads from ordinary threads.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;
use super::observed::Observed;
use crate::files::cpus;
use crate::starvation::remaining_cpus;

/// Judges what was observed of the machine.
#[must_use]
pub fn judge_observed(observed: &Observed, host: &HostReading, wanted: &Wanted) -> Vec<Check> {
    vec![firmware(observed, wanted.cpu), ordinary_threads(observed, host, wanted)]
}

fn firmware(observed: &Observed, cpu: Option<usize>) -> Check {
    let question = Question {
        id: "firmware_interrupts",
        title: "Firmware interrupts (SMI)",
        wanted: "none while doctor watches",
        why: "they stop all CPUs for up to milliseconds, and no kernel can prevent it",
    };
    let cpus = cpu.map(|cpu| format!(" --cpus {cpu}")).unwrap_or_default();
    let hint = format!("rtla hwnoise{cpus} --duration 60s shows the time that firmware and hypervisor take");
    let seconds = observed.length.as_secs_f64();
    match observed.firmware {
        None => question.finding(
            Level::Info,
            "unknown: the processor's counter can't be read (/dev/cpu/<n>/msr; Intel only)",
            format!("modprobe msr, and run doctor as root; or: {hint}"),
        ),
        Some((total, 0)) if !observed.is_long_enough() => {
            question.info(format!("{total} since the machine was started; not watched for growth"))
        }
        Some((total, 0)) => question.ok(format!("none in {seconds:.1} s ({total} since the machine was started)")),
        Some((total, grown)) => question.finding(
            Level::Warn,
            format!("{grown} in {seconds:.1} s ({total} since the machine was started)"),
            format!("disable USB legacy support, power and fan management in the firmware setup; {hint}"),
        ),
    }
}

fn ordinary_threads(observed: &Observed, host: &HostReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "ordinary_threads",
        title: "CPUs for ordinary threads",
        wanted: "at least one that no realtime thread occupies",
        why: "bring-up, tasks and signals run on ordinary threads; without a CPU for them a run can't even be stopped",
    };
    if host.allowed.is_empty() {
        return question.unknown("/proc/self/status can't be read");
    }
    let held: Vec<_> = observed.busy.iter().map(|thread| thread.cpu).collect();
    let spins = wanted.spins.then_some(wanted.cpu);
    let left = remaining_cpus(&host.allowed, spins, &held);
    let named = |thread: &super::RealtimeThread| {
        format!(
            "CPU {} is occupied by {} (thread {}, priority {})",
            thread.cpu, thread.name, thread.id, thread.priority
        )
    };
    let mut taken: Vec<_> = observed.busy.iter().map(named).collect();
    taken.extend(spins.map(|cpu| match cpu {
        Some(cpu) => format!("the rig's thread spins on CPU {cpu}"),
        None => "the rig's thread spins on any CPU".to_owned(),
    }));
    let taken = if taken.is_empty() { String::new() } else { format!("; {}", taken.join("; ")) };
    if left > 0 {
        return question.ok(format!("{left} of {}{taken}", host.allowed.len()));
    }
    question.finding(
        Level::Error,
        format!("none of CPU {}{taken}", cpus(&host.allowed)),
        "use wait policy `hybrid` or `sleep`, stop the threads that occupy the others, or let the process run on more \
         CPUs (taskset, AllowedCPUs=)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::RealtimeThread;
    use crate::doctor::testing::WANTED;
    use std::time::Duration;

    fn level(id: &str, observed: &Observed, allowed: &[usize], wanted: &Wanted) -> Level {
        let host = HostReading { allowed: allowed.to_vec(), ..HostReading::default() };
        let checks = judge_observed(observed, &host, wanted);
        checks.into_iter().find(|check| check.id == id).unwrap_or_else(|| panic!("{id}")).level
    }

    #[test]
    fn firmware_interrupts_during_the_watch_are_a_warning() {
        let level = |seconds, firmware| {
            let observed = Observed { length: Duration::from_secs(seconds), firmware, ..Observed::default() };
            level("firmware_interrupts", &observed, &[0], &WANTED)
        };
        assert_eq!(level(1, Some((40, 0))), Level::Ok);
        assert_eq!(level(1, Some((40, 2))), Level::Warn);
        assert_eq!(level(0, Some((40, 0))), Level::Info);
        assert_eq!(level(1, None), Level::Info);
    }

    #[test]
    fn a_rig_that_spins_needs_a_second_cpu() {
        let level = |allowed: &[usize], wanted| level("ordinary_threads", &Observed::default(), allowed, &wanted);
        let spins = Wanted { spins: true, ..WANTED };
        assert_eq!(level(&[3], spins), Level::Error);
        assert_eq!(level(&[0], Wanted { cpu: None, ..spins }), Level::Error, "it occupies one of them");
        assert_eq!(level(&[0, 3], spins), Level::Ok);
        assert_eq!(level(&[3], WANTED), Level::Ok, "it sleeps in each cycle");
        assert_eq!(level(&[], spins), Level::Info);
    }

    #[test]
    fn cpus_that_others_occupy_do_not_count() {
        let busy = RealtimeThread { id: 7, name: "zc-sim".to_owned(), priority: 80, cpu: 0, ticks: 0 };
        let observed = Observed { busy: vec![busy], ..Observed::default() };
        let spins = Wanted { spins: true, ..WANTED };
        assert_eq!(level("ordinary_threads", &observed, &[0, 3], &WANTED), Level::Ok);
        assert_eq!(level("ordinary_threads", &observed, &[0, 3], &spins), Level::Error);
        assert_eq!(level("ordinary_threads", &observed, &[0], &WANTED), Level::Error);
    }
}
