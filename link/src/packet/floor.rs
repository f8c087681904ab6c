//! The floor: one frame to and fro over a bare AF_PACKET socket that is never waited for, with nothing of ours above it.
//!
//! What a link and an engine cost is what they take more than this on the same interface in the same minutes. The
//! frame isn't looked at when it returns, only counted, so there is nothing to admit.

use super::socket::{Buffer, RawSocket};
use super::{PacketError, PacketLink};
use crate::{LinkFault, MAX_FRAME, MIN_FRAME, Sizing};
use std::time::{Duration, Instant};

/// Frames of socket memory: the one that is out, and late ones.
const SIZING: Sizing = Sizing { slots: 1, receive: 64 };

/// Why a round trip gave no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorFault {
    /// The frame didn't return in time.
    Lost,
    /// The socket failed.
    Link(LinkFault),
}

impl std::fmt::Display for FloorFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost => f.write_str("the frame didn't return in time"),
            Self::Link(fault) => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for FloorFault {}

/// A bare socket and one frame.
#[derive(Debug)]
pub struct FloorPacket {
    socket: RawSocket,
    frame: Box<[u8]>,
    buffer: Box<Buffer>,
    patience: Duration,
}

impl FloorPacket {
    /// Opens a socket as a link would, for `frame`, padded with zeros to 60 bytes. Bytes beyond 1,514 are cut off.
    ///
    /// # Errors
    /// As [`PacketLink::open`].
    pub fn open(interface: &str, frame: &[u8], patience: Duration) -> Result<Self, PacketError> {
        let PacketLink { socket, .. } = PacketLink::open(interface, SIZING)?;
        let mut padded = frame.iter().copied().take(MAX_FRAME).collect::<Vec<_>>();
        padded.resize(padded.len().max(MIN_FRAME), 0);
        Ok(Self { socket, frame: padded.into_boxed_slice(), buffer: Box::new([0; MAX_FRAME]), patience })
    }

    /// Sends the frame and asks for one until one returns. Nanoseconds of `CLOCK_MONOTONIC` from before the call that
    /// sends to after the call that received. A frame that returns later than its time is taken for the answer to
    /// none.
    ///
    /// # Errors
    /// `Lost`, or what the socket says.
    #[inline]
    pub fn round_trip(&mut self) -> Result<u64, FloorFault> {
        let start = Instant::now();
        self.socket.send(&self.frame).map_err(|errno| FloorFault::Link(LinkFault::Os(errno)))?;
        loop {
            let back = self.receive()?;
            let took = start.elapsed();
            if back {
                return Ok(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            if took > self.patience {
                return Err(FloorFault::Lost);
            }
        }
    }

    /// Throws away what returned too late. Call it after `Lost`, when the network had time to fall silent.
    pub fn drain(&mut self) {
        while self.receive().is_ok_and(|more| more) {}
    }

    #[inline]
    fn receive(&mut self) -> Result<bool, FloorFault> {
        match self.socket.receive(&mut self.buffer) {
            Ok(arrival) => Ok(arrival.is_some_and(|arrival| !arrival.outgoing)),
            Err(errno) => Err(FloorFault::Link(LinkFault::Os(errno))),
        }
    }
}
