//! Checks of what the kernel does with memory by itself, and of timer slack.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;

pub(super) fn judge(reading: &HostReading, wanted: &Wanted) -> Vec<Check> {
    vec![
        huge_pages(reading),
        reserved_pages(reading, wanted),
        same_page_merging(reading),
        swap(reading),
        numa_balancing(reading),
        timer_slack(reading),
    ]
}

fn huge_pages(reading: &HostReading) -> Check {
    let question = Question {
        id: "transparent_huge_pages",
        title: "Transparent huge pages",
        wanted: "madvise or never",
        why: "the kernel merges pages into huge ones at any time and stops the process meanwhile",
    };
    match reading.huge_pages.as_deref() {
        None => question.unknown("/sys/kernel/mm/transparent_hugepage/enabled can't be read"),
        Some("always") => {
            let fix = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
            question.finding(Level::Warn, "always", fix)
        }
        Some(other) => question.ok(other),
    }
}

fn reserved_pages(reading: &HostReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "reserved_huge_pages",
        title: "Reserved huge pages",
        wanted: "some free, if the rig's `engine.umem_pages` is \"huge\"",
        why: "the AF_XDP socket isn't opened without the memory that the rig asks for",
    };
    let asks = wanted.xdp && wanted.huge_pages;
    match reading.reserved_pages {
        None if asks => question.unknown("/sys/kernel/mm/hugepages/hugepages-2048kB can't be read"),
        None => question.info("none, and the rig doesn't use them"),
        Some((0, all)) if asks => question.finding(
            Level::Error,
            format!("none of {all} free, but the rig uses them"),
            format!("sysctl vm.nr_hugepages={}, or set `engine.umem_pages` to \"ordinary\"", all + 2),
        ),
        Some((free, all)) if asks => question.ok(format!("{free} of {all} free")),
        Some((free, all)) => question.ok(format!("{free} of {all} free; the rig doesn't use them")),
    }
}

fn same_page_merging(reading: &HostReading) -> Check {
    let question = Question {
        id: "same_page_merging",
        title: "Same-page merging (KSM)",
        wanted: "off",
        why: "a merged page is copied when it is written next, which is a page fault in the cycle",
    };
    match reading.same_page_merging {
        None => question.unknown("/sys/kernel/mm/ksm/run can't be read"),
        Some(1) => question.finding(Level::Warn, "on", "echo 2 > /sys/kernel/mm/ksm/run"),
        Some(_) => question.ok("off"),
    }
}

fn swap(reading: &HostReading) -> Check {
    let question = Question {
        id: "swap",
        title: "Swap",
        wanted: "off",
        why: "zerocat's memory is locked, but a process that it waits for may be swapped out",
    };
    match reading.swaps {
        None => question.unknown("/proc/swaps can't be read"),
        Some(0) => question.ok("off"),
        Some(areas) => question.finding(Level::Warn, format!("{areas} in use"), "swapoff -a"),
    }
}

fn numa_balancing(reading: &HostReading) -> Check {
    let question = Question {
        id: "numa_balancing",
        title: "NUMA balancing",
        wanted: "off",
        why: "it unmaps pages to see who uses them, which causes page faults in the cycle",
    };
    match reading.numa_balancing {
        None => question.unknown("/proc/sys/kernel/numa_balancing can't be read; perhaps the kernel doesn't have it"),
        Some(0) => question.ok("off"),
        Some(_) => question.finding(Level::Warn, "on", "sysctl kernel.numa_balancing=0"),
    }
}

fn timer_slack(reading: &HostReading) -> Check {
    let question = Question {
        id: "timer_slack",
        title: "Timer slack of ordinary threads",
        wanted: "at most 1000 ns",
        why: "the kernel may let ordinary threads sleep that much longer, so tasks wake later; realtime threads have none",
    };
    match reading.timer_slack_ns {
        None => question.unknown("/proc/self/timerslack_ns can't be read"),
        Some(slack) if slack <= 1_000 => question.ok(format!("{slack} ns")),
        Some(slack) => question.finding(
            Level::Info,
            format!("{slack} ns"),
            "TimerSlackNSec=1us in the systemd unit that starts it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};

    #[test]
    fn each_of_them_is_a_warning_if_it_is_on() {
        let header = "Filename Type Size Used Priority\n";
        let swapping = format!("{header}/dev/sda2 partition 1 0 -2\n");
        for (id, path, on, off) in [
            (
                "transparent_huge_pages",
                "sys/kernel/mm/transparent_hugepage/enabled",
                "[always] madvise never\n",
                "always [madvise] never\n",
            ),
            ("same_page_merging", "sys/kernel/mm/ksm/run", "1\n", "0\n"),
            ("swap", "proc/swaps", swapping.as_str(), header),
            ("numa_balancing", "proc/sys/kernel/numa_balancing", "1\n", "0\n"),
        ] {
            assert_eq!(level(id, &[(path, on)], &WANTED), Level::Warn, "{id}");
            assert_eq!(level(id, &[(path, off)], &WANTED), Level::Ok, "{id}");
        }
    }

    #[test]
    fn only_a_rig_that_uses_huge_pages_needs_them() {
        let path = |file: &str| format!("sys/kernel/mm/hugepages/hugepages-2048kB/{file}");
        let (free, all) = (path("free_hugepages"), path("nr_hugepages"));
        let asks = Wanted { huge_pages: true, ..WANTED };
        let of = |count| [(free.as_str(), count), (all.as_str(), "4\n")];
        assert_eq!(level("reserved_huge_pages", &of("0\n"), &asks), Level::Error);
        assert_eq!(level("reserved_huge_pages", &of("2\n"), &asks), Level::Ok);
        assert_eq!(level("reserved_huge_pages", &of("0\n"), &WANTED), Level::Ok);
        assert_eq!(level("reserved_huge_pages", &of("0\n"), &Wanted { xdp: false, ..asks }), Level::Ok);
    }

    #[test]
    fn slack_of_more_than_a_microsecond_is_a_note() {
        assert_eq!(level("timer_slack", &[("proc/self/timerslack_ns", "50000\n")], &WANTED), Level::Info);
        assert_eq!(level("timer_slack", &[("proc/self/timerslack_ns", "1000\n")], &WANTED), Level::Ok);
    }
}
