//! Limits of threads, files and memory: whether one of them is why something failed, what it is called, and how it is
//! raised.

use crate::link::LinkOpenError;
use crate::session::SessionError;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use zerocat_faults::chain;
#[cfg(feature = "packet")]
use zerocat_link::packet::PacketError;
#[cfg(feature = "xdp")]
use zerocat_xdp::XdpError;

/// `include/uapi/asm-generic/errno-base.h`.
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Threads of the user, or of the control group.
    Threads,
    /// Open files of the process.
    Files,
    /// Open files of the machine.
    FilesOfAll,
    /// Memory.
    Memory,
    /// Locked memory of the process.
    LockedMemory,
}

impl Limit {
    /// The limit that a session failed at, if that is why.
    #[must_use]
    pub fn of(error: &SessionError) -> Option<Self> {
        #[cfg(feature = "xdp")]
        if let SessionError::Link(LinkOpenError::Xdp { source, .. }) = error {
            match **source {
                XdpError::MemoryLock { .. } => return Some(Self::LockedMemory),
                // Huge pages are reserved; that none are free is not a limit of this process.
                XdpError::HugePages { .. } => return None,
                _ => {}
            }
        }
        Self::in_causes(error)
    }

    /// An error that a limit is the cause of, in a line: with its name, its value and what raises it.
    #[must_use]
    pub fn explain(self, error: &SessionError) -> String {
        let text = chain(error);
        // What opens links looks before it begins, and tells all of it but the name.
        if tells_remedy(error) { format!("{text} ({})", self.name()) } else { format!("{text}; {self}") }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Threads => "RLIMIT_NPROC",
            Self::Files => "RLIMIT_NOFILE",
            Self::FilesOfAll => "fs.file-max",
            Self::Memory => "RLIMIT_AS",
            Self::LockedMemory => "RLIMIT_MEMLOCK",
        }
    }

    /// The limit that is among the causes of an error, if one is. An `EAGAIN` counts as the limit of threads.
    #[must_use]
    pub fn in_causes(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(cause) = next {
            if let Some(limit) = cause.downcast_ref::<io::Error>().and_then(Self::of_errno) {
                return Some(limit);
            }
            next = cause.source();
        }
        None
    }

    fn of_errno(error: &io::Error) -> Option<Self> {
        match error.raw_os_error()? {
            // No other step of a start answers so.
            EAGAIN => Some(Self::Threads),
            ENOMEM => Some(Self::Memory),
            EMFILE => Some(Self::Files),
            ENFILE => Some(Self::FilesOfAll),
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    /// Its name, its value and what raises it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads => threads(f),
            Self::Files => {
                write!(
                    f,
                    "RLIMIT_NOFILE is {}: raise it (ulimit -n, or LimitNOFILE= in a systemd unit)",
                    soft("open files")
                )
            }
            Self::FilesOfAll => f.write_str("the machine has no more files: raise fs.file-max (sysctl)"),
            Self::Memory => write!(
                f,
                "no more memory: look at RLIMIT_AS ({}, ulimit -v) and at the memory of the control group",
                soft("address space")
            ),
            Self::LockedMemory => write!(f, "RLIMIT_MEMLOCK is {}", soft("locked memory")),
        }
    }
}

fn tells_remedy(error: &SessionError) -> bool {
    let SessionError::Link(error) = error else { return false };
    match error {
        LinkOpenError::Lock(error) => error.limit().is_some(),
        #[cfg(feature = "xdp")]
        LinkOpenError::Xdp { source, .. } => source.limit().is_some(),
        #[cfg(feature = "packet")]
        LinkOpenError::Packet { source, .. } => matches!(source, PacketError::Descriptors(_)),
        LinkOpenError::NotBuilt { .. } => false,
    }
}

fn threads(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let processes = soft("processes");
    write!(f, "no more threads: RLIMIT_NPROC is {processes} (ulimit -u, or LimitNPROC= in a systemd unit)")?;
    if let Some(most) = pids_max() {
        write!(f, ", pids.max of the control group is {most} (TasksMax= in a systemd unit)")?;
    }
    match soft("locked memory").as_str() {
        "unlimited" => Ok(()),
        // The stack of a thread is locked when it is made.
        locked => write!(f, ", RLIMIT_MEMLOCK is {locked} (ulimit -l, or LimitMEMLOCK=)"),
    }
}

/// The soft limit of this process, with its unit, as `/proc/self/limits` names it.
fn soft(name: &str) -> String {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    soft_in(&limits, name).unwrap_or_else(|| "unknown".to_owned())
}

fn soft_in(limits: &str, name: &str) -> Option<String> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max ")?.strip_prefix(name))?;
    let mut words = rest.split_whitespace();
    match (words.next()?, words.nth(1)) {
        (soft, Some("bytes")) if soft != "unlimited" => Some(format!("{soft} bytes")),
        (soft, _) => Some(soft.to_owned()),
    }
}

/// `pids.max` of this process's control group, of either version; `None` where it has none.
fn pids_max() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let folder = match fields.next()? {
            "" => "/sys/fs/cgroup",
            "pids" => "/sys/fs/cgroup/pids",
            _ => return None,
        };
        fs::read_to_string(format!("{folder}{}/pids.max", fields.next()?)).ok()?.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_could_not_be_started_is_a_limit_of_threads() {
        let error = SessionError::Thread(io::Error::from_raw_os_error(EAGAIN));
        assert_eq!(Limit::of(&error), Some(Limit::Threads));
        assert!(Limit::Threads.to_string().contains("RLIMIT_NPROC is "));
    }

    #[test]
    fn a_cause_at_any_depth_is_found_and_others_are_none() {
        let source = io::Error::from_raw_os_error(EMFILE);
        let error = SessionError::Task(crate::TaskStartError::Thread { task: "t".to_owned(), source });
        assert_eq!(Limit::of(&error), Some(Limit::Files));
        assert_eq!(Limit::of(&SessionError::Interrupted), None);
        assert_eq!(Limit::of(&SessionError::Thread(io::Error::from_raw_os_error(13))), None);
    }

    #[test]
    fn soft_limits_are_read_with_their_units() {
        let limits = "Limit    Soft Limit  Hard Limit  Units\nMax processes   4    9   processes\n\
                      Max locked memory    8388608   8388608   bytes\nMax address space  unlimited  unlimited  bytes\n";
        let read = |name| soft_in(limits, name).unwrap();
        assert_eq!(["processes", "locked memory", "address space"].map(read), ["4", "8388608 bytes", "unlimited"]);
        assert_eq!(soft_in(limits, "open files"), None);
    }
}
