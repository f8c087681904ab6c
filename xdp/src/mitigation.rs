//! IRQ mitigation of an interface: `napi_defer_hard_irqs` and `gro_flush_timeout` together, set and given back.
//!
//! With both set, the kernel leaves a queue's interrupt off for the time of the second after every look into the queue,
//! so that busy polling has the queue for itself (`Documentation/networking/napi.rst`, "IRQ mitigation"). Where nobody
//! polls they delay every frame by that time: set them only together with busy polling, and give them back.
//!
//! Guarantees: [`HeldMitigation`] gives back what it found, also after an error; what is set already isn't written.
//! Not guaranteed: that they are given back after SIGKILL, or by a thread that lost the right to write them.

use crate::napi::{NapiKnob, NapiKnobs};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The two knobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IrqMitigation {
    /// Looks that find nothing before the interrupt is enabled again; 0 is the kernel's default.
    pub defer_hard_irqs: u32,
    /// Time from one look to the next while the interrupt is off; 0 is the kernel's default.
    pub gro_flush_timeout: Duration,
}

/// Why IRQ mitigation couldn't be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MitigationError {
    /// A knob can't be read.
    #[error("read {} of {interface}: {source}", knob.file())]
    Read {
        /// The interface.
        interface: String,
        /// The knob.
        knob: NapiKnob,
        /// Why not.
        source: io::Error,
    },
    /// A knob can't be written.
    #[error(
        "write {value} to /sys/class/net/{interface}/{}: {source}; it takes CAP_NET_ADMIN and the right to write the \
         file (root, or CAP_DAC_OVERRIDE), or set it beforehand as root",
        knob.file()
    )]
    Write {
        /// The interface.
        interface: String,
        /// The knob.
        knob: NapiKnob,
        /// What it should be.
        value: u64,
        /// Why not.
        source: io::Error,
    },
    /// The sysfs that is mounted doesn't show the interface.
    #[error(
        "/sys/class/net doesn't show {interface} of this network namespace, so it can't be set there; mount a sysfs of \
         the namespace (ip netns exec does)"
    )]
    NotShown {
        /// The interface.
        interface: String,
    },
}

/// IRQ mitigation that is set as long as this lives.
#[derive(Debug)]
#[must_use = "what was changed is given back when this is dropped"]
pub struct HeldMitigation {
    knobs: NapiKnobs,
    interface: String,
    before: IrqMitigation,
    changed: bool,
}

impl HeldMitigation {
    /// Sets both knobs of the interface of this name and number below `root`, where they aren't so already. What fails
    /// leaves both as they were.
    ///
    /// # Errors
    /// Each of [`MitigationError`].
    pub fn set(root: &Path, interface: &str, index: u32, wanted: IrqMitigation) -> Result<Self, MitigationError> {
        let knobs = NapiKnobs::find(root, interface, index)
            .ok_or_else(|| MitigationError::NotShown { interface: interface.into() })?;
        let before = read(&knobs, interface)?;
        // Made first, so that what fails half-way is given back.
        let held = Self { knobs, interface: interface.into(), before, changed: before != wanted };
        held.write(before, wanted)?;
        Ok(held)
    }

    /// Whether anything had to be written, and so must be given back.
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.changed
    }

    fn write(&self, now: IrqMitigation, wanted: IrqMitigation) -> Result<(), MitigationError> {
        if now.gro_flush_timeout != wanted.gro_flush_timeout {
            let nanos = u64::try_from(wanted.gro_flush_timeout.as_nanos()).unwrap_or(u64::MAX);
            self.write_one(NapiKnob::GroFlushTimeout, nanos)?;
        }
        if now.defer_hard_irqs != wanted.defer_hard_irqs {
            self.write_one(NapiKnob::DeferHardIrqs, wanted.defer_hard_irqs.into())?;
        }
        Ok(())
    }

    fn write_one(&self, knob: NapiKnob, value: u64) -> Result<(), MitigationError> {
        let failed = |source| MitigationError::Write { interface: self.interface.clone(), knob, value, source };
        self.knobs.write(knob, value).map_err(failed)
    }

    fn give_back(&self) -> Result<(), MitigationError> {
        self.write(read(&self.knobs, &self.interface)?, self.before)
    }
}

impl Drop for HeldMitigation {
    fn drop(&mut self) {
        if !self.changed {
            return;
        }
        match self.give_back() {
            Ok(()) => {}
            // The interface is gone, and its knobs with it.
            Err(MitigationError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("give back: {error}"),
        }
    }
}

fn read(knobs: &NapiKnobs, interface: &str) -> Result<IrqMitigation, MitigationError> {
    let one =
        |knob| knobs.read(knob).map_err(|source| MitigationError::Read { interface: interface.into(), knob, source });
    Ok(IrqMitigation {
        defer_hard_irqs: u32::try_from(one(NapiKnob::DeferHardIrqs)?).unwrap_or(u32::MAX),
        gro_flush_timeout: Duration::from_nanos(one(NapiKnob::GroFlushTimeout)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    const DEFER: &str = "napi_defer_hard_irqs";
    const FLUSH: &str = "gro_flush_timeout";
    const WANTED: IrqMitigation = IrqMitigation { defer_hard_irqs: 2, gro_flush_timeout: Duration::from_millis(2) };

    const FOLDER: &str = "sys/class/net/eth0";

    /// A root with an interface `eth0` of number 3.
    struct Fake(FakeTree);

    impl Fake {
        fn new(files: &[(&str, &str)]) -> Self {
            let all = files.iter().chain(&[("ifindex", "3\n")]);
            let all: Vec<_> = all.map(|(file, text)| (format!("{FOLDER}/{file}"), *text)).collect();
            let all: Vec<_> = all.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            Self(FakeTree::new(&all))
        }

        fn text(&self, name: &str) -> String {
            self.0.text(&format!("{FOLDER}/{name}"))
        }

        fn set(&self) -> Result<HeldMitigation, MitigationError> {
            HeldMitigation::set(self.0.root(), "eth0", 3, WANTED)
        }
    }

    #[test]
    fn what_is_held_is_given_back() {
        let fake = Fake::new(&[(DEFER, "0\n"), (FLUSH, "20000\n")]);
        let held = fake.set().unwrap();
        assert!(held.changed());
        assert_eq!((fake.text(DEFER), fake.text(FLUSH)), ("2".to_owned(), "2000000".to_owned()));
        drop(held);
        assert_eq!((fake.text(DEFER), fake.text(FLUSH)), ("0".to_owned(), "20000".to_owned()));
    }

    #[test]
    fn what_is_set_already_is_not_written_and_not_given_back() {
        let fake = Fake::new(&[(DEFER, "2\n"), (FLUSH, "2000000\n")]);
        let held = fake.set().unwrap();
        assert!(!held.changed());
        drop(held);
        // With the line ends that a write would have taken away.
        assert_eq!((fake.text(DEFER), fake.text(FLUSH)), ("2\n".to_owned(), "2000000\n".to_owned()));
    }

    #[test]
    fn a_knob_that_cannot_be_written_leaves_the_other_as_it_was_and_says_what_to_do() {
        let fake = Fake::new(&[(FLUSH, "0\n")]);
        // A number to read, and not to be written by anyone.
        fake.0.link(&format!("{FOLDER}/{DEFER}"), "/proc/sys/kernel/ngroups_max");
        let error = fake.set().unwrap_err().to_string();
        assert!(error.starts_with("write 2 to /sys/class/net/eth0/napi_defer_hard_irqs: "), "{error}");
        assert!(error.contains("it takes CAP_NET_ADMIN and the right to write the file"), "{error}");
        assert_eq!(fake.text(FLUSH), "0");
    }

    #[test]
    fn a_knob_that_is_not_there_is_named_and_an_interface_that_is_not_shown_too() {
        let fake = Fake::new(&[(DEFER, "0\n")]);
        let error = fake.set().unwrap_err().to_string();
        assert!(error.starts_with("read gro_flush_timeout of eth0: "), "{error}");
        let error = HeldMitigation::set(fake.0.root(), "eth0", 4, WANTED).unwrap_err().to_string();
        assert!(error.starts_with("/sys/class/net doesn't show eth0 of this network namespace"), "{error}");
    }
}
