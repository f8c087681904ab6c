//! The same without the feature `host`: what the kernel says in a file, and nothing that needs to be judged.

use crate::report::{HostReport, NicErrors};
use std::fs::read_to_string;
use std::thread::available_parallelism;

/// Whether an interface has carrier; `None` where that can't be read.
pub(crate) fn has_carrier(interface: &str) -> Option<bool> {
    read(&format!("/sys/class/net/{interface}/carrier")).map(|carrier| carrier == "1")
}

/// Nothing is known of drivers.
#[cfg(feature = "packet")]
pub(crate) const fn driver(_: &str) -> Option<String> {
    None
}

/// Nothing is known of bridges and bonds.
pub(crate) const fn part_of(_: &str) -> Option<String> {
    None
}

/// Nothing is judged.
pub(crate) const fn spinning(_: Option<usize>) -> Vec<String> {
    Vec::new()
}

/// Nothing is known of an interface's counters.
#[derive(Debug)]
pub(crate) struct NicCounters;

impl NicCounters {
    pub(crate) const fn of(_: &str) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as with the feature `host`")]
    pub(crate) const fn since(&self, _: &Self) -> Option<NicErrors> {
        None
    }
}

/// This machine.
pub(crate) fn machine() -> HostReport {
    let kernel_version = read("/proc/sys/kernel/version").unwrap_or_default();
    HostReport {
        kernel: read("/proc/sys/kernel/osrelease").unwrap_or_default(),
        preempt_rt: kernel_version.contains("PREEMPT_RT"),
        kernel_version,
        cpu: None,
        cores: available_parallelism().map_or(1, usize::from),
        isolated: Vec::new(),
        virtual_machine: false,
        clocksource: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    }
}

fn read(path: &str) -> Option<String> {
    read_to_string(path).ok().map(|text| text.trim().to_owned())
}
