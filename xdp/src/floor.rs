//! The floor: round trips over a bare AF_XDP socket, with nothing of ours above the rings.
//!
//! A link and an engine cost the difference between their round trips and these, measured on the same interface in the
//! same minutes. A frame that returns is counted and not looked at, so no descriptor needs to be admitted. No chunk of
//! the UMEM is read or written after [`FloorPing::open`], so the same descriptors can be given to the kernel again and
//! again.

use crate::error::XdpError;
use crate::open::{Opened, XdpOptions, XdpReport, open};
use std::time::{Duration, Instant};
use xsk_rs::FrameDesc;
use zerocat_link::packet::floor::FloorFault;
use zerocat_link::{LinkFault, MAX_FRAME, Sizing, Slot};

/// Looks at the receive ring between two looks at the clock.
const SPINS: u32 = 64;

/// A bare socket and prepared frames, all of one content.
#[derive(Debug)]
pub struct FloorPing {
    opened: Opened,
    frames: Box<[FrameDesc]>,
    timeout: Duration,
}

impl FloorPing {
    /// Opens a socket as a link would, and prepares `frame` in its first `count` slots, padded with zeros to 60 bytes.
    ///
    /// # Errors
    /// As [`crate::XdpLink::open`]; `Frame` where the frame is no Ethernet frame; `Sizing` for more frames than slots.
    pub fn open(options: &XdpOptions, frame: &[u8], count: u16, timeout: Duration) -> Result<Self, XdpError> {
        if !(14..=MAX_FRAME).contains(&frame.len()) {
            return Err(XdpError::Frame { len: frame.len() });
        }
        let mut opened = open(options, &|| false)?;
        let Sizing { slots, receive } = options.sizing;
        let mut frames = Vec::with_capacity(count.into());
        for slot in (0..count).map(Slot) {
            let bytes = opened.umem.slot_mut(slot).map_err(|_| XdpError::Sizing { slots, receive })?;
            bytes[..frame.len()].copy_from_slice(frame);
            let frame = opened.umem.take_to_send(slot, frame.len()).map_err(|_| XdpError::Sizing { slots, receive })?;
            frames.push(*frame.descriptor());
        }
        for buffer in opened.umem.take_buffers() {
            // SAFETY: the buffer comes from the UMEM that the socket was opened with. The fill ring has room for all.
            let _ = unsafe { opened.socket.refill(buffer) };
        }
        Ok(Self { opened, frames: frames.into_boxed_slice(), timeout })
    }

    /// What was asked for, and the result.
    #[must_use]
    pub const fn report(&self) -> &XdpReport {
        &self.opened.report
    }

    /// Sends the frames and spins until as many return. Nanoseconds of `CLOCK_MONOTONIC` from before the post to after
    /// the last descriptor came. A frame that returns later than its time is taken for the answer to none.
    ///
    /// # Errors
    /// `Lost`, or what the socket says.
    #[inline]
    pub fn round_trip(&mut self) -> Result<u64, FloorFault> {
        let socket = &mut self.opened.socket;
        let start = Instant::now();
        for frame in &self.frames {
            // SAFETY: the frames are of the socket's own UMEM, whose chunks nobody here uses once they are prepared.
            if !unsafe { socket.post_again(frame) } {
                return Err(FloorFault::Link(LinkFault::Full));
            }
        }
        if socket.needs_send() {
            socket.send().map_err(FloorFault::Link)?;
        }
        for _ in 0..self.frames.len() {
            let returned = loop {
                if let Some(returned) = (0..SPINS).find_map(|_| socket.received()) {
                    break returned;
                }
                if start.elapsed() > self.timeout {
                    return Err(FloorFault::Lost);
                }
            };
            // The kernel takes a chunk by any address in it, so the descriptor goes back as it came.
            // SAFETY: it came from the socket, and nobody here uses its chunk.
            unsafe { socket.refill_again(&returned) };
        }
        let took = start.elapsed();
        while socket.completed().is_some() {}
        if socket.needs_refill() {
            socket.wake_receiver().map_err(FloorFault::Link)?;
        }
        Ok(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Throws away frames that returned too late. Call it after `Lost`, when nothing is on its way any more.
    pub fn drain(&mut self) {
        let socket = &mut self.opened.socket;
        while let Some(late) = socket.received() {
            // SAFETY: it came from the socket, and nobody here uses its chunk.
            unsafe { socket.refill_again(&late) };
        }
        while socket.completed().is_some() {}
    }
}
