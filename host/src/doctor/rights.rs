//! Checks of what this process may do, by its own capabilities and limits.

use super::Wanted;
use super::check::{Check, Level, Question};
use crate::files;
use std::path::Path;
use zerocat_sched::Capabilities;

/// Capabilities and limits of this process. `None` is what couldn't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Effective capabilities.
    pub capabilities: Option<Capabilities>,
    /// RLIMIT_MEMLOCK in bytes; `u64::MAX` is unlimited.
    pub locked_memory: Option<u64>,
    /// RLIMIT_RTPRIO; `u64::MAX` is unlimited.
    pub priority: Option<u64>,
}

impl Rights {
    /// Reads them from `/proc/self` below `root`.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let limits = files::text(root, "proc/self/limits").unwrap_or_default();
        Self {
            capabilities: files::text(root, "proc/self/status").as_deref().and_then(Capabilities::from_status),
            locked_memory: soft_limit(&limits, "Max locked memory"),
            priority: soft_limit(&limits, "Max realtime priority"),
        }
    }

    fn has(&self, one: Capabilities) -> Option<bool> {
        self.capabilities.map(|own| own.contains(one))
    }
}

fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

pub(super) fn judge(rights: &Rights, wanted: &Wanted) -> Vec<Check> {
    vec![network(rights, wanted), locked_memory(rights), priority(rights, wanted)]
}

fn network(rights: &Rights, wanted: &Wanted) -> Check {
    let question = Question {
        id: "capabilities",
        title: "Network capabilities",
        wanted: "CAP_NET_RAW; for AF_XDP also CAP_NET_ADMIN and CAP_BPF",
        why: "without them the kernel refuses the socket or the XDP program",
    };
    if rights.capabilities.is_none() {
        return question.unknown("/proc/self/status can't be read");
    }
    let has = |one| rights.has(one) == Some(true);
    let granted = [
        (Capabilities::NET_RAW, has(Capabilities::NET_RAW)),
        (Capabilities::NET_ADMIN, has(Capabilities::NET_ADMIN) || !wanted.xdp),
        (Capabilities::BPF, has(Capabilities::BPF) || has(Capabilities::SYS_ADMIN) || !wanted.xdp),
    ];
    let missing: Vec<_> = granted.into_iter().filter(|(_, granted)| !granted).map(|(one, _)| one.to_string()).collect();
    if missing.is_empty() {
        return question.ok("all");
    }
    let fix = "run as root, or: setcap cap_net_raw,cap_net_admin,cap_bpf,cap_sys_nice,cap_ipc_lock+ep $(which zerocat)";
    question.finding(Level::Error, format!("missing: {}", missing.join(", ")), fix)
}

fn locked_memory(rights: &Rights) -> Check {
    let question = Question {
        id: "locked_memory",
        title: "Locked memory",
        wanted: "CAP_IPC_LOCK, or no limit",
        why: "memory that isn't locked may be paged out, and a page fault in the cycle brings it back",
    };
    match (rights.has(Capabilities::IPC_LOCK), rights.locked_memory) {
        (Some(true), _) => question.ok("CAP_IPC_LOCK"),
        (_, Some(u64::MAX)) => question.ok("unlimited"),
        (_, None) => question.unknown("/proc/self/limits can't be read"),
        (_, Some(bytes)) => question.finding(
            Level::Error,
            format!("{} KiB", bytes / 1024),
            "grant CAP_IPC_LOCK, or set LimitMEMLOCK=infinity (systemd), or `memlock unlimited` in limits.conf",
        ),
    }
}

fn priority(rights: &Rights, wanted: &Wanted) -> Check {
    let question = Question {
        id: "realtime_priority",
        title: "Realtime priority",
        wanted: "CAP_SYS_NICE, or a limit of at least the rig's priority",
        why: "without SCHED_FIFO every other thread delays the cycle",
    };
    match (rights.has(Capabilities::SYS_NICE), rights.priority) {
        (Some(true), _) => question.ok("CAP_SYS_NICE"),
        (_, None) => question.unknown("/proc/self/limits can't be read"),
        (_, Some(limit)) if limit >= u64::from(wanted.priority) => question.ok(format!("limit {limit}")),
        (_, Some(limit)) => question.finding(
            Level::Error,
            format!("limit {limit}; the rig needs {}", wanted.priority),
            format!("grant CAP_SYS_NICE, or set LimitRTPRIO={}", wanted.priority),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};
    use zerocat_testkit::FakeTree;

    const LIMITS: &str = "proc/self/limits";
    const STATUS: &str = "proc/self/status";

    fn limits(locked: &str, priority: &str) -> String {
        format!(
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max locked memory         {locked}              8388608              bytes     \n\
             Max realtime priority     {priority}                    0                    \n"
        )
    }

    #[test]
    fn a_capability_is_read_from_the_effective_set() {
        let read = |text: &str| Rights::read(FakeTree::new(&[(STATUS, text)]).root());
        let rights = read("Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000004000\n");
        assert_eq!(rights.capabilities, Some(Capabilities::IPC_LOCK));
        assert_eq!(read("Name:\tx\n").capabilities, None);
    }

    #[test]
    fn the_link_decides_which_capabilities_are_needed() {
        let raw_only = [(STATUS, "CapEff:\t0000000000002000\n")];
        assert_eq!(level("capabilities", &raw_only, &WANTED), Level::Error);
        assert_eq!(level("capabilities", &raw_only, &Wanted { xdp: false, ..WANTED }), Level::Ok);
        assert_eq!(level("capabilities", &[(STATUS, "CapEff:\t000001ffffffffff\n")], &WANTED), Level::Ok);
    }

    #[test]
    fn a_finite_limit_of_locked_memory_is_an_error_without_the_capability() {
        let finite = limits("8388608", "0");
        assert_eq!(level("locked_memory", &[(LIMITS, &finite)], &WANTED), Level::Error);
        assert_eq!(level("locked_memory", &[(LIMITS, &limits("unlimited", "0"))], &WANTED), Level::Ok);
        let capable = [(LIMITS, finite.as_str()), (STATUS, "CapEff:\t0000000000004000\n")];
        assert_eq!(level("locked_memory", &capable, &WANTED), Level::Ok);
    }

    #[test]
    fn the_limit_must_reach_the_rigs_priority() {
        assert_eq!(level("realtime_priority", &[(LIMITS, &limits("0", "79"))], &WANTED), Level::Error);
        assert_eq!(level("realtime_priority", &[(LIMITS, &limits("0", "80"))], &WANTED), Level::Ok);
    }
}
