//! The machine that a bench ran on, as in the report of a run, and the interface.

use serde::Serialize;
use std::path::Path;
use zerocat::report::HostReport;
use zerocat_host::Nic;
use zerocat_sched::cpu_list;

/// What figures depend on.
#[derive(Debug, Clone, Serialize)]
pub struct BenchHost {
    /// The machine; its keys stand beside `interface`.
    #[serde(flatten)]
    pub machine: HostReport,
    /// The interface with its driver; `null` for a bench without one. A virtual interface has no driver.
    pub interface: Option<Nic>,
}

impl BenchHost {
    /// This machine, with an interface of it.
    #[must_use]
    pub fn read(interface: Option<&str>) -> Self {
        Self { machine: HostReport::read(), interface: interface.and_then(Nic::for_interface) }
    }
}

impl std::fmt::Display for BenchHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.machine)?;
        match &self.interface {
            Some(Nic { name, driver: Some(driver), .. }) => write!(f, "; {name} (driver {driver})"),
            Some(Nic { name, driver: None, .. }) => write!(f, "; {name} (virtual interface)"),
            None => Ok(()),
        }
    }
}

/// The CPU that a bench measures on unless it is told another: the last one.
pub(crate) fn last_cpu() -> Option<usize> {
    cpu_list::read(Path::new("/"), "online").last().copied()
}
