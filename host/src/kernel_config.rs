//! The configuration that the running kernel was built with.

use crate::files;
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read;
use std::path::Path;

/// Longest configuration that is read, in bytes. No kernel's is longer.
const LONGEST: u64 = 4 << 20;

/// A kernel's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KernelConfig(String);

/// How an option is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Built in, or as a module.
    On,
    /// Not built.
    Off,
}

impl KernelConfig {
    /// The configuration of the running kernel: `/proc/config.gz`, else `/boot/config-<release>`.
    #[must_use]
    pub fn read(root: &Path, release: &str) -> Option<Self> {
        packed(root).or_else(|| files::text(root, &format!("boot/config-{release}"))).map(Self)
    }

    /// Whether an option is on.
    #[must_use]
    pub fn get(&self, option: &str) -> Setting {
        let set = self
            .0
            .lines()
            .filter_map(|line| line.split_once('='))
            .any(|(name, value)| name == option && matches!(value.trim(), "y" | "m"));
        if set { Setting::On } else { Setting::Off }
    }
}

fn packed(root: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(root.join("proc/config.gz")).ok()?;
    GzDecoder::new(file).take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use zerocat_testkit::FakeTree;

    const CONFIG: &str = "CONFIG_BPF_SYSCALL=y\nCONFIG_NETCONSOLE=m\n# CONFIG_XDP_SOCKETS is not set\n";

    #[test]
    fn built_in_and_module_are_on_and_what_is_not_there_is_off() {
        let tree = FakeTree::new(&[("boot/config-6.1", CONFIG)]);
        let config = KernelConfig::read(tree.root(), "6.1").unwrap();
        assert_eq!(
            ["CONFIG_BPF_SYSCALL", "CONFIG_NETCONSOLE", "CONFIG_XDP_SOCKETS", "CONFIG_BPF"]
                .map(|name| config.get(name)),
            [Setting::On, Setting::On, Setting::Off, Setting::Off]
        );
    }

    #[test]
    fn the_copy_in_proc_is_preferred() {
        let tree = FakeTree::new(&[("boot/config-6.1", CONFIG), ("proc/config.gz", "")]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"CONFIG_XDP_SOCKETS=y\n").unwrap();
        std::fs::write(tree.root().join("proc/config.gz"), encoder.finish().unwrap()).unwrap();
        assert_eq!(KernelConfig::read(tree.root(), "6.1").unwrap().get("CONFIG_XDP_SOCKETS"), Setting::On);
    }

    #[test]
    fn a_kernel_without_either_file_has_no_configuration() {
        assert_eq!(KernelConfig::read(FakeTree::new(&[]).root(), "6.1"), None);
    }
}
