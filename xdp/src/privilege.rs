//! What this thread may do: the capabilities that AF_XDP needs, and how much memory it may pin.

use crate::error::XdpError;

/// A capability by its bit (`include/uapi/linux/capability.h`), name, and what it is needed for.
const NEEDED: [(u32, &str, &str); 3] = [
    (12, "CAP_NET_ADMIN", "attach an XDP program"),
    (13, "CAP_NET_RAW", "open an AF_XDP socket"),
    (CAP_BPF, "CAP_BPF", "load an XDP program"),
];
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_BPF: u32 = 39;

/// The effective capabilities of a thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capabilities(u64);

impl Capabilities {
    /// Those of the calling thread; all, where they can't be read, so that the kernel decides.
    pub(crate) fn of_this_thread() -> Self {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self(parse(&status).unwrap_or(u64::MAX))
    }

    const fn has(self, bit: u32) -> bool {
        self.0 & (1 << bit) != 0
    }

    /// Whether programs of others can be looked at.
    pub(crate) const fn sees_all_programs(self) -> bool {
        self.has(CAP_SYS_ADMIN)
    }

    /// Whether `RLIMIT_MEMLOCK` counts.
    pub(crate) const fn locks_without_limit(self) -> bool {
        self.has(CAP_IPC_LOCK)
    }

    /// # Errors
    /// `NoPermission`, with every capability that is missing.
    pub(crate) fn check(self) -> Result<(), XdpError> {
        let granted = |bit| self.has(bit) || (bit == CAP_BPF && self.has(CAP_SYS_ADMIN));
        let missing: Vec<_> =
            NEEDED.iter().filter(|(bit, ..)| !granted(*bit)).map(|&(_, name, purpose)| (name, purpose)).collect();
        if missing.is_empty() { Ok(()) } else { Err(XdpError::NoPermission { missing }) }
    }
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// The soft limit of pinned memory in bytes, or none.
pub(crate) fn memlock_limit() -> Option<u64> {
    let (soft, _) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_MEMLOCK).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_missing_capability() {
        let error = Capabilities(1 << 12).check().unwrap_err().to_string();
        assert!(error.contains("CAP_NET_RAW") && error.contains("CAP_BPF"), "{error}");
        assert!(!error.contains("CAP_NET_ADMIN"), "{error}");
    }

    #[test]
    fn sys_admin_stands_in_for_bpf() {
        assert!(Capabilities(1 << 12 | 1 << 13 | 1 << 21).check().is_ok());
    }

    #[test]
    fn reads_the_effective_set() {
        assert_eq!(parse("Name:\tx\nCapPrm:\t0\nCapEff:\t000001ffffffffff\n"), Some(0x1ff_ffff_ffff));
        assert_eq!(parse("Name:\tx\n"), None);
    }
}
