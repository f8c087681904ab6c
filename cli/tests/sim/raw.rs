//! A MainDevice that is as simple as can be: one datagram a frame, as it is told.

use crate::program::PATIENCE;
use std::time::{Duration, Instant};
use zerocat_link::packet::PacketLink;
use zerocat_link::waiting::{Awaited, wait_for_any};
use zerocat_link::{Link, Sizing, Slot};

/// Datagram commands (ETG.1000.4, table 13).
pub(crate) const APRD: u8 = 1;
pub(crate) const APWR: u8 = 2;
pub(crate) const BRD: u8 = 7;
pub(crate) const BWR: u8 = 8;

/// Time in which something comes, if it comes at all.
const SOON: Duration = Duration::from_millis(300);

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) command: u8,
    pub(crate) index: u8,
    /// Position or station, and offset.
    pub(crate) address: (u16, u16),
    pub(crate) data: Vec<u8>,
    pub(crate) counter: u16,
    /// Whether a SubDevice has processed the frame: bit 1 of the first byte of the source address.
    pub(crate) marked: bool,
}

/// A MainDevice at a link.
#[derive(Debug)]
pub(crate) struct Bus<L> {
    link: L,
    next: u8,
}

impl Bus<PacketLink> {
    /// At an interface.
    pub(crate) fn at(interface: &str) -> Self {
        Self::on(PacketLink::open(interface, Sizing { slots: 16, receive: 64 }).unwrap())
    }
}

impl<L: Link + Awaited> Bus<L> {
    pub(crate) fn on(link: L) -> Self {
        Self { link, next: 0 }
    }

    /// Sends a datagram, and gives its index.
    pub(crate) fn send(&mut self, command: u8, address: (u16, u16), data: &[u8]) -> u8 {
        let index = self.next;
        self.next = self.next.wrapping_add(1);
        let frame = frame(command, index, address, data);
        let slot = Slot(u16::from(index) % 16);
        self.link.slot_mut(slot).unwrap()[..frame.len()].copy_from_slice(&frame);
        self.link.post(slot, frame.len()).unwrap();
        self.link.kick().unwrap();
        index
    }

    /// The bytes of the next frame that has come already.
    pub(crate) fn waiting(&mut self) -> Option<Vec<u8>> {
        self.link.receive().unwrap().map(<[u8]>::to_vec)
    }

    /// The bytes of the next frame, if one comes soon.
    pub(crate) fn next_frame(&mut self) -> Option<Vec<u8>> {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(frame) = self.link.receive().unwrap() {
                return Some(frame.to_vec());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            wait_for_any([&self.link], left);
        }
    }

    /// The next datagram, if one comes soon.
    pub(crate) fn next(&mut self) -> Option<Datagram> {
        self.next_frame().map(|frame| parse(&frame))
    }

    /// Sends a datagram until it comes back.
    pub(crate) fn exchange(&mut self, command: u8, address: (u16, u16), data: &[u8]) -> Datagram {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let index = self.send(command, address, data);
            while let Some(back) = self.next() {
                if back.index == index {
                    return back;
                }
            }
        }
        panic!("no answer to command {command} at {address:x?}");
    }

    /// Reads from the SubDevice at a position.
    pub(crate) fn read(&mut self, position: u16, offset: u16, len: usize) -> Vec<u8> {
        let back = self.exchange(APRD, (position.wrapping_neg(), offset), &vec![0; len]);
        assert_eq!(back.counter, 1, "position {position} reads {offset:#06x}");
        back.data
    }

    /// Writes to it.
    pub(crate) fn write(&mut self, position: u16, offset: u16, data: &[u8]) {
        let back = self.exchange(APWR, (position.wrapping_neg(), offset), data);
        assert_eq!(back.counter, 1, "position {position} takes {offset:#06x}");
    }

    /// How many SubDevices there are.
    pub(crate) fn count(&mut self) -> u16 {
        self.exchange(BRD, (0, 0x0130), &[0, 0]).counter
    }
}

/// A frame with one datagram (ETG.1000.4, tables 10 to 12).
pub(crate) fn frame(command: u8, index: u8, address: (u16, u16), data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([0x00, 0, 0, 0, 0, 1, 0x88, 0xa4]);
    frame.extend((0x1000 | (12 + len)).to_le_bytes());
    frame.extend([command, index]);
    frame.extend(address.0.to_le_bytes());
    frame.extend(address.1.to_le_bytes());
    frame.extend(len.to_le_bytes());
    frame.extend([0, 0]);
    frame.extend(data);
    frame.extend([0, 0]);
    frame.resize(frame.len().max(60), 0);
    frame
}

fn parse(frame: &[u8]) -> Datagram {
    let word = |at: usize| u16::from_le_bytes([frame[at], frame[at + 1]]);
    let len = usize::from(word(22) & 0x07ff);
    Datagram {
        command: frame[16],
        index: frame[17],
        address: (word(18), word(20)),
        data: frame[26..26 + len].to_vec(),
        counter: word(26 + len),
        marked: frame[6] & 2 != 0,
    }
}
