//! The in-process pair keeps the contract of links.

use zerocat_link::pair::pair;
use zerocat_link::{Link, Sizing};
use zerocat_testkit::contract::{self, Suite};
use zerocat_testkit::reflect::{Mirror, Reflector};

const SIZING: Sizing = Sizing { slots: 8, receive: 16 };

#[test]
fn keeps_the_contract_with_a_pumped_peer() {
    let (mut link, peer) = pair(SIZING);
    contract::check_all(&mut link, Mirror::new(peer));
}

#[test]
fn keeps_the_contract_with_one_slot_and_one_buffer() {
    let (mut link, peer) = pair(Sizing { slots: 1, receive: 1 });
    contract::check_all(&mut link, Mirror::new(peer));
}

#[test]
fn keeps_the_contract_with_a_peer_on_another_thread() {
    let (mut link, peer) = pair(SIZING);
    let peer = std::thread::spawn(move || {
        let mut mirror = Mirror::new(peer);
        loop {
            match mirror.reflect_one() {
                Ok(true) => {}
                Ok(false) => std::thread::yield_now(),
                Err(fault) => return fault,
            }
        }
    });
    contract::check_all(&mut link, std::thread::yield_now);
    drop(link);
    assert_eq!(peer.join().unwrap(), zerocat_link::LinkFault::Down);
}

#[test]
fn keeps_the_contract_behind_a_box() {
    let (link, peer) = pair(SIZING);
    let mut link: Box<dyn Link + Send> = Box::new(link);
    contract::check_all(&mut link, Mirror::new(peer));
}

#[test]
fn the_contract_notices_a_peer_that_does_not_reflect() {
    let (mut link, _peer) = pair(SIZING);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Suite::new(&mut link, || {}).the_longest_frame_passes_unchanged();
    }));
    assert!(outcome.unwrap_err().downcast_ref::<String>().unwrap().contains("did not come back"));
}

/// A peer that changes one byte of each frame.
struct Flipping<L>(L, usize);

impl<L: Link> Reflector for Flipping<L> {
    fn pump(&mut self) {
        let Ok(Some(frame)) = self.0.receive() else { return };
        let mut frame = frame.to_vec();
        frame[self.1] ^= 1;
        let slot = zerocat_link::Slot(0);
        self.0.slot_mut(slot).expect("a free slot")[..frame.len()].copy_from_slice(&frame);
        self.0.post(slot, frame.len()).expect("room for a frame");
        self.0.kick().expect("a living peer");
    }
}

#[test]
fn the_contract_notices_a_changed_byte() {
    for offset in [0, 13 + 20, 59] {
        let (mut link, peer) = pair(SIZING);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Suite::new(&mut link, Flipping(peer, offset)).the_longest_frame_passes_unchanged();
        }));
        let message = outcome.unwrap_err();
        assert!(message.downcast_ref::<String>().unwrap().contains(&format!("byte {offset}")));
    }
}
