//! Two links joined in one process: what one end sends, the other receives.
//!
//! Frames are preallocated. They move between the ends through single-producer, single-consumer rings, and an emptied
//! frame goes back through a second ring. Each end may be on a thread of its own.
//!
//! Guarantees: order is kept; a frame is either delivered or refused by [`Link::post`] with `Full` and counted; nothing
//! is allocated after [`pair`]. Not guaranteed: the timing of a real cable. An end whose peer was dropped returns
//! `Down`.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::slots::Slots;
use crate::{Link, LinkCounters, LinkFault, MAX_FRAME, Sizing, Slot};

/// A frame in transit. It is moved and never copied, so it has one owner at any time.
#[derive(Debug)]
struct Frame {
    bytes: Box<[u8; MAX_FRAME]>,
    len: usize,
}

impl Frame {
    fn new() -> Self {
        Self { bytes: Box::new([0; MAX_FRAME]), len: 0 }
    }

    fn fill(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(MAX_FRAME);
        self.bytes[..len].copy_from_slice(&bytes[..len]);
        self.len = len;
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The sending half of one direction.
#[derive(Debug)]
struct Sender {
    full: Producer<Frame>,
    empty: Consumer<Frame>,
    /// Empty frames, one for each posted slot.
    taken: Vec<Frame>,
}

/// The receiving half of one direction.
#[derive(Debug)]
struct Receiver {
    full: Consumer<Frame>,
    empty: Producer<Frame>,
    /// The frame whose bytes were handed out last.
    lent: Option<Frame>,
}

impl Receiver {
    /// The next frame; `Down` when there is none and the peer was dropped.
    fn next(&mut self) -> Result<Option<Frame>, LinkFault> {
        if let Ok(frame) = self.full.pop() {
            return Ok(Some(frame));
        }
        if !self.full.is_abandoned() {
            return Ok(None);
        }
        // The peer may have sent between the pop and its end.
        self.full.pop().map(Some).map_err(|_| LinkFault::Down)
    }
}

/// One direction with `frames` frames in it and one more, which may be lent.
fn direction(frames: u16, slots: u16) -> (Sender, Receiver) {
    let count = usize::from(frames) + 1;
    let (full_in, full_out) = RingBuffer::new(count);
    let (mut empty_in, empty_out) = RingBuffer::new(count);
    for _ in 0..count {
        // The ring holds exactly `count` frames, so no push is refused.
        let _ = empty_in.push(Frame::new());
    }
    (
        Sender { full: full_in, empty: empty_out, taken: Vec::with_capacity(usize::from(slots)) },
        Receiver { full: full_out, empty: empty_in, lent: None },
    )
}

/// One end of a [`pair`].
#[derive(Debug)]
pub struct PairEnd {
    slots: Slots,
    sender: Sender,
    receiver: Receiver,
    counters: LinkCounters,
}

/// Two links, each of the given size, joined to each other.
///
/// Up to `sizing.receive` frames wait in each direction; one more is refused at [`Link::post`] with `Full`.
#[must_use]
pub fn pair(sizing: Sizing) -> (PairEnd, PairEnd) {
    let (left_sender, right_receiver) = direction(sizing.receive, sizing.slots);
    let (right_sender, left_receiver) = direction(sizing.receive, sizing.slots);
    let end = |sender, receiver| PairEnd {
        slots: Slots::new(sizing.slots),
        sender,
        receiver,
        counters: LinkCounters::default(),
    };
    (end(left_sender, left_receiver), end(right_sender, right_receiver))
}

impl PairEnd {
    fn refuse(&mut self) {
        self.counters.send_errors += 1;
    }

    /// Moves one posted frame to the peer.
    fn hand_over(&mut self, index: usize) -> bool {
        let Some(mut frame) = self.sender.taken.pop() else { return false };
        frame.fill(self.slots.frame(index));
        self.sender.full.push(frame).is_ok()
    }
}

impl Link for PairEnd {
    crate::delegate_to!(slots: slots, slot, slot_mut);

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.slots.admit(slot, len)?;
        // A kick without a peer left its frames here.
        if self.sender.taken.len() <= self.slots.posted() {
            let Ok(frame) = self.sender.empty.pop() else {
                self.refuse();
                return Err(LinkFault::Full);
            };
            self.sender.taken.push(frame);
        }
        self.slots.post(slot, len)
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        let mut down = self.sender.full.is_abandoned();
        for index in 0..self.slots.posted() {
            if !down && self.hand_over(index) {
                self.counters.sent += 1;
            } else {
                self.refuse();
                down = true;
            }
        }
        self.slots.clear();
        if down { Err(LinkFault::Down) } else { Ok(()) }
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        if let Some(frame) = self.receiver.lent.take() {
            // The ring holds every frame of this direction, so the push is never refused.
            let _ = self.receiver.empty.push(frame);
        }
        let Some(frame) = self.receiver.next()? else { return Ok(None) };
        self.counters.received += 1;
        Ok(Some(self.receiver.lent.insert(frame).filled()))
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn withdraw(&mut self) {
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZING: Sizing = Sizing { slots: 4, receive: 2 };

    #[test]
    fn a_frame_too_many_is_refused_as_full_and_its_slot_stays_writable() {
        let (mut left, mut right) = pair(SIZING);
        for slot in 0..3 {
            left.post(Slot(slot), 60).unwrap();
        }
        assert_eq!(left.post(Slot(3), 60), Err(LinkFault::Full));
        assert!(left.slot_mut(Slot(3)).is_ok());
        left.kick().unwrap();
        assert_eq!((left.counters().sent, left.counters().send_errors), (3, 1));
        for _ in 0..3 {
            assert!(right.receive().unwrap().is_some());
        }
        assert_eq!(right.receive(), Ok(None));
        left.post(Slot(3), 60).unwrap();
    }

    #[test]
    fn an_end_without_its_peer_is_down_after_the_last_frame() {
        let (mut left, mut right) = pair(SIZING);
        left.post(Slot(0), 60).unwrap();
        left.kick().unwrap();
        drop(left);
        assert!(right.receive().unwrap().is_some());
        assert_eq!(right.receive(), Err(LinkFault::Down));
        right.post(Slot(0), 60).unwrap();
        assert_eq!(right.kick(), Err(LinkFault::Down));
        assert_eq!(right.counters().send_errors, 1);
        assert!(right.slot_mut(Slot(0)).is_ok());
    }

    #[test]
    fn the_ends_work_from_two_threads() {
        let (mut left, mut right) = pair(SIZING);
        let far = std::thread::spawn(move || {
            let mut seen = Vec::new();
            loop {
                match right.receive() {
                    Ok(Some(frame)) => seen.push(frame[0]),
                    Ok(None) => std::thread::yield_now(),
                    Err(fault) => return (seen, fault),
                }
            }
        });
        for number in 0..200_u8 {
            left.slot_mut(Slot(0)).unwrap()[0] = number;
            while left.post(Slot(0), 60) == Err(LinkFault::Full) {
                std::thread::yield_now();
            }
            left.kick().unwrap();
        }
        drop(left);
        assert_eq!(far.join().unwrap(), ((0..200).collect(), LinkFault::Down));
    }
}
