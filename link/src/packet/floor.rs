//! The least that AF_PACKET costs: frames sent and received over a bare socket, with none of our code above it.
//!
//! A link and an engine cost what they take beyond this, measured on the same interface at the same time. A frame that
//! returns is only counted. Its bytes are not read, so there is nothing to validate.

use super::{PacketError, PacketLink};
use crate::socket::{Buffer, RawSocket};
use crate::waiting::{Awaited, wait_for_any};
use crate::{LinkFault, MAX_FRAME, MIN_FRAME, Sizing};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// Late frames that the socket's memory has room for, beside those that are out.
const LATE: u16 = 64;

/// How the socket's owner waits for its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorWait {
    /// By asking the socket again and again.
    Spin,
    /// By sleeping in the kernel until a frame has arrived.
    Block,
}

/// Why a round trip couldn't be timed.
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

/// A bare socket and one frame, which it sends as often as it is told.
#[derive(Debug)]
pub struct FloorPacket {
    socket: RawSocket,
    frame: Box<[u8]>,
    count: u16,
    wait: FloorWait,
    buffer: Box<Buffer>,
    patience: Duration,
}

impl FloorPacket {
    /// Opens a socket as a link would, for `count` times `frame`, padded with zeros to 60 bytes. Bytes beyond 1,514 are
    /// cut off.
    ///
    /// # Errors
    /// As [`PacketLink::open`].
    pub fn open(
        interface: &str,
        frame: &[u8],
        count: u16,
        wait: FloorWait,
        patience: Duration,
    ) -> Result<Self, PacketError> {
        let sizing = Sizing { slots: count.max(1), receive: LATE.saturating_add(count) };
        let PacketLink { socket, .. } = PacketLink::open(interface, sizing)?;
        let mut padded = frame.iter().copied().take(MAX_FRAME).collect::<Vec<_>>();
        padded.resize(padded.len().max(MIN_FRAME), 0);
        Ok(Self { socket, frame: padded.into_boxed_slice(), count, wait, buffer: Box::new([0; MAX_FRAME]), patience })
    }

    /// Sends the frames one by one and waits until as many return. Nanoseconds of `CLOCK_MONOTONIC` from before the
    /// first call that sends to after the last that received. A frame that returns after its deadline is not
    /// taken for the answer to a later one.
    ///
    /// # Errors
    /// `Lost`, or what the socket says.
    #[inline]
    pub fn round_trip(&mut self) -> Result<u64, FloorFault> {
        let start = Instant::now();
        for _ in 0..self.count {
            self.socket.send(&self.frame).map_err(|errno| FloorFault::Link(LinkFault::Os(errno)))?;
        }
        let mut back = 0;
        loop {
            let arrived = self.receive()?;
            back += u16::from(arrived);
            let took = start.elapsed();
            if back >= self.count {
                return Ok(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            if took > self.patience {
                return Err(FloorFault::Lost);
            }
            if !arrived && self.wait == FloorWait::Block {
                wait_for_any([&*self], self.patience.saturating_sub(took));
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

impl Awaited for FloorPacket {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.descriptor()
    }
}
