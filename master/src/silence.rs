//! Why nobody answers at an interface, as far as this host can tell: asked only once nobody has answered.
//!
//! It looks at what `zerocat doctor` looks at (a bridge or a bond that the interface is part of, carrier, an XDP program), and
//! whether a frame that is sent there arrives at another interface of this host: a ring. For that it sends one broadcast
//! read, up to three times, and listens for some tens of milliseconds.
//!
//! Not guaranteed: that what it finds is the cause, nor that it finds any. A ring is seen only by who may open raw
//! sockets; for a run, which gives CAP_NET_RAW up, a thread keeps it until the network is in OP or has failed to come up
//! ([`Listener`]).

#[cfg(feature = "packet")]
mod ring;

#[cfg(feature = "packet")]
use self::ring::ring;
use crate::host_facts::{has_carrier, part_of};
use crate::link;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use zerocat_sched::Capabilities;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};

/// Name of the thread that listens for a run.
const NAME: &str = "zc-silence";
/// Its stack.
const STACK: usize = 256 * 1024;

/// What this host knows of why nobody answers at an interface, a sentence each, with what to do.
#[must_use]
pub fn why_silent(interface: &str) -> Vec<String> {
    let reasons: Vec<_> =
        [part_of(interface), no_carrier(interface), link::resident(interface)].into_iter().flatten().collect();
    if reasons.is_empty() { ring(interface).into_iter().collect() } else { reasons }
}

/// A thread that may still open raw sockets, to find out why nobody answers once the others may not. It does nothing until it
/// is asked, and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    ask: Option<Sender<()>>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Listener {
    /// Starts it for an interface, with what it needs and no more. `None`: no thread can be had.
    pub(crate) fn start(interface: &str) -> Option<Self> {
        let (ask, asked) = channel();
        let interface = interface.to_owned();
        let work = move || {
            if let Err(error) = keep_only(Capabilities::NET_RAW.union(for_locked_memory())) {
                tracing::warn!("fewer capabilities: {error}");
            }
            if asked.recv().is_ok() { why_silent(&interface) } else { Vec::new() }
        };
        let thread = Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(work).ok()?;
        Some(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// As [`why_silent`].
    pub(crate) fn why_silent(mut self) -> Vec<String> {
        if let Some(ask) = &self.ask {
            // It waits for nothing else.
            let _ = ask.send(());
        }
        self.end()
    }

    fn end(&mut self) -> Vec<String> {
        self.ask = None;
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end();
    }
}

/// Without AF_PACKET nobody listens.
#[cfg(not(feature = "packet"))]
const fn ring(_: &str) -> Option<String> {
    None
}

fn no_carrier(interface: &str) -> Option<String> {
    let dead = has_carrier(interface) == Some(false);
    dead.then(|| format!("{interface} has no carrier: no cable, or nothing that is powered at its other end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::netns::{in_private_netns, ip, second_cable};

    #[test]
    fn a_cable_between_two_interfaces_of_this_host_is_told_with_both_names() {
        in_private_netns(|veth| {
            let _other = second_cable();
            let reasons = why_silent(&veth.master);
            let [reason] = reasons.as_slice() else { panic!("{reasons:?}") };
            assert!(reason.contains(&format!("frames sent at {} arrive at {}", veth.master, veth.peer)), "{reason}");
        });
    }

    #[test]
    fn an_interface_without_carrier_is_told() {
        in_private_netns(|veth| {
            ip(&format!("link set {} down", veth.peer));
            let reasons = why_silent(&veth.master);
            assert!(reasons.iter().any(|reason| reason.contains("has no carrier")), "{reasons:?}");
        });
    }
}
