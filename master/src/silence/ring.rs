//! Whether frames that are sent at an interface arrive at another one of this host, through a cable or a ring of SubDevices.

use std::thread::sleep;
use std::time::{Duration, Instant};
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, MAX_FRAME, Sizing, Slot};
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView, register};

/// Times that a frame is sent to see where it arrives.
const TRIES: u32 = 3;
/// How long each is listened for.
const LISTEN: Duration = Duration::from_millis(20);
/// Pause between two looks.
const NAP: Duration = Duration::from_millis(1);
/// Most interfaces that are listened at.
const MOST: usize = 64;

/// Another interface of this host where frames arrive that are sent at this one.
pub(super) fn ring(interface: &str) -> Option<String> {
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
    let names = zerocat_link::interfaces().unwrap_or_default();
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
