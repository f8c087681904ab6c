//! What a session tells of the machine and its NIC beside its own figures. Without the feature `host` it is what the kernel says
//! in a file.

use crate::report::{HostReport, NicErrors};
use std::path::Path;
#[cfg(feature = "packet")]
use zerocat_host::Nic;
use zerocat_host::doctor::{self, read_counters};
use zerocat_host::nic::Upper;
use zerocat_host::{Host, spin_warning, starvation_warning};

pub(crate) use zerocat_host::nic::has_carrier;

/// Driver of an interface.
#[cfg(feature = "packet")]
pub(crate) fn driver(interface: &str) -> Option<String> {
    Nic::for_interface(interface).and_then(|nic| nic.driver)
}

/// The bridge, bond or the like that takes the frames that come back.
pub(crate) fn part_of(interface: &str) -> Option<String> {
    let Upper { name, kind } = Upper::of_interface(Path::new("/"), interface)?;
    let remedy = Upper::remedy(interface);
    Some(format!("{interface} is part of the {kind} {name}, which takes the frames that come back: {remedy}"))
}

/// What makes a thread that spins on a CPU stand still all the same, a sentence each.
pub(crate) fn spinning(cpu: Option<usize>) -> Vec<String> {
    spin_warning(cpu.unwrap_or_default()).into_iter().chain(starvation_warning(cpu)).collect()
}

/// What an interface had counted at a time.
#[derive(Debug)]
pub(crate) struct NicCounters(Option<doctor::InterfaceCounters>);

impl NicCounters {
    /// Now.
    pub(crate) fn of(interface: &str) -> Self {
        Self(read_counters(Path::new("/"), interface))
    }

    /// What it counted of errors since an earlier time.
    pub(crate) fn since(&self, earlier: &Self) -> Option<NicErrors> {
        let counters = self.0?.since(&earlier.0?);
        Some(NicErrors { received: counters.rx_errors, dropped: counters.rx_dropped, sent: counters.tx_errors })
    }
}

/// This machine.
pub(crate) fn machine() -> HostReport {
    let host = Host::read();
    HostReport {
        kernel: host.kernel,
        kernel_version: host.kernel_version,
        preempt_rt: host.preempt_rt,
        cpu: host.cpu_model,
        cores: host.cores,
        isolated: host.isolated,
        virtual_machine: host.virtual_machine,
        clocksource: host.clocksource,
    }
}
