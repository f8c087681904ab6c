//! What is read of an interface, and its checks.
//!
//! Part of it the driver answers by ioctl and netlink, in the calling thread's network namespace. The rest is in files
//! of `/proc` and `/sys`. sysfs shows the network namespace in which it was mounted, so those files may be missing.

mod counters;
mod files;
mod managers;
mod packet_sockets;
mod settings;
mod tunable;

pub use counters::{InterfaceCounters, judge_counters, read_counters};
pub use files::InterfaceFiles;
pub use managers::Managers;

pub(super) use counters::read_errors;
pub(super) use settings::missing;

use super::{Check, HostReading, Wanted};
use crate::nic::{NicSettings, XdpFeatures};
use std::path::Path;
use zerocat_xdp::AttachedProgram;

/// Everything that is read of an interface. `Err` says why a part couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceReading {
    /// How it is set.
    pub settings: NicSettings,
    /// Which parts of XDP its driver claims to support.
    pub features: Result<XdpFeatures, String>,
    /// The XDP program on it, if there is one.
    pub resident: Result<Option<AttachedProgram>, String>,
    /// What files say about it.
    pub files: InterfaceFiles,
}

impl InterfaceReading {
    /// The interface with these settings; its files are below `root`.
    #[must_use]
    pub fn read(root: &Path, settings: NicSettings) -> Self {
        Self {
            features: XdpFeatures::of_interface(settings.index).map_err(|error| error.to_string()),
            resident: AttachedProgram::of_interface(&settings.name).map_err(|error| zerocat_faults::chain(&error)),
            files: InterfaceFiles::read(root, &settings.name, settings.index),
            settings,
        }
    }
}

/// Judges an interface on this machine.
#[must_use]
pub fn judge_interface(reading: &InterfaceReading, host: &HostReading, wanted: &Wanted) -> Vec<Check> {
    let mut checks = settings::judge(reading, wanted);
    checks.extend(files::judge(&reading.files, host, wanted));
    checks
}

#[cfg(test)]
pub(super) use settings::tests::good;
