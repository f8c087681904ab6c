//! How much longer frames are on their way back from the reference clock than on their way out to it.
//!
//! Stamps need that: when a cycle's frame passed the reference is known by the reference's time, and of the host's time it is known
//! to lie between sending and receiving. Behind the reference a frame passes all other SubDevices, and the last one ends later than
//! the first one begins. SubDevices before the reference take as long in both directions, nearly.

use crate::bring_up::Planned;
use std::time::Duration;
use zerocat_pdi::{FramePlan, Plan};

/// A byte at 100 Mbit/s.
const BYTE_NS: usize = 80;
/// Ethernet header, EtherCAT header, checksum.
const AROUND: usize = 14 + 2 + 4;
/// The shortest frame with its checksum; the preamble of each; the gap between two.
const SHORTEST: usize = 64;
const PREAMBLE: usize = 8;
const GAP: usize = 12;
/// A datagram without its data: header and working counter.
const DATAGRAM: usize = 12;
/// What the first frame has beside process data: the reference's time, differences, AL status.
const BESIDES: usize = (DATAGRAM + 8) + (DATAGRAM + 4) + (DATAGRAM + 2);

/// From the passage of the reference until all frames of a tick are back, less the way to the reference. `None` without clocks.
pub(crate) fn way_back(planned: &Planned<'_>) -> Option<Duration> {
    let clocks = planned.clocks.as_ref()?;
    let frames = u64::try_from(on_the_wire(&planned.plan) * BYTE_NS).unwrap_or(0);
    Some(Duration::from_nanos(frames.saturating_add(clocks.loop_ns.into())))
}

/// Bytes from the begin of the first frame to the end of the last, of those that are sent on every tick.
fn on_the_wire(plan: &Plan) -> usize {
    let each = plan.frames.iter().filter(|frame| frame.turn.every() == 1).enumerate();
    let bytes: usize = each.map(|(n, frame)| GAP + PREAMBLE + length(frame, if n == 0 { BESIDES } else { 0 })).sum();
    bytes.saturating_sub(GAP)
}

fn length(frame: &FramePlan, besides: usize) -> usize {
    let datagrams: usize = frame.datagrams.iter().map(|datagram| DATAGRAM + datagram.len).sum();
    let status = frame.status.as_ref().map_or(0, |status| DATAGRAM + status.positions.len());
    (AROUND + besides + datagrams + status).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_pdi::Turn;

    #[test]
    fn frames_of_every_tick_count_with_what_is_around_them() {
        let frame = |turn| FramePlan { turn, status: None, datagrams: Vec::new() };
        let of = |frames| on_the_wire(&Plan { frames, ..Plan::default() });
        assert_eq!(of(vec![frame(Turn::EVERY_TICK)]), PREAMBLE + AROUND + BESIDES);
        assert_eq!(of(vec![frame(Turn::EVERY_TICK); 2]), 2 * PREAMBLE + AROUND + BESIDES + GAP + SHORTEST);
    }
}
