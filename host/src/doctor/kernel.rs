//! Checks of the kernel: preemption, AF_XDP, busy polling, throttling, clock, hypervisor.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;
use crate::kernel_config::{KernelConfig, Setting};
use std::time::Duration;

/// For periods below this a kernel without PREEMPT_RT is an error.
const SHORT: Duration = Duration::from_millis(1);
const NO_CONFIG: &str = "neither /proc/config.gz nor /boot/config-<release> can be read";

pub(super) fn judge(reading: &HostReading, wanted: &Wanted) -> Vec<Check> {
    vec![
        preempt_rt(reading, wanted),
        xdp_sockets(reading.config.as_ref(), wanted),
        busy_poll(reading.config.as_ref(), wanted),
        rt_throttling(reading, wanted),
        fair_server(reading, wanted),
        clocksource(reading),
        virtual_machine(reading),
    ]
}

fn preempt_rt(reading: &HostReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "preempt_rt",
        title: "PREEMPT_RT",
        wanted: "a PREEMPT_RT kernel",
        why: "without it, kernel code that can't be preempted delays wake-ups by up to milliseconds",
    };
    let version = &reading.host.kernel_version;
    if version.is_empty() {
        return question.unknown("/proc/sys/kernel/version can't be read");
    }
    if reading.host.preempt_rt {
        return question.ok(format!("yes ({})", reading.host.kernel));
    }
    let level = if wanted.period.is_some_and(|period| period < SHORT) { Level::Error } else { Level::Warn };
    question.finding(
        level,
        format!("no ({version})"),
        "install a realtime kernel (Debian: apt install linux-image-rt-amd64, or -arm64)",
    )
}

fn xdp_sockets(config: Option<&KernelConfig>, wanted: &Wanted) -> Check {
    let question = Question {
        id: "xdp_sockets",
        title: "AF_XDP in the kernel",
        wanted: "CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL",
        why: "without them AF_XDP sockets can't be opened; AF_PACKET works, but copies frames and takes longer",
    };
    let Some(config) = config else { return question.unknown(NO_CONFIG) };
    let off: Vec<_> = ["CONFIG_XDP_SOCKETS", "CONFIG_BPF_SYSCALL"]
        .into_iter()
        .filter(|option| config.get(option) == Setting::Off)
        .collect();
    let level = if wanted.xdp { Level::Error } else { Level::Info };
    match off.as_slice() {
        [] => question.ok("both enabled"),
        off => question.finding(
            level,
            format!("disabled: {}", off.join(", ")),
            "boot a kernel that has them, or use link `packet`",
        ),
    }
}

fn busy_poll(config: Option<&KernelConfig>, wanted: &Wanted) -> Check {
    let question = Question {
        id: "busy_poll",
        title: "Busy polling in the kernel",
        wanted: "CONFIG_NET_RX_BUSY_POLL",
        why: "with it, and with the driver's support, a socket receives without an interrupt",
    };
    match config.map(|config| config.get("CONFIG_NET_RX_BUSY_POLL")) {
        None => question.unknown(NO_CONFIG),
        Some(Setting::On) => question.ok("enabled"),
        Some(Setting::Off) if wanted.busy_polls => question.finding(
            Level::Warn,
            "disabled, but the rig uses it",
            "boot a kernel with it (6.5 or newer with PREEMPT_RT), or set `engine.busy_poll` to \"off\"",
        ),
        Some(Setting::Off) => question.info("disabled"),
    }
}

fn rt_throttling(reading: &HostReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "rt_throttling",
        title: "Realtime throttling",
        wanted: "off, or a thread that sleeps in each cycle",
        why: "the kernel takes 50 ms of every second from a SCHED_FIFO thread that never sleeps",
    };
    let throttling = &reading.throttling;
    let (Some(runtime), Some(period)) = (throttling.rt_runtime_us, throttling.rt_period_us) else {
        return question.unknown("/proc/sys/kernel/sched_rt_runtime_us can't be read");
    };
    let found = format!("{runtime} of {period} us");
    if runtime < 0 || u64::try_from(runtime).is_ok_and(|runtime| runtime >= period) {
        return question.ok("off");
    }
    if throttling.has_fair_server && !throttling.group_scheduling {
        return question.ok(format!("{found}, which has no effect from Linux 6.12 on"));
    }
    if wanted.spins {
        return question.finding(Level::Warn, found, "sysctl kernel.sched_rt_runtime_us=-1, or wait policy `hybrid`");
    }
    question.ok(format!("{found}; the thread sleeps in each cycle"))
}

fn fair_server(reading: &HostReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "fair_server",
        title: "Fair server",
        wanted: "off, or a thread that sleeps in each cycle",
        why: "from Linux 6.12 on, starved ordinary threads get 50 ms of every second on a CPU whose thread never sleeps",
    };
    let throttling = &reading.throttling;
    if reading.host.kernel.is_empty() {
        return question.unknown("/proc/sys/kernel/osrelease can't be read");
    }
    if !throttling.has_fair_server {
        return question.ok("none before Linux 6.12");
    }
    if !wanted.spins {
        return question.ok("the thread sleeps in each cycle");
    }
    let Some(cpu) = wanted.cpu else { return question.unknown("no CPU was named") };
    let fix = format!("echo 0 > /sys/kernel/debug/sched/fair_server/cpu{cpu}/runtime, or wait policy `hybrid`");
    match throttling.fair_server_ns.iter().find(|(of, _)| *of == cpu) {
        None => question.unknown("/sys/kernel/debug/sched/fair_server can't be read"),
        Some((_, 0)) => question.ok(format!("off on CPU {cpu}")),
        Some((_, nanos)) => {
            question.finding(Level::Warn, format!("{} ms per second on CPU {cpu}", nanos / 1_000_000), fix)
        }
    }
}

fn clocksource(reading: &HostReading) -> Check {
    let question = Question {
        id: "clocksource",
        title: "Clock source",
        wanted: "tsc, kvm-clock or the processor's timer",
        why: "a reading of hpet or acpi_pm takes over a microsecond, and each cycle reads the clock several times",
    };
    let Some(source) = reading.host.clocksource.as_deref() else {
        return question.unknown("current_clocksource can't be read");
    };
    match source {
        "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies" => question.finding(
            Level::Error,
            source,
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource; \
             if that is refused, dmesg says why the kernel doesn't use the tsc",
        ),
        _ => question.ok(source),
    }
}

fn virtual_machine(reading: &HostReading) -> Check {
    let question = Question {
        id: "virtual_machine",
        title: "Virtual machine",
        wanted: "none",
        why: "a hypervisor may interrupt CPUs for any length of time, and the guest can't prevent it",
    };
    if reading.host.virtual_machine {
        return question.finding(
            Level::Warn,
            "yes",
            "measure what it can do, and use a physical machine for real hardware",
        );
    }
    // The flag is in cpuinfo. If that can't be read, a missing flag means nothing.
    if reading.host.cpu_model.is_none() { question.unknown("/proc/cpuinfo names no CPU") } else { question.ok("no") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};

    const RELEASE: &str = "proc/sys/kernel/osrelease";
    const RUNTIME: (&str, &str) = ("proc/sys/kernel/sched_rt_runtime_us", "950000\n");
    const PERIOD: (&str, &str) = ("proc/sys/kernel/sched_rt_period_us", "1000000\n");
    const SPINS: Wanted = Wanted { spins: true, ..WANTED };

    #[test]
    fn a_kernel_without_preempt_rt_is_a_warning_and_below_a_millisecond_an_error() {
        let plain = [("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC\n")];
        assert_eq!(level("preempt_rt", &plain, &WANTED), Level::Warn);
        let fast = Wanted { period: Some(Duration::from_micros(999)), ..WANTED };
        assert_eq!(level("preempt_rt", &plain, &fast), Level::Error);
        assert_eq!(level("preempt_rt", &plain, &Wanted { period: None, ..WANTED }), Level::Warn);
        assert_eq!(level("preempt_rt", &[("proc/sys/kernel/version", "#1 SMP PREEMPT_RT\n")], &fast), Level::Ok);
    }

    #[test]
    fn a_kernel_without_xdp_sockets_is_an_error_for_a_rig_that_wants_them() {
        let config = |text| [(RELEASE, "6.1\n"), ("boot/config-6.1", text)];
        let without = config("CONFIG_BPF_SYSCALL=y\n");
        assert_eq!(level("xdp_sockets", &without, &WANTED), Level::Error);
        assert_eq!(level("xdp_sockets", &without, &Wanted { xdp: false, ..WANTED }), Level::Info);
        let with = config("CONFIG_BPF_SYSCALL=y\nCONFIG_XDP_SOCKETS=y\nCONFIG_NET_RX_BUSY_POLL=y\n");
        assert_eq!(level("xdp_sockets", &with, &WANTED), Level::Ok);
        assert_eq!(level("busy_poll", &with, &WANTED), Level::Ok);
        assert_eq!(level("busy_poll", &without, &WANTED), Level::Info);
    }

    #[test]
    fn throttling_matters_to_a_thread_that_spins_on_a_kernel_that_applies_it() {
        let old = [(RELEASE, "6.1.0\n"), RUNTIME, PERIOD];
        assert_eq!(level("rt_throttling", &old, &SPINS), Level::Warn);
        assert_eq!(level("rt_throttling", &old, &WANTED), Level::Ok);
        assert_eq!(level("rt_throttling", &[(RELEASE, "6.12.0\n"), RUNTIME, PERIOD], &SPINS), Level::Ok);
        let off = [(RELEASE, "6.1.0\n"), ("proc/sys/kernel/sched_rt_runtime_us", "-1\n"), PERIOD];
        assert_eq!(level("rt_throttling", &off, &SPINS), Level::Ok);
    }

    #[test]
    fn the_fair_server_matters_to_a_thread_that_spins() {
        let server = "sys/kernel/debug/sched/fair_server/cpu3/runtime";
        let on = [(RELEASE, "6.12.0\n"), (server, "50000000\n")];
        assert_eq!(level("fair_server", &on, &SPINS), Level::Warn);
        assert_eq!(level("fair_server", &on, &WANTED), Level::Ok);
        assert_eq!(level("fair_server", &[(RELEASE, "6.12.0\n"), (server, "0\n")], &SPINS), Level::Ok);
        assert_eq!(level("fair_server", &[(RELEASE, "6.12.0\n")], &SPINS), Level::Info, "debugfs isn't mounted");
        assert_eq!(level("fair_server", &[(RELEASE, "6.1.0\n")], &SPINS), Level::Ok);
    }

    #[test]
    fn a_slow_clock_is_an_error() {
        let path = "sys/devices/system/clocksource/clocksource0/current_clocksource";
        assert_eq!(level("clocksource", &[(path, "hpet\n")], &WANTED), Level::Error);
        assert_eq!(level("clocksource", &[(path, "tsc\n")], &WANTED), Level::Ok);
        assert_eq!(level("clocksource", &[(path, "arch_sys_counter\n")], &WANTED), Level::Ok);
    }

    #[test]
    fn a_virtual_machine_is_a_warning() {
        let cpu = |flags| [("proc/cpuinfo", flags)];
        assert_eq!(level("virtual_machine", &cpu("model name : x\nflags : fpu hypervisor\n"), &WANTED), Level::Warn);
        assert_eq!(level("virtual_machine", &cpu("model name : x\nflags : fpu\n"), &WANTED), Level::Ok);
    }
}
