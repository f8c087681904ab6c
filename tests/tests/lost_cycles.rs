//! A network that loses every cyclic frame, or every frame, is taken down all the same: under virtual time, so that what
//! would wait for ever ends the test by its own clock.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat_link::{Link, LinkFault};
use zerocat_sim::{Segment, SegmentConfig};
use zerocat_testkit::virtual_network::{self, InProcessLink, VirtualNetwork};
use zerocat_wire::AlState;
use zerocat_wire::ethernet::{MacAddress, source};

/// What is lost on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Nothing,
    Cyclic,
    Everything,
}

/// A link that loses what it is told to.
struct Lossy {
    link: InProcessLink,
    loss: Loss,
    lent: Vec<u8>,
}

impl Lossy {
    fn loses(&self, frame: &[u8]) -> bool {
        let cyclic = source(frame).is_ok_and(|source| source.0[..3] == MacAddress::CYCLIC.returned().0[..3]);
        self.loss == Loss::Everything || self.loss == Loss::Cyclic && cyclic
    }
}

impl Link for Lossy {
    zerocat_link::delegate_to!(link: slots, slot, slot_mut, post, kick, counters, withdraw);

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        loop {
            let Some(frame) = self.link.receive()? else { return Ok(None) };
            self.lent.clear();
            self.lent.extend_from_slice(frame);
            if !self.loses(&self.lent) {
                return Ok(Some(&self.lent));
            }
        }
    }
}

/// Brings a network up that loses things from then on.
fn losing(loss: Loss) -> VirtualNetwork<Lossy> {
    let segment = Segment::new(&SegmentConfig::mixed(6)).unwrap();
    let rig = virtual_network::rig(Duration::from_millis(1));
    let lossy = |link| Lossy { link, loss: Loss::Nothing, lent: Vec::new() };
    let mut network = VirtualNetwork::bring_up_over(segment, rig, lossy).unwrap();
    network.engine_mut().link_mut().loss = loss;
    for _ in 0..20 {
        network.cycle();
    }
    assert_eq!(network.engine().counters().complete_streak, 0);
    network
}

#[test]
fn a_network_that_loses_every_cyclic_frame_is_taken_down_in_order() {
    let failed = losing(Loss::Cyclic).take_down();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn mailboxes_are_answered_while_every_cyclic_frame_is_lost() {
    let mut network = losing(Loss::Cyclic);
    // The servo's status word (CiA 402).
    assert_eq!(network.upload(5, 0x6041, 0).unwrap().len(), 2);
}

#[test]
fn the_way_down_ends_also_when_every_frame_is_lost() {
    let mut network = losing(Loss::Everything);
    let now = Duration::from_nanos(network.now().0);
    let segment = network.engine_mut().link_mut().link.segment_mut();
    segment.step(now);
    assert_eq!(segment.snapshot().subdevices[5].state, AlState::Op, "frames arrive and don't come back");
    assert!(!network.take_down().is_empty());
}
