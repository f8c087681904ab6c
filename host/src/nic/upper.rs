//! The bridge, bond or other device that an interface is part of: it receives the frames that come in there.

use std::fs;
use std::path::Path;

/// A device above an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upper {
    /// Its name.
    pub name: String,
    /// What it is: `bridge`, `bond`, or `device` where that isn't known.
    pub kind: &'static str,
}

impl Upper {
    /// The device above `interface`, if there is one, by the files of `/sys` below `root`.
    #[must_use]
    pub fn of_interface(root: &Path, interface: &str) -> Option<Self> {
        let target = fs::canonicalize(root.join("sys/class/net").join(interface).join("master")).ok()?;
        let name = target.file_name()?.to_string_lossy().into_owned();
        let kinds = [("bridge", "bridge"), ("bonding", "bond")];
        let kind = kinds.into_iter().find(|(file, _)| target.join(file).exists()).map_or("device", |(_, kind)| kind);
        Some(Self { name, kind })
    }

    /// The command that takes an interface out of it.
    #[must_use]
    pub fn remedy(interface: &str) -> String {
        format!("ip link set dev {interface} nomaster")
    }
}
