//! Capabilities of a thread: which it has, and how it gives up those that it no longer needs.
//!
//! Capabilities belong to threads, and a new thread inherits those of the thread that starts it (`capabilities(7)`). So
//! a process has given one up only when each of its threads has: those that already run one by one, and a thread that
//! starts others before it does so.
//!
//! Guarantees: what [`keep_only`] takes away is removed from the thread's effective, permitted, inheritable and ambient
//! sets, and no call brings it back. Not guaranteed: that a process run by root can then do no harm; it still owns
//! root's files.

use crate::memory;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::fmt;

/// Those that have a name here (`include/uapi/linux/capability.h`).
const NAMES: [(Capabilities, &str); 8] = [
    (Capabilities::DAC_OVERRIDE, "CAP_DAC_OVERRIDE"),
    (Capabilities::DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"),
    (Capabilities::NET_ADMIN, "CAP_NET_ADMIN"),
    (Capabilities::NET_RAW, "CAP_NET_RAW"),
    (Capabilities::IPC_LOCK, "CAP_IPC_LOCK"),
    (Capabilities::SYS_ADMIN, "CAP_SYS_ADMIN"),
    (Capabilities::SYS_NICE, "CAP_SYS_NICE"),
    (Capabilities::BPF, "CAP_BPF"),
];

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// Access to files whatever their permissions.
    pub const DAC_OVERRIDE: Self = Self(CapabilitySet::DAC_OVERRIDE.bits());
    /// Reading files and folders whatever their permissions.
    pub const DAC_READ_SEARCH: Self = Self(CapabilitySet::DAC_READ_SEARCH.bits());
    /// Changing interfaces and their settings.
    pub const NET_ADMIN: Self = Self(CapabilitySet::NET_ADMIN.bits());
    /// Raw sockets.
    pub const NET_RAW: Self = Self(CapabilitySet::NET_RAW.bits());
    /// Locking memory beyond `RLIMIT_MEMLOCK`.
    pub const IPC_LOCK: Self = Self(CapabilitySet::IPC_LOCK.bits());
    /// System administration; includes what CAP_BPF allows.
    pub const SYS_ADMIN: Self = Self(CapabilitySet::SYS_ADMIN.bits());
    /// Realtime priorities.
    pub const SYS_NICE: Self = Self(CapabilitySet::SYS_NICE.bits());
    /// BPF programs.
    pub const BPF: Self = Self(CapabilitySet::BPF.bits());

    /// The capabilities that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The effective capabilities of the calling thread: those that it can use now.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn of_this_thread() -> std::io::Result<Self> {
        Ok(Self(capabilities(None)?.effective.bits()))
    }

    /// The effective capabilities of a process or thread, by the text of its `status` in `/proc`
    /// (`proc_pid_status(5)`).
    #[must_use]
    pub fn from_status(status: &str) -> Option<Self> {
        let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(bits.trim(), 16).ok().map(Self)
    }
}

impl fmt::Display for Capabilities {
    /// `CAP_IPC_LOCK, CAP_NET_ADMIN`, or `none`; one without a name here by its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for bit in (0..u64::BITS).filter(|bit| self.0 >> bit & 1 == 1) {
            let name = NAMES.iter().find(|(one, _)| one.0 == 1 << bit);
            match name {
                Some((_, name)) => write!(f, "{separator}{name}")?,
                None => write!(f, "{separator}capability {bit}")?,
            }
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// What memory that is locked as it is mapped (`mlockall` with `MCL_FUTURE`) needs from now on: with a finite
/// `RLIMIT_MEMLOCK` and without CAP_IPC_LOCK the next `mmap` of the process fails.
#[must_use]
pub fn for_locked_memory() -> Capabilities {
    if memory::rlimit().is_some() { Capabilities::IPC_LOCK } else { Capabilities::NONE }
}

/// Takes all capabilities but these from the calling thread. It gains none.
///
/// # Errors
/// A sentence with the kernel's error.
pub fn keep_only(kept: Capabilities) -> Result<(), String> {
    let kept = CapabilitySet::from_bits_retain(kept.0);
    let reduced = |now: CapabilitySets| CapabilitySets {
        effective: now.effective & kept,
        permitted: now.permitted & kept,
        inheritable: now.inheritable & kept,
    };
    capabilities(None).and_then(|now| set_capabilities(None, reduced(now))).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sets of the calling thread, as the kernel prints them.
    fn shown(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    }

    #[test]
    fn what_is_not_kept_is_out_of_all_sets_of_this_thread_and_of_those_it_starts_and_of_no_other() {
        let before = shown("CapEff:");
        std::thread::spawn(move || {
            let kept = Capabilities::IPC_LOCK.union(Capabilities::NET_ADMIN);
            keep_only(kept).unwrap();
            let all = || ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"].map(shown);
            let wanted = before & (1 << 14 | 1 << 12);
            assert_eq!((all()[0], all()[1]), (wanted, wanted));
            assert!(all().iter().all(|set| set & !wanted == 0), "{:x?}", all());
            assert_eq!(std::thread::spawn(all).join().unwrap(), all());
            assert_eq!(Capabilities::of_this_thread().unwrap(), Capabilities(wanted));
            // What was given up can't be regained.
            keep_only(Capabilities(u64::MAX)).unwrap();
            assert_eq!(shown("CapPrm:"), wanted);
        })
        .join()
        .unwrap();
        assert_eq!(shown("CapEff:"), before);
    }

    #[test]
    fn what_the_kernel_prints_of_a_thread_is_the_set_that_it_has() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        assert_eq!(Capabilities::from_status(&status), Some(Capabilities::of_this_thread().unwrap()));
        let other = "Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000004000\n";
        assert_eq!(Capabilities::from_status(other), Some(Capabilities::IPC_LOCK));
        assert_eq!(Capabilities::from_status("Name:\tx\n"), None);
    }

    #[test]
    fn sets_are_named() {
        assert_eq!(Capabilities::NONE.to_string(), "none");
        let set = Capabilities::BPF.union(Capabilities::IPC_LOCK).union(Capabilities(1));
        assert_eq!(set.to_string(), "capability 0, CAP_IPC_LOCK, CAP_BPF");
        assert!(set.contains(Capabilities::BPF) && !set.contains(Capabilities::BPF.union(Capabilities::NET_RAW)));
    }
}
