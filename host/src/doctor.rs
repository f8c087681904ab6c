//! Checks whether a machine and an interface suit a rig. Each check says what was found, what is wanted, why, and how
//! to change it.
//!
//! Reading ([`HostReading`], [`InterfaceReading`]) is separate from judging ([`judge_host`], [`judge_interface`]),
//! which is pure. Nothing here changes the machine. What can't be read is [`Level::Info`] and says so, never
//! [`Level::Ok`]. Not guaranteed: that a machine without findings is fast enough. Only a measurement with `zerocat
//! bench` shows that.

mod check;
mod cpu;
mod cpu_time;
mod examine;
mod futex;
mod interface;
mod irq;
mod irq_thread;
mod kernel;
mod machine;
mod memory;
mod observed;
mod outputs;
mod rights;
mod tap;
mod timer;
mod tuned;

pub use check::{Check, Level, Question};
pub use cpu_time::judge_observed;
pub use examine::{DOCTOR_SCHEMA, DoctorRequest, Findings, examine, examine_during};
pub use interface::{
    InterfaceCounters, InterfaceFiles, InterfaceReading, Managers, judge_counters, judge_interface, read_counters,
};
pub use irq::{Irq, nic_irqs, read_irqs};
pub use irq_thread::IrqThread;
pub use machine::HostReading;
pub use observed::{Counts, Observed, RealtimeThread};
pub use rights::Rights;
pub use timer::{TimerReading, judge_timer};

use std::time::Duration;

/// What a rig asks of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// CPU of the realtime thread; `None` if it isn't pinned.
    pub cpu: Option<usize>,
    /// Priority of the realtime thread under SCHED_FIFO.
    pub priority: u8,
    /// The period of the cycle, if it is known.
    pub period: Option<Duration>,
    /// Whether the realtime thread never sleeps.
    pub spins: bool,
    /// Whether it sends and receives by AF_XDP.
    pub xdp: bool,
    /// Whether it busy-polls the NIC's queue.
    pub busy_polls: bool,
    /// Whether it keeps frames in huge pages.
    pub huge_pages: bool,
    /// Whether it makes interfaces (TAP) for Ethernet of SubDevices.
    pub taps: bool,
}

/// Judges the machine, without an interface. Interrupts whose numbers are in `own` are the NIC's and may be served by
/// the realtime CPU.
#[must_use]
pub fn judge_host(reading: &HostReading, own: &[u32], wanted: &Wanted) -> Vec<Check> {
    let mut checks = kernel::judge(reading, wanted);
    checks.extend(cpu::judge(reading, wanted));
    checks.extend(irq::judge_host(reading, own, wanted));
    checks.push(tuned::judge(reading));
    checks.extend(memory::judge(reading, wanted));
    checks.extend(rights::judge(&reading.rights, wanted));
    checks.extend(tap::judge(reading, wanted));
    checks
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Check, HostReading, Level, Wanted, judge_host};
    use std::time::Duration;
    use zerocat_testkit::FakeTree;

    /// A rig on CPU 3 at 1 kHz that sleeps.
    pub(crate) const WANTED: Wanted = Wanted {
        cpu: Some(3),
        priority: 80,
        period: Some(Duration::from_millis(1)),
        spins: false,
        xdp: true,
        busy_polls: false,
        huge_pages: false,
        taps: false,
    };

    /// Judges a machine of these files, whose NIC has interrupt 41.
    pub(crate) fn judged(files: &[(&str, &str)], wanted: &Wanted) -> Vec<Check> {
        judge_host(&HostReading::read(FakeTree::new(files).root()), &[41], wanted)
    }

    /// Level of one check on a machine of these files.
    #[track_caller]
    pub(crate) fn level(id: &str, files: &[(&str, &str)], wanted: &Wanted) -> Level {
        let checks = judged(files, wanted);
        let check = checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("{id} in {checks:#?}"));
        assert_eq!(check.level >= Level::Warn, check.fix.is_some() && check.level != Level::Info, "{check:?}");
        check.level
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{WANTED, judged};
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_cannot_be_read_is_never_ok() {
        for check in judged(&[], &WANTED) {
            assert_ne!(check.level, Level::Ok, "{check:?}");
        }
    }

    #[test]
    fn every_check_has_an_id_of_its_own_and_a_reason() {
        let checks = judged(&[], &WANTED);
        let ids: HashSet<_> = checks.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), checks.len());
        assert!(checks.iter().all(|check| !check.why.is_empty() && !check.wanted.is_empty()));
    }
}
