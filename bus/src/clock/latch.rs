//! Latches receive times several times and reads them.
//!
//! A broadcast write to 0x0900 has every ESC note when this frame came in at each port and at its processing unit. The
//! values are there once the frame is back (Beckhoff ESC data sheet, section I, 9.1.2), so each round waits for it. Other frames
//! must not be on the bus: some ESCs stamp their later ports from the next frame that comes by.

use std::time::Duration;
use zerocat_wire::register;

use super::receive::{Latch, ReceiveTimes};
use super::survey::{ClockClass, ClockInfo};
use crate::datagrams::{ATTEMPTS, Datagrams, Target};
use crate::error::{BringUpError, DatagramError, Label};
use crate::executor::join_all;
use crate::subdevice::SubDevice;

/// A frame is never longer on a bus.
const LONGEST_LOOP_NS: u32 = 1_000_000;

/// What one SubDevice noted of one frame, in its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps {
    /// At its ports.
    pub(super) ports: Latch,
    /// At its processing unit, in as many bits as its clock has; 0 where it has no system time.
    pub(super) unit: u64,
}

/// One latch of all SubDevices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    /// The system time that the caller wants, just before the frame was sent.
    pub(super) at: u64,
    /// By position; `None` for those without receive times.
    pub(super) stamps: Vec<Option<Stamps>>,
}

/// Time between two latches, in the longest loops. How fast crystals run against each other is known the better the further apart
/// they are: with stamps in steps of 10 ns a loop is then right within 0.3 ns.
const LOOPS_BETWEEN: u32 = 5;

/// Latches so many times.
pub(super) async fn rounds(
    datagrams: &Datagrams,
    subdevices: &[SubDevice],
    infos: &[ClockInfo],
    times: usize,
    now: &dyn Fn() -> u64,
) -> Result<Vec<Round>, BringUpError> {
    let mut rounds: Vec<Round> = Vec::with_capacity(times);
    for _ in 0..times {
        if let Some(last) = rounds.last() {
            datagrams.pause(longest_loop(subdevices, last) * LOOPS_BETWEEN).await;
        }
        let at = latch(datagrams, now).await?;
        let reads = subdevices.iter().zip(infos).map(|(subdevice, info)| read(datagrams, subdevice, info.class));
        let stamps = join_all(reads).await.into_iter().collect::<Result<_, _>>()?;
        rounds.push(Round { at, stamps });
    }
    Ok(rounds)
}

/// The longest time that a frame was behind one SubDevice.
fn longest_loop(subdevices: &[SubDevice], round: &Round) -> Duration {
    let loops = subdevices.iter().zip(&round.stamps);
    let of = |(subdevice, stamps): (&SubDevice, &Option<Stamps>)| {
        ReceiveTimes::of(subdevice.open_ports, &[stamps.as_ref()?.ports]).map(|times| times.loop_ns())
    };
    // Longer than a bus: stamps that went wrong.
    let longest = loops.filter_map(of).filter(|ns| *ns < LONGEST_LOOP_NS).max().unwrap_or(0);
    Duration::from_nanos(longest.into())
}

/// Has all note their receive times. Returns what the system time was when the frame that did so was sent.
pub(super) async fn latch(datagrams: &Datagrams, now: &dyn Fn() -> u64) -> Result<u64, DatagramError> {
    let (target, register) = (Target::Broadcast, register::DC_RECEIVE_TIME);
    for _ in 0..ATTEMPTS {
        let at = now();
        if datagrams.write_once(target, register, &[0; 4]).await?.working_counter > 0 {
            return Ok(at);
        }
    }
    Err(DatagramError::NoAnswer { command: "BWR", target, register, len: 4, attempts: ATTEMPTS })
}

/// The processing unit's time of the frame that was latched last, of one clock.
pub(super) async fn unit(
    datagrams: &Datagrams,
    station: u16,
    who: &Label,
    class: ClockClass,
) -> Result<u64, BringUpError> {
    let (target, register) = (Target::Station(station), register::DC_RECEIVE_TIME + 24);
    let read = match class {
        ClockClass::Wide => datagrams.read_array(target, register).await.map(u64::from_le_bytes),
        _ => datagrams.read_u32(target, register).await.map(u64::from),
    };
    read.map_err(|source| BringUpError::SubDevice { who: who.clone(), doing: "read receive times", source })
}

/// Ports, and behind them the system time, which isn't looked at, and the unit's time: one datagram, so that they belong together.
async fn read(datagrams: &Datagrams, subdevice: &SubDevice, class: ClockClass) -> Result<Option<Stamps>, BringUpError> {
    let len = match class {
        ClockClass::None => return Ok(None),
        ClockClass::ReceiveTimes => 16,
        ClockClass::Narrow => 28,
        ClockClass::Wide => 32,
    };
    let read = datagrams.read_one(Target::Station(subdevice.station), register::DC_RECEIVE_TIME, len).await;
    let failed = |source| BringUpError::SubDevice { who: subdevice.label(), doing: "read receive times", source };
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(read.map_err(failed)?).for_each(|(to, from)| *to = from);
    let (words, _) = bytes.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
    let ports = std::array::from_fn(|_| words.next().unwrap_or(0));
    let (low, high) = (words.nth(2).unwrap_or(0), words.next().unwrap_or(0));
    Ok(Some(Stamps { ports, unit: u64::from(high) << 32 | u64::from(low) }))
}
