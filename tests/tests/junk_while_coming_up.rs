//! Junk on the wire while a network comes up: damaged copies of answers that arrive before the answers themselves.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::collections::VecDeque;
use std::time::Duration;
use zerocat_link::{Link, LinkFault};
use zerocat_sim::{Segment, SegmentConfig};
use zerocat_testkit::virtual_network::{self, InProcessLink, VirtualNetwork};
use zerocat_wire::AlState;
use zerocat_wire::ethernet::{MacAddress, source};

/// Offsets in a frame with one datagram (ETG.1000.4, 5.3 and 5.4).
const FRAME_LENGTH: usize = 14;
const DATAGRAM_LENGTH: usize = 22;
const DATA: usize = 26;

/// A link on which each frame of bring-up comes with copies that are damaged in their headers before it, and with one whose
/// working counter can't be.
struct Junk {
    link: InProcessLink,
    waiting: VecDeque<Vec<u8>>,
    lent: Vec<u8>,
}

impl Junk {
    fn copies(&mut self, frame: &[u8]) {
        let with = |at: usize, change: u8| {
            let mut copy = frame.to_vec();
            copy[at] ^= change;
            copy
        };
        self.waiting.extend([
            with(FRAME_LENGTH, 0x04),
            with(DATAGRAM_LENGTH, 0x01),
            with(11, 0x40),
            frame[..30].to_vec(),
        ]);
        let len = usize::from(u16::from_le_bytes([frame[DATAGRAM_LENGTH], frame[DATAGRAM_LENGTH + 1]]) & 0x07ff);
        self.waiting.push_back(with(DATA + len + 1, 0x51));
    }
}

impl Link for Junk {
    zerocat_link::delegate_to!(link: slots, slot, slot_mut, post, kick, counters, withdraw);

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        if self.waiting.is_empty() {
            let Some(frame) = self.link.receive()? else { return Ok(None) };
            let frame = frame.to_vec();
            if source(&frame).is_ok_and(|source| source.0[..3] == MacAddress::ACYCLIC.returned().0[..3]) {
                self.copies(&frame);
            }
            self.waiting.push_back(frame);
        }
        self.lent = self.waiting.pop_front().unwrap_or_default();
        Ok(Some(&self.lent))
    }
}

#[test]
fn a_network_comes_up_among_damaged_copies_of_its_answers() {
    let segment = Segment::new(&SegmentConfig::mixed(6)).unwrap();
    let rig = virtual_network::rig(Duration::from_millis(1));
    let junk = |link| Junk { link, waiting: VecDeque::new(), lent: Vec::new() };
    let mut network = VirtualNetwork::bring_up_over(segment, rig, junk).unwrap();
    assert!(network.engine().counters().acyclic_stray > 0);
    let subdevices = network.engine_mut().link_mut().link.segment().snapshot().subdevices;
    assert!(subdevices.iter().all(|subdevice| subdevice.state == AlState::Op));
    assert_eq!(network.take_down().len(), 0);
}
