//! EtherCAT frames that arrived on another receive queue than ours, as our XDP program counts them.
//!
//! A socket receives from one queue. Frames that the NIC puts into another queue go to the network stack, and the
//! network looks dead; these counters say why. They are a handle of their own, so that an ordinary thread can read them
//! while the realtime thread has the link. Reading is a system call, so it is not for the cycle. Not guaranteed: an
//! answer without CAP_BPF, which older kernels want; and queues above 63, whose frames aren't counted.

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use std::fmt;

/// Entries of the program's map of counters.
pub(crate) const QUEUES: u32 = 64;

/// The counters of one link.
#[derive(Debug)]
pub struct MisdirectedCounters {
    counts: MapHandle,
    interface: String,
    queue: u32,
}

impl MisdirectedCounters {
    pub(crate) const fn new(counts: MapHandle, interface: String, queue: u32) -> Self {
        Self { counts, interface, queue }
    }

    /// What arrived on other queues so far; `None` if nothing did, or if the kernel doesn't say.
    #[must_use]
    pub fn seen(&self) -> Option<Misdirected> {
        let others = (0..QUEUES).filter(|queue| *queue != self.queue);
        let by_queue: Vec<_> = others.map(|queue| (queue, self.count(queue))).filter(|(_, count)| *count > 0).collect();
        (!by_queue.is_empty()).then(|| Misdirected { interface: self.interface.clone(), queue: self.queue, by_queue })
    }

    fn count(&self, queue: u32) -> u64 {
        let value = self.counts.lookup(&queue.to_ne_bytes(), MapFlags::ANY).ok().flatten();
        value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
    }
}

/// EtherCAT frames that arrived on other queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misdirected {
    /// The interface.
    pub interface: String,
    /// Our queue.
    pub queue: u32,
    /// Frames on others: queue and number, at least one each.
    pub by_queue: Vec<(u32, u64)>,
}

impl fmt::Display for Misdirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, queue, by_queue } = self;
        let list: Vec<_> = by_queue.iter().map(|(queue, count)| format!("{count} on queue {queue}")).collect();
        write!(
            f,
            "EtherCAT frames of {interface} arrived on other queues than {queue}, which is ours: {}; set one queue \
             (ethtool -L {interface} combined 1), or the rig file's engine.queue to where they arrive",
            list.join(", ")
        )
    }
}
