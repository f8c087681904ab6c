//! How the kernel polls an interface's queues (NAPI), as sysfs says it and takes it.
//!
//! Guarantees: a file of another interface is never read or written. sysfs shows the network namespace that mounted
//! it, so an interface is found by name and number. Files are below a root, so that tests have a tree of their own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A knob of an interface (`Documentation/networking/napi.rst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NapiKnob {
    /// Polls that find nothing before interrupts are switched on again.
    DeferHardIrqs,
    /// How long frames may wait for a poll while interrupts are off, in ns.
    GroFlushTimeout,
    /// Polling in threads of its own: 0 or 1.
    Threaded,
}

impl NapiKnob {
    /// Name of its file in `/sys/class/net/<interface>`.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::DeferHardIrqs => "napi_defer_hard_irqs",
            Self::GroFlushTimeout => "gro_flush_timeout",
            Self::Threaded => "threaded",
        }
    }
}

/// The knobs of one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NapiKnobs {
    folder: PathBuf,
}

impl NapiKnobs {
    /// Those of the interface `name` with number `index` below `root`; none where sysfs doesn't show it.
    #[must_use]
    pub fn find(root: &Path, name: &str, index: u32) -> Option<Self> {
        let folder = root.join("sys/class/net").join(name);
        let shown: u32 = fs::read_to_string(folder.join("ifindex")).ok()?.trim().parse().ok()?;
        (shown == index).then_some(Self { folder })
    }

    /// The value of a knob.
    ///
    /// # Errors
    /// Where there is no such file, or what it says is no number.
    pub fn read(&self, knob: NapiKnob) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join(knob.file()))?;
        text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Gives a knob a value.
    ///
    /// # Errors
    /// Where there is no such file, or the kernel refuses.
    pub fn write(&self, knob: NapiKnob, value: u64) -> io::Result<()> {
        // Not created where it isn't: that would be a file that nobody reads.
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(self.folder.join(knob.file()))?;
        io::Write::write_all(&mut file, value.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    /// An interface `eth1` with number 3 and two knobs.
    fn tree() -> FakeTree {
        let knobs = [("ifindex", "3\n"), ("napi_defer_hard_irqs", "0\n"), ("threaded", "1\n")];
        let paths = knobs.map(|(file, text)| (format!("sys/class/net/eth1/{file}"), text));
        FakeTree::new(&paths.each_ref().map(|(path, text)| (path.as_str(), *text)))
    }

    #[test]
    fn a_knob_has_the_value_that_it_was_given() {
        let tree = tree();
        let knobs = NapiKnobs::find(tree.root(), "eth1", 3).unwrap();
        assert_eq!((knobs.read(NapiKnob::DeferHardIrqs).unwrap(), knobs.read(NapiKnob::Threaded).unwrap()), (0, 1));
        knobs.write(NapiKnob::DeferHardIrqs, 10).unwrap();
        assert_eq!(knobs.read(NapiKnob::DeferHardIrqs).unwrap(), 10);
    }

    #[test]
    fn a_namesake_in_another_namespace_is_not_it() {
        let tree = tree();
        assert_eq!(NapiKnobs::find(tree.root(), "eth1", 4), None);
        assert_eq!(NapiKnobs::find(tree.root(), "eth2", 3), None);
    }

    #[test]
    fn a_knob_that_the_kernel_does_not_have_is_an_error_and_not_made() {
        let tree = tree();
        let knobs = NapiKnobs::find(tree.root(), "eth1", 3).unwrap();
        assert!(knobs.read(NapiKnob::GroFlushTimeout).is_err());
        assert!(knobs.write(NapiKnob::GroFlushTimeout, 1).is_err());
        assert!(!tree.path("sys/class/net/eth1/gro_flush_timeout").exists());
    }
}
