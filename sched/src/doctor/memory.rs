//! Checks of what the kernel does to memory behind a process's back.

use super::check::{Check, Level, Question};
use super::host::HostReading;

pub(super) fn judge(reading: &HostReading) -> Vec<Check> {
    vec![huge_pages(reading), same_page_merging(reading), swap(reading), numa_balancing(reading)]
}

fn huge_pages(reading: &HostReading) -> Check {
    let question = Question {
        id: "transparent_huge_pages",
        title: "Transparent huge pages",
        wanted: "madvise or never",
        why: "the kernel joins pages to huge ones at any time and stops their process while it does",
    };
    match reading.huge_pages.as_deref() {
        None => question.unknown("/sys/kernel/mm/transparent_hugepage/enabled can't be read"),
        Some("always") => {
            let fix = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
            question.not(Level::Warn, "always", fix)
        }
        Some(other) => question.ok(other),
    }
}

fn same_page_merging(reading: &HostReading) -> Check {
    let question = Question {
        id: "same_page_merging",
        title: "Same-page merging (KSM)",
        wanted: "off",
        why: "a page that was merged is copied at the next write: a page fault in the cycle",
    };
    match reading.same_page_merging {
        None => question.unknown("/sys/kernel/mm/ksm/run can't be read"),
        Some(1) => question.not(Level::Warn, "on", "echo 2 > /sys/kernel/mm/ksm/run"),
        Some(_) => question.ok("off"),
    }
}

fn swap(reading: &HostReading) -> Check {
    let question = Question {
        id: "swap",
        title: "Swap",
        wanted: "off",
        why: "zerocat's memory is locked, but what it waits for may be on disk",
    };
    match reading.swaps {
        None => question.unknown("/proc/swaps can't be read"),
        Some(0) => question.ok("off"),
        Some(areas) => question.not(Level::Warn, format!("{areas} in use"), "swapoff -a"),
    }
}

fn numa_balancing(reading: &HostReading) -> Check {
    let question = Question {
        id: "numa_balancing",
        title: "NUMA balancing",
        wanted: "off",
        why: "it takes pages away to see who uses them: page faults in the cycle",
    };
    match reading.numa_balancing {
        None => question.unknown("/proc/sys/kernel/numa_balancing can't be read; the kernel may have none"),
        Some(0) => question.ok("off"),
        Some(_) => question.not(Level::Warn, "on", "sysctl kernel.numa_balancing=0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};

    #[test]
    fn each_of_them_is_a_warning_when_on_and_none_when_off() {
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
}
