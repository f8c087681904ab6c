//! Single datagrams into the segment, beside the engine's frames.

use std::time::Duration;
use zerocat_sim::{Outcome, Segment};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

/// A frame with one datagram fits.
const FRAME: usize = 128;

/// Sends a datagram at a true time. `data` is what is written, and afterwards what came back. Returns the working counter; 0
/// where the frame was lost.
pub(super) fn ask(segment: &mut Segment, at: Duration, command: Command, address: Address, data: &mut [u8]) -> u16 {
    exchange(segment, at, command, address, data).unwrap_or(0)
}

fn exchange(segment: &mut Segment, at: Duration, command: Command, address: Address, data: &mut [u8]) -> Option<u16> {
    let mut buffer = [0; FRAME];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).ok()?;
    let place = builder.push(Datagram::new(command, address, 0, data.len())).ok()?;
    let length = builder.finish().ok()?;
    buffer.get_mut(place..place + data.len())?.copy_from_slice(data);
    let frame = buffer.get_mut(..length)?;
    if segment.process(frame, at) != Outcome::Returned {
        return None;
    }
    let datagram = FrameView::new_checked(frame).ok()?.datagrams().next()?.ok()?;
    data.copy_from_slice(datagram.data());
    Some(datagram.working_counter())
}
