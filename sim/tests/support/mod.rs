//! A small MainDevice for tests: one datagram a frame, and the ways that masters go.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails there")]

pub(crate) mod from_sii;
pub(crate) mod operating;

use std::time::Duration;

use zerocat_sim::{Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

/// A segment with a clock that is set by hand.
pub(crate) struct Rig {
    pub(crate) segment: Segment,
    pub(crate) now: Duration,
}

/// Station address that `walk` gives to position `n`.
pub(crate) fn station(n: u16) -> u16 {
    0x1000 + n
}

impl Rig {
    pub(crate) fn new(config: &SegmentConfig) -> Self {
        Self { segment: Segment::new(config).unwrap(), now: Duration::ZERO }
    }

    pub(crate) fn of(kinds: &[ProfileKind]) -> Self {
        Self::new(&SegmentConfig::line(kinds.iter().map(|kind| SubDeviceConfig::new(*kind)).collect()))
    }

    /// Sends one datagram and returns its data and working counter.
    pub(crate) fn send(&mut self, command: Command, address: Address, data: &[u8]) -> (Vec<u8>, u16) {
        let (data, counter, _) = self.exchange(command, address, data);
        (data, counter)
    }

    pub(crate) fn exchange(&mut self, command: Command, address: Address, data: &[u8]) -> (Vec<u8>, u16, Address) {
        let (outcome, bytes) = self.attempt(command, address, data);
        assert_eq!(outcome, Outcome::Returned);
        let frame = FrameView::new_checked(&bytes).unwrap();
        let datagram = frame.datagrams().next().unwrap().unwrap();
        (datagram.data().to_vec(), datagram.working_counter(), datagram.address())
    }

    /// Sends one datagram in a frame that may get lost, at a port that is closed for example.
    pub(crate) fn attempt(&mut self, command: Command, address: Address, data: &[u8]) -> (Outcome, Vec<u8>) {
        let mut buffer = vec![0u8; 1514];
        let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
        let at = builder.push(Datagram::new(command, address, 0x55, data.len())).unwrap();
        let len = builder.finish().unwrap();
        buffer.truncate(len);
        buffer[at..at + data.len()].copy_from_slice(data);
        (self.segment.process(&mut buffer, self.now), buffer)
    }

    pub(crate) fn read(&mut self, position: u16, register: u16, len: usize) -> Vec<u8> {
        let (data, counter) = self.send(Command::Aprd, Address::position(position, register), &vec![0; len]);
        assert_eq!(counter, 1, "read of {register:#06x} at {position}");
        data
    }

    pub(crate) fn read_u16(&mut self, position: u16, register: u16) -> u16 {
        let data = self.read(position, register, 2);
        u16::from_le_bytes([data[0], data[1]])
    }

    pub(crate) fn write(&mut self, position: u16, register: u16, data: &[u8]) {
        let (_, counter) = self.send(Command::Apwr, Address::position(position, register), data);
        assert_eq!(counter, 1, "write of {register:#06x} at {position}");
    }

    /// Asks for an AL state (with bit 4: acknowledge) and returns AL status and code.
    pub(crate) fn al(&mut self, position: u16, control: u8) -> (u16, u16) {
        self.write(position, 0x0120, &[control, 0]);
        (self.read_u16(position, 0x0130), self.read_u16(position, 0x0134))
    }

    pub(crate) fn sync_manager(&mut self, position: u16, n: u16, start: u16, length: u16, control: u8) {
        let [s0, s1] = start.to_le_bytes();
        let [l0, l1] = length.to_le_bytes();
        self.write(position, 0x0800 + 8 * n, &[s0, s1, l0, l1, control, 0, 1, 0]);
    }

    /// Sync managers of the mailboxes, and PRE-OP.
    pub(crate) fn preop(&mut self, position: u16) {
        self.sync_manager(position, 0, 0x1000, 128, 0x26);
        self.sync_manager(position, 1, 0x1080, 128, 0x22);
        assert_eq!(self.al(position, 2), (2, 0));
    }

    /// An active FMMU.
    pub(crate) fn fmmu(&mut self, position: u16, n: u16, bytes: [u8; 13]) {
        self.write(position, 0x0600 + 16 * n, &bytes);
    }

    /// Writes a mail of CoE and returns the reply's bytes behind the mailbox header, if there is a reply.
    pub(crate) fn coe(&mut self, position: u16, counter: u8, body: &[u8]) -> Option<Vec<u8>> {
        assert_eq!(self.post(position, counter, 3, body), 1, "request mailbox");
        self.fetch(position).map(|mail| {
            let len = usize::from(u16::from_le_bytes([mail[0], mail[1]]));
            mail[6..6 + len].to_vec()
        })
    }

    /// Writes a mail and returns the working counter.
    pub(crate) fn post(&mut self, position: u16, counter: u8, kind: u8, body: &[u8]) -> u16 {
        let mut mail = vec![0u8; 128];
        mail[0] = u8::try_from(body.len()).unwrap();
        mail[5] = kind | counter << 4;
        mail[6..6 + body.len()].copy_from_slice(body);
        self.send(Command::Apwr, Address::position(position, 0x1000), &mail).1
    }

    /// Reads the reply mailbox, if it is full.
    pub(crate) fn fetch(&mut self, position: u16) -> Option<Vec<u8>> {
        let (data, counter) = self.send(Command::Aprd, Address::position(position, 0x1080), &[0; 128]);
        (counter == 1).then_some(data)
    }
}
