//! What a process may still do once its link is open: each of its threads gives up what it needs no more.
//!
//! The socket is open then, the XDP program is on the interface and leaves it with a descriptor, and a lost network is
//! started over through the same socket. So of all capabilities remain those that memory, files and an interface to be
//! given back may want.
//!
//! Guarantees: the threads of a session, the one that started it, and all that these start have no others. Not
//! guaranteed: threads that the process had before; they are their owner's.

use crate::report::LinkReport;
use zerocat_sched::Capabilities;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};

/// What becomes of the capabilities of the thread that starts a session, and of the threads of the session, once the
/// link is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileges {
    /// They stay, as a library should leave them.
    #[default]
    Keep,
    /// Those that are needed no more are given up for good, by the calling thread too.
    GiveUp,
}

impl Privileges {
    /// The capabilities that stay, of those that there are; all of them, if `None`.
    pub(crate) fn kept(self, link: &LinkReport) -> Option<Capabilities> {
        match self {
            Self::Keep => None,
            Self::GiveUp => Some(needed(link)),
        }
    }
}

/// What is still needed with an open link. Root's rights to files are for sinks and reports in the folders of others.
fn needed(link: &LinkReport) -> Capabilities {
    let files = Capabilities::DAC_OVERRIDE.union(Capabilities::DAC_READ_SEARCH);
    let knobs = link.busy_poll.as_ref().is_some_and(|busy_poll| busy_poll.on);
    // The knobs are given back when the link is closed; interfaces for EoE are there already.
    let interface = if knobs { Capabilities::NET_ADMIN } else { Capabilities::NONE };
    for_locked_memory().union(files).union(interface)
}

/// Has the calling thread give up all but these. Returns what to tell the user if it couldn't.
pub(crate) fn give_up(kept: Capabilities) -> Option<String> {
    match keep_only(kept) {
        Ok(()) => {
            let left = Capabilities::of_this_thread().map_or_else(|error| error.to_string(), |left| left.to_string());
            tracing::info!("capabilities that are left: {left}");
            None
        }
        Err(error) => Some(format!("fewer capabilities once the link is open: {error}")),
    }
}

/// Does work on a thread that has no other capabilities than these, and so hands no others to the threads that it starts;
/// on the calling thread, if it may keep all.
///
/// # Errors
/// The thread couldn't be started.
pub(crate) fn with_only<T: Send>(kept: Option<Capabilities>, work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    let Some(kept) = kept else { return Ok(work()) };
    let on_thread = || {
        if let Err(error) = keep_only(kept) {
            tracing::warn!("fewer capabilities: {error}");
        }
        work()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, on_thread)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::BusyPollReport;

    #[test]
    fn the_interface_may_still_be_changed_only_where_something_of_it_must_be_given_back() {
        let mut link = LinkReport::new("xdp", "eth0");
        assert_eq!(Privileges::Keep.kept(&link), None);
        let kept = |link: &LinkReport| Privileges::GiveUp.kept(link).unwrap();
        let gone = [Capabilities::NET_RAW, Capabilities::BPF, Capabilities::SYS_NICE];
        assert!(!kept(&link).contains(Capabilities::NET_ADMIN));
        link.busy_poll = Some(BusyPollReport {
            asked: "on",
            on: true,
            why_not: None,
            napi_id: Some(1),
            budget: Some(8),
            napi_defer_hard_irqs: Some(2),
            gro_flush_timeout_ns: Some(2_000_000),
        });
        assert!(kept(&link).contains(Capabilities::NET_ADMIN));
        assert!(gone.iter().all(|one| !kept(&link).contains(*one)));
    }

    #[test]
    fn work_with_fewer_capabilities_leaves_the_caller_its_own() {
        let before = Capabilities::of_this_thread().unwrap();
        let within = with_only(Some(Capabilities::NONE), || Capabilities::of_this_thread().unwrap()).unwrap();
        assert_eq!((within, Capabilities::of_this_thread().unwrap()), (Capabilities::NONE, before));
        assert_eq!(with_only(None, || Capabilities::of_this_thread().unwrap()).unwrap(), before);
    }
}
