//! Ethernet of SubDevices (EoE) beside the cycle: full-length frames that a simulated SubDevice sends back, so that as much goes
//! each way, by a program's port and by an interface of the host (TAP).
//!
//! Guarantees: no more frames are under way than a queue holds, so what is lost is lost on its way. Not measured: the host's own
//! network stack.

use super::aims::float;
use super::live::Live;
use super::watch::Watch;
use super::{LONG, MailboxBenchError, Veth, segment, table};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use zerocat::config::Rig;
use zerocat::{Bus, FramePort};
use zerocat_link::host_interface::HostInterface;
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, LinkFault, MAX_FRAME, Sizing, Slot};

/// Frames under way at the same time.
const UNDER_WAY: u16 = 8;
/// Those that haven't come back for so long are lost.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// Names of the interfaces.
const INTERFACES: [&str; 2] = ["zc-eoe0", "zc-eoe1"];
/// Where the kernel makes such interfaces.
const DEVICE: &str = "/dev/net/tun";
/// SubDevices: two with a program's port, then those with an interface.
const SUBDEVICES: u16 = 4;
const PROGRAMS: u16 = 2;

/// Who carries the frames at the MainDevice's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// A program's port.
    Program,
    /// An interface of the host.
    Interface,
}

/// What went through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EthernetRate {
    /// By whom.
    pub by: Carrier,
    /// Bytes of the mailboxes.
    pub mailbox_bytes: u16,
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Frames that came back.
    pub frames: u64,
    /// Frames that didn't.
    pub lost: u64,
    /// Bytes a second in each direction, both at the same time.
    pub per_second: f64,
    /// Cycles for each frame, there and back.
    pub cycles_per_frame: f64,
}

/// Measures both, in one session, each with two lengths of mailboxes; without TAP only the program's. Returns how many cyclic frames
/// were lost, too.
pub(super) fn measure(veth: &Veth, watch: &Watch<'_>) -> Result<(Vec<EthernetRate>, u64), MailboxBenchError> {
    watch.say("EoE: bringing the SubDevices to OP");
    let tap = Path::new(DEVICE).exists() && HostInterface::open(INTERFACES[0]).is_ok();
    let segment = segment::with_ethernet(SUBDEVICES, LONG);
    let live = Live::bring_up_of(|| bus(veth, tap), veth, &segment, None, watch)?;
    let mut rates = Vec::new();
    for position in 0..PROGRAMS {
        let mailbox = live.mailbox_bytes(position, 0, watch)?;
        let mut port = live.subdevice(position)?.eoe_port().map_err(|error| ended(&error))?;
        rates.push(exchange(Carrier::Program, &mut port, veth, mailbox, watch)?);
    }
    for (position, interface) in (PROGRAMS..SUBDEVICES).zip(INTERFACES).filter(|_| tap) {
        let mailbox = live.mailbox_bytes(position, 0, watch)?;
        let sizing = Sizing { slots: UNDER_WAY, receive: 4 * UNDER_WAY };
        let mut link = PacketLink::open(interface, sizing).map_err(|error| ended(&error))?;
        rates.push(exchange(Carrier::Interface, &mut link, veth, mailbox, watch)?);
    }
    let lost = live.lost_frames();
    watch.say("EoE: shutting down");
    live.stop()?;
    Ok((rates, lost))
}

fn ended(error: &(dyn std::error::Error + 'static)) -> MailboxBenchError {
    MailboxBenchError::Ended(zerocat::chain(error))
}

/// The bus, with interfaces of the host for some SubDevices where there is TAP.
fn bus(veth: &Veth, tap: bool) -> Result<Bus, MailboxBenchError> {
    let one = |(position, interface): (u16, &str)| serde_json::json!({ "key": interface, "position": position, "eoe": { "interface": interface } });
    let slaves: Vec<_> = (PROGRAMS..SUBDEVICES).zip(INTERFACES).filter(|_| tap).map(one).collect();
    let network = serde_json::json!({ "interface": veth.interface, "rate": veth.rate_hz, "unknown": "ignore" });
    let rig = serde_json::json!({ "network": network, "slaves": slaves });
    let rig = Rig::from_json(&rig.to_string()).and_then(Rig::check).map_err(|error| ended(&error))?;
    Ok(Bus::from_rig(rig))
}

/// Where frames go in and come out.
trait Ends {
    /// Sends the `n`th of the frames under way, unless there is no room.
    fn send(&mut self, n: u16, frame: &[u8]) -> bool;
    /// How many came back.
    fn came(&mut self) -> u64;
}

impl Ends for FramePort {
    fn send(&mut self, _: u16, frame: &[u8]) -> bool {
        Self::send(self, frame.to_vec()).is_ok()
    }

    fn came(&mut self) -> u64 {
        let mut came = 0;
        while let Some(frame) = self.try_receive() {
            came += u64::from(frame.len() == MAX_FRAME);
        }
        came
    }
}

impl Ends for PacketLink {
    fn send(&mut self, n: u16, frame: &[u8]) -> bool {
        let mut post = || -> Result<(), LinkFault> {
            self.slot_mut(Slot(n))?[..frame.len()].copy_from_slice(frame);
            self.post(Slot(n), frame.len())?;
            self.kick()
        };
        post().is_ok()
    }

    fn came(&mut self) -> u64 {
        let mut came = 0;
        while let Ok(Some(frame)) = self.receive() {
            came += u64::from(frame.len() == MAX_FRAME);
        }
        came
    }
}

/// A frame of the longest length, which any interface takes: to nobody, of EtherCAT's type.
fn frame() -> Vec<u8> {
    let mut frame = vec![0x5a; MAX_FRAME];
    frame[..6].copy_from_slice(&[0x02, 0x7a, 0x63, 0, 0, 1]);
    frame[6..12].copy_from_slice(&[0x02, 0x7a, 0x63, 0, 0, 2]);
    frame[12..14].copy_from_slice(&[0x88, 0xa4]);
    frame
}

fn exchange(
    by: Carrier,
    ends: &mut dyn Ends,
    veth: &Veth,
    mailbox_bytes: u16,
    watch: &Watch<'_>,
) -> Result<EthernetRate, MailboxBenchError> {
    let (frame, time) = (frame(), Duration::from_secs_f64(veth.seconds));
    let (began, mut heard) = (Instant::now(), Instant::now());
    let (mut frames, mut lost, mut under_way, mut next) = (0, 0, 0, 0);
    while began.elapsed() < time {
        while under_way < u64::from(UNDER_WAY) && ends.send(next, &frame) {
            (under_way, next) = (under_way + 1, (next + 1) % UNDER_WAY);
        }
        let came = ends.came();
        if came > 0 {
            heard = Instant::now();
        } else if heard.elapsed() > LOST_AFTER {
            (lost, under_way, heard) = (lost + under_way, 0, Instant::now());
        }
        (frames, under_way) = (frames + came, under_way.saturating_sub(came));
        watch.pause()?;
        watch.now_and_then(|| format!("{}: {frames} frames there and back", table::through(by)));
    }
    let seconds = began.elapsed().as_secs_f64();
    let bytes = float(frames.saturating_mul(u64::try_from(frame.len()).unwrap_or(0)));
    let cycles_per_frame = seconds * veth.rate_hz / float(frames.max(1));
    let (frame_bytes, per_second) = (frame.len(), bytes / seconds);
    Ok(EthernetRate { by, mailbox_bytes, frame_bytes, frames, lost, per_second, cycles_per_frame })
}
