//! Why nobody answers at an interface, as far as this host can tell: asked only once nobody has answered.
//!
//! It looks at what `zerocat doctor` looks at (a bridge or a bond that the interface is part of, carrier, an XDP program), and
//! whether a frame that is sent there arrives at another interface of this host: a ring. For that it sends one broadcast
//! read, up to three times, and listens for some tens of milliseconds.
//!
//! Not guaranteed: that what it finds is the cause, nor that it finds any. A ring is seen only by who may open raw
//! sockets; for a run, which gives CAP_NET_RAW up, a thread keeps it until the network is in OP or has failed to come up
//! ([`Listener`]).

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};
use zerocat_host::nic::{Upper, has_carrier};
use zerocat_link::packet::{self, PacketLink};
use zerocat_link::{Link, MAX_FRAME, Sizing, Slot};
use zerocat_sched::Capabilities;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView, register};
use zerocat_xdp::AttachedProgram;

/// Name of the thread that listens for a run.
const NAME: &str = "zc-silence";
/// Its stack.
const STACK: usize = 256 * 1024;
/// Times that a frame is sent to see where it arrives.
const TRIES: u32 = 3;
/// How long each is listened for.
const LISTEN: Duration = Duration::from_millis(20);
/// Pause between two looks.
const NAP: Duration = Duration::from_millis(1);
/// Most interfaces that are listened at.
const MOST: usize = 64;

/// What this host knows of why nobody answers at an interface, a sentence each, with what to do.
#[must_use]
pub fn why_silent(interface: &str) -> Vec<String> {
    let mut reasons: Vec<_> =
        [part_of(interface), no_carrier(interface), program(interface)].into_iter().flatten().collect();
    if reasons.is_empty() {
        reasons.extend(ring(interface));
    }
    reasons
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

/// The bridge, bond or the like that takes the frames that come back.
fn part_of(interface: &str) -> Option<String> {
    let Upper { name, kind } = Upper::of_interface(Path::new("/"), interface)?;
    let remedy = Upper::remedy(interface);
    Some(format!("{interface} is part of the {kind} {name}, which takes the frames that come back: {remedy}"))
}

fn no_carrier(interface: &str) -> Option<String> {
    let dead = has_carrier(interface) == Some(false);
    dead.then(|| format!("{interface} has no carrier: no cable, or nothing that is powered at its other end"))
}

/// An XDP program of somebody else's; ours is detached by now.
fn program(interface: &str) -> Option<String> {
    let resident = AttachedProgram::of_interface(interface).ok()??;
    let name = resident.name.as_deref().unwrap_or("without a name");
    Some(format!("XDP program {name} sees the frames of {interface} first; {}", resident.remedy()))
}

/// Another interface of this host where frames arrive that are sent at this one.
fn ring(interface: &str) -> Option<String> {
    let ears = others(interface).into_iter().filter_map(|name| Some((ear(&name)?, name)));
    let mut ears: Vec<_> = ears.take(MOST).collect();
    let mut mouth = PacketLink::open(interface, Sizing { slots: 1, receive: 1 }).ok()?;
    // Of the process, so that two who look at the same time don't hear each other.
    let [a, b, ..] = std::process::id().to_le_bytes();
    let source = MacAddress([0x10, 0x7a, 0x63, 0x52, a, b]);
    let mut plain = None;
    for _ in 0..TRIES {
        send(&mut mouth, source)?;
        let end = Instant::now() + LISTEN;
        while Instant::now() < end {
            for (ear, name) in &mut ears {
                match heard(ear, source) {
                    Some(0) => plain = Some(name.clone()),
                    Some(counted) => return Some(told(interface, name, counted)),
                    None => {}
                }
            }
            sleep(NAP);
        }
    }
    plain.map(|name| told(interface, &name, 0))
}

fn told(here: &str, there: &str, counted: u16) -> String {
    if counted == 0 {
        return format!(
            "frames sent at {here} arrive at {there} as they were sent: the cable leads from one to the other, and no SubDevice \
             is in between"
        );
    }
    format!(
        "frames sent at {here} arrive at {there}, {counted} SubDevices on their way: a ring; cable redundancy isn't there yet, \
         unplug one end"
    )
}

/// Names of the other interfaces of this network namespace.
fn others(interface: &str) -> Vec<String> {
    let names = packet::interfaces().unwrap_or_default();
    names.into_iter().filter(|name| name != interface && name != "lo").collect()
}

/// Listens at an interface; `None` where it is down, no Ethernet, or may not be listened at.
fn ear(interface: &str) -> Option<PacketLink> {
    PacketLink::open(interface, Sizing { slots: 1, receive: 16 }).ok()
}

fn send(link: &mut PacketLink, source: MacAddress) -> Option<()> {
    let mut bytes = [0; MAX_FRAME];
    let mut frame = FrameBuilder::new(&mut bytes, source).ok()?;
    frame.push(Datagram::new(Command::Brd, Address::broadcast(register::TYPE), 0, 1)).ok()?;
    let len = frame.finish().ok()?;
    link.slot_mut(Slot(0)).ok()?.get_mut(..len)?.copy_from_slice(bytes.get(..len)?);
    link.post(Slot(0), len).ok()?;
    link.kick().ok()
}

/// How many took part in our frame, if it arrived.
fn heard(link: &mut PacketLink, source: MacAddress) -> Option<u16> {
    while let Ok(Some(bytes)) = link.receive() {
        let from = ethernet::source(bytes);
        if from == Ok(source) || from == Ok(source.returned()) {
            let first = FrameView::new_checked(bytes).ok()?.datagrams().next()?.ok()?;
            return Some(first.working_counter());
        }
    }
    None
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
