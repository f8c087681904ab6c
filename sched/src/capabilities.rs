//! Capabilities of a thread: which it has, and giving up those that it needs no more.
//!
//! Capabilities belong to threads, and a thread that is started has those of the one that starts it
//! (`capabilities(7)`). So a process gives one up when each of its threads does: the threads that run already one by
//! one, and before new ones are started the thread that starts them.
//!
//! Guarantees: what [`keep_only`] took away is out of the thread's effective, permitted, inheritable and ambient sets, and
//! no call brings it back. Not guaranteed: that a process of root's can do no harm then; root's files are still its own.

use nix::sys::resource::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::fmt;

/// Those that this crate has a name for (`include/uapi/linux/capability.h`).
const NAMES: [(Capabilities, &str); 7] = [
    (Capabilities::DAC_OVERRIDE, "CAP_DAC_OVERRIDE"),
    (Capabilities::DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"),
    (Capabilities::NET_ADMIN, "CAP_NET_ADMIN"),
    (Capabilities::NET_RAW, "CAP_NET_RAW"),
    (Capabilities::IPC_LOCK, "CAP_IPC_LOCK"),
    (Capabilities::SYS_NICE, "CAP_SYS_NICE"),
    (Capabilities::BPF, "CAP_BPF"),
];

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// Files whatever their permissions.
    pub const DAC_OVERRIDE: Self = Self(CapabilitySet::DAC_OVERRIDE.bits());
    /// Files and folders to read, whatever their permissions.
    pub const DAC_READ_SEARCH: Self = Self(CapabilitySet::DAC_READ_SEARCH.bits());
    /// Interfaces and their settings.
    pub const NET_ADMIN: Self = Self(CapabilitySet::NET_ADMIN.bits());
    /// Raw sockets.
    pub const NET_RAW: Self = Self(CapabilitySet::NET_RAW.bits());
    /// Memory locked beyond `RLIMIT_MEMLOCK`.
    pub const IPC_LOCK: Self = Self(CapabilitySet::IPC_LOCK.bits());
    /// Realtime priorities.
    pub const SYS_NICE: Self = Self(CapabilitySet::SYS_NICE.bits());
    /// BPF programs.
    pub const BPF: Self = Self(CapabilitySet::BPF.bits());

    /// Both sets in one.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that the calling thread may use now.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn of_this_thread() -> std::io::Result<Self> {
        Ok(Self(capabilities(None)?.effective.bits()))
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
    let unlimited = getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == libc::RLIM_INFINITY);
    if unlimited { Capabilities::NONE } else { Capabilities::IPC_LOCK }
}

/// Takes from the calling thread all capabilities but these. Those that it doesn't have it doesn't get.
///
/// # Errors
/// A sentence with what the kernel says.
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
            let kept = Capabilities::IPC_LOCK.and(Capabilities::NET_ADMIN);
            keep_only(kept).unwrap();
            let all = || ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"].map(shown);
            let wanted = before & (1 << 14 | 1 << 12);
            assert_eq!((all()[0], all()[1]), (wanted, wanted));
            assert!(all().iter().all(|set| set & !wanted == 0), "{:x?}", all());
            assert_eq!(std::thread::spawn(all).join().unwrap(), all());
            assert_eq!(Capabilities::of_this_thread().unwrap(), Capabilities(wanted));
            // What is gone doesn't come back.
            keep_only(Capabilities(u64::MAX)).unwrap();
            assert_eq!(shown("CapPrm:"), wanted);
        })
        .join()
        .unwrap();
        assert_eq!(shown("CapEff:"), before);
    }

    #[test]
    fn sets_are_named() {
        assert_eq!(Capabilities::NONE.to_string(), "none");
        let set = Capabilities::BPF.and(Capabilities::IPC_LOCK).and(Capabilities(1));
        assert_eq!(set.to_string(), "capability 0, CAP_IPC_LOCK, CAP_BPF");
        assert!(set.has(Capabilities::BPF) && !set.has(Capabilities::BPF.and(Capabilities::NET_RAW)));
    }
}
