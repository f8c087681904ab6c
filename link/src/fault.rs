//! A wrapper around a link that loses, repeats, corrupts or delays frames on purpose.
//!
//! A frame's number or a seeded generator decides what happens to it, so the same seed and the same calls give the same
//! faults. Copies of sent frames go out from the last [`SPARE`] slots of the inner link, which are hidden.
//!
//! Guarantees: nothing is allocated after construction; each fault is counted; a frame gets at most one fault; a frame
//! that needs a copy when there is no room for one passes unharmed and counts as spared. Not guaranteed: that rates
//! hold over few frames.

use std::time::Duration;

use crate::{Link, LinkCounters, LinkFault, MAX_FRAME, Slot};

mod held;
mod lane;

use held::Held;
use lane::{Fault, Lane};
pub use lane::{FaultCounters, FaultPlan, Lateness, Rate};

/// Slots of the inner link that are reserved for copies of sent frames, and buffers for copies of received ones.
pub const SPARE: u16 = 4;

/// A frame that waits in a hidden slot: for how long, and its length.
type Late = Option<(Lateness, usize)>;

/// A link that injects faults.
#[derive(Debug)]
pub struct FaultInjector<L> {
    inner: L,
    visible: u16,
    sending: Lane,
    receiving: Lane,
    /// What waits in each hidden slot.
    late: [Late; SPARE as usize],
    /// Visible slots whose frames were kept from the inner link since the last kick.
    withheld: Vec<Slot>,
    held: Held,
    frame: Box<[u8; MAX_FRAME]>,
    lent: u64,
    /// The frame that was lent last came from the inner link just then.
    direct: bool,
}

impl<L: Link> FaultInjector<L> {
    /// Puts an injector on a link, with a plan for sent and one for received frames. It hides the last [`SPARE`] slots,
    /// or all but one.
    #[must_use]
    pub fn new(inner: L, sending: FaultPlan, receiving: FaultPlan, seed: u64) -> Self {
        let visible = inner.slots().saturating_sub(SPARE).max(1).min(inner.slots());
        Self {
            inner,
            visible,
            sending: Lane::new(sending, seed),
            receiving: Lane::new(receiving, seed.wrapping_add(1)),
            late: [None; SPARE as usize],
            withheld: Vec::with_capacity(usize::from(visible)),
            held: Held::new(usize::from(SPARE)),
            frame: Box::new([0; MAX_FRAME]),
            lent: 0,
            direct: false,
        }
    }

    /// Changes what happens from now on, to sent and to received frames.
    pub const fn set_plans(&mut self, sending: FaultPlan, receiving: FaultPlan) {
        self.sending.plan = sending;
        self.receiving.plan = receiving;
    }

    /// What was done to sent and to received frames.
    #[must_use]
    pub const fn faults(&self) -> (FaultCounters, FaultCounters) {
        (self.sending.counters, self.receiving.counters)
    }

    /// The link under the injector.
    #[must_use]
    pub const fn inner(&self) -> &L {
        &self.inner
    }

    /// The same, to look at or to disturb in a test. Its slots are not to be written.
    pub const fn inner_mut(&mut self) -> &mut L {
        &mut self.inner
    }

    fn admit(&self, slot: Slot) -> Result<(), LinkFault> {
        if slot.0 >= self.visible {
            return Err(LinkFault::NoSuchSlot(slot));
        }
        if self.withheld.contains(&slot) { Err(LinkFault::Busy(slot)) } else { Ok(()) }
    }

    /// A hidden slot that can be written, and its number among them.
    fn spare(&mut self) -> Option<(usize, Slot)> {
        let hidden = (self.visible..self.inner.slots()).map(Slot).enumerate().take(self.late.len());
        let mut free = hidden.filter(|(index, _)| self.late[*index].is_none());
        free.find(|(_, slot)| self.inner.slot_mut(*slot).is_ok())
    }

    /// Copies a slot's bytes into a hidden slot.
    fn copy(&mut self, from: Slot, to: Slot) -> Result<&mut [u8], LinkFault> {
        self.frame.copy_from_slice(self.inner.slot(from)?);
        let bytes = self.inner.slot_mut(to)?;
        bytes.copy_from_slice(self.frame.as_slice());
        Ok(bytes)
    }

    /// Applies a fault to a frame. `spare` is the place for a copy.
    fn post_faulty(&mut self, fault: Fault, slot: Slot, len: usize, spare: (usize, Slot)) -> Result<(), LinkFault> {
        let (index, copy) = spare;
        match fault {
            Fault::Drop => {}
            Fault::Corrupt => {
                let (offset, bit) = self.sending.pick_bit(len);
                self.copy(slot, copy)?[offset] ^= bit;
                self.inner.post(copy, len)?;
            }
            Fault::Duplicate => {
                self.copy(slot, copy)?;
                self.inner.post(slot, len)?;
                if self.inner.post(copy, len).is_err() {
                    self.sending.counters.duplicated -= 1;
                    self.sending.counters.spared += 1;
                }
                return Ok(());
            }
            Fault::Delay => {
                self.copy(slot, copy)?;
                self.late[index] = Some((self.sending.plan.late, len));
            }
        }
        self.withheld.push(slot);
        Ok(())
    }

    /// Posts the hidden frames that are due. Returns whether there were any.
    fn post_late(&mut self) -> bool {
        let mut any = false;
        for (late, number) in self.late.iter_mut().zip(self.visible..) {
            if let Some((_, len)) = late.take_if(|(late, _)| late.is_over()) {
                any |= self.inner.post(Slot(number), len).is_ok();
            }
        }
        any
    }

    /// The next frame from the inner link that isn't dropped or delayed, in `self.frame`. Returns its length.
    fn take(&mut self) -> Result<Option<usize>, LinkFault> {
        while let Some(received) = self.inner.receive()? {
            let len = received.len().min(MAX_FRAME);
            self.frame[..len].copy_from_slice(&received[..len]);
            self.held.frame_passes();
            let room = self.held.has_room();
            match self.receiving.decide(|fault| room || matches!(fault, Fault::Drop | Fault::Corrupt)) {
                Some(Fault::Drop) => continue,
                Some(Fault::Corrupt) => {
                    let (offset, bit) = self.receiving.pick_bit(len);
                    self.frame[offset] ^= bit;
                }
                Some(Fault::Duplicate) => self.held.hold(&self.frame[..len], Lateness::Polls(1)),
                Some(Fault::Delay) => {
                    self.held.hold(&self.frame[..len], self.receiving.plan.late);
                    continue;
                }
                None => {}
            }
            return Ok(Some(len));
        }
        Ok(None)
    }
}

impl<L: Link> Link for FaultInjector<L> {
    fn slots(&self) -> u16 {
        self.visible
    }

    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        if slot.0 < self.visible { self.inner.slot(slot) } else { Err(LinkFault::NoSuchSlot(slot)) }
    }

    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.admit(slot)?;
        self.inner.slot_mut(slot)
    }

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.slot_mut(slot)?;
        if !(14..=MAX_FRAME).contains(&len) {
            return Err(LinkFault::BadLength(len));
        }
        self.late.iter_mut().flatten().for_each(|(late, _)| late.frame_passes());
        let spare = self.spare();
        match self.sending.decide(|fault| spare.is_some() || fault == Fault::Drop) {
            Some(fault) => self.post_faulty(fault, slot, len, spare.unwrap_or((0, slot)))?,
            None => self.inner.post(slot, len)?,
        }
        self.post_late();
        Ok(())
    }

    fn kick(&mut self) -> Result<(), LinkFault> {
        self.withheld.clear();
        self.inner.kick()
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.late.iter_mut().flatten().for_each(|(late, _)| late.poll_passes());
        if self.post_late() {
            self.inner.kick()?;
        }
        let (len, direct) = match self.held.next_due(&mut self.frame) {
            Some(len) => (len, false),
            None => match self.take()? {
                Some(len) => (len, true),
                None => return Ok(None),
            },
        };
        self.lent += 1;
        self.direct = direct;
        Ok(Some(&self.frame[..len]))
    }

    /// The inner link's, except for received frames, and with the frames that were dropped on purpose.
    fn counters(&self) -> LinkCounters {
        let inner = self.inner.counters();
        LinkCounters { received: self.lent, dropped: inner.dropped + self.receiving.counters.dropped, ..inner }
    }

    /// Copies that wait to be late stay: the injector acts as if the network had taken them.
    fn withdraw(&mut self) {
        self.inner.withdraw();
    }

    /// The inner link's. A frame that was held comes now.
    fn waited(&self) -> Option<Duration> {
        self.inner.waited().filter(|_| self.direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::{PairEnd, pair};
    use crate::{MIN_FRAME, Sizing};

    const NONE: FaultPlan = FaultPlan {
        drop: Rate::Never,
        corrupt: Rate::Never,
        duplicate: Rate::Never,
        delay: Rate::Never,
        late: Lateness::Polls(3),
    };

    fn joined(sending: FaultPlan, receiving: FaultPlan, seed: u64) -> (FaultInjector<PairEnd>, PairEnd) {
        let (left, right) = pair(Sizing { slots: 8, receive: 64 });
        (FaultInjector::new(left, sending, receiving, seed), right)
    }

    fn send(link: &mut impl Link, mark: u8) {
        link.slot_mut(Slot(0)).unwrap().fill(mark);
        link.post(Slot(0), MIN_FRAME).unwrap();
        link.kick().unwrap();
    }

    fn all(link: &mut impl Link) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| link.receive().unwrap().map(<[u8]>::to_vec)).collect()
    }

    fn marks(link: &mut impl Link) -> Vec<u8> {
        all(link).iter().map(|frame| frame[0]).collect()
    }

    #[test]
    fn every_third_sent_frame_disappears_and_its_slot_comes_back() {
        let (mut link, mut peer) = joined(FaultPlan { drop: Rate::Every(3), ..NONE }, NONE, 1);
        for mark in 1..=9 {
            send(&mut link, mark);
        }
        assert_eq!(marks(&mut peer), [1, 2, 4, 5, 7, 8]);
        assert_eq!((link.faults().0.seen, link.faults().0.dropped), (9, 3));
    }

    #[test]
    fn a_withheld_slot_is_busy_until_the_kick() {
        let (mut link, _peer) = joined(FaultPlan { drop: Rate::Every(1), ..NONE }, NONE, 1);
        link.post(Slot(0), MIN_FRAME).unwrap();
        assert_eq!(link.post(Slot(0), MIN_FRAME), Err(LinkFault::Busy(Slot(0))));
        assert_eq!(link.slot_mut(Slot(0)).err(), Some(LinkFault::Busy(Slot(0))));
        link.kick().unwrap();
        assert!(link.slot_mut(Slot(0)).is_ok());
    }

    #[test]
    fn a_corrupted_sent_frame_differs_in_one_bit_and_its_slot_not_at_all() {
        let (mut link, mut peer) = joined(FaultPlan { corrupt: Rate::Every(1), ..NONE }, NONE, 7);
        for _ in 0..50 {
            send(&mut link, 0x55);
            let frame = all(&mut peer).pop().unwrap();
            let flipped: u32 = frame.iter().map(|byte| (byte ^ 0x55).count_ones()).sum();
            assert_eq!((flipped, &frame[..14]), (1, [0x55; 14].as_slice()));
            assert_eq!(link.slot(Slot(0)).unwrap(), [0x55; MAX_FRAME]);
        }
    }

    #[test]
    fn sent_frames_are_doubled_and_delayed_by_polls() {
        let (mut link, mut peer) = joined(FaultPlan { duplicate: Rate::Every(1), ..NONE }, NONE, 1);
        send(&mut link, 4);
        assert_eq!(marks(&mut peer), [4, 4]);
        link.set_plans(FaultPlan { delay: Rate::Every(2), ..NONE }, NONE);
        send(&mut link, 5);
        send(&mut link, 6);
        let arrived: Vec<Vec<u8>> = (0..4)
            .map(|_| {
                link.receive().unwrap();
                marks(&mut peer)
            })
            .collect();
        assert_eq!(arrived, [vec![6], vec![], vec![5], vec![]]);
        assert_eq!(link.faults().0.delayed, 1);
    }

    #[test]
    fn received_frames_are_dropped_doubled_corrupted_and_delayed() {
        let (mut link, mut peer) = joined(NONE, FaultPlan { drop: Rate::Every(2), ..NONE }, 1);
        for mark in 1..=4 {
            send(&mut peer, mark);
        }
        assert_eq!(marks(&mut link), [1, 3]);
        link.set_plans(NONE, FaultPlan { duplicate: Rate::Every(1), ..NONE });
        send(&mut peer, 5);
        assert_eq!(marks(&mut link), [5, 5]);
        link.set_plans(NONE, FaultPlan { corrupt: Rate::Every(1), ..NONE });
        send(&mut peer, 6);
        let frame = all(&mut link).pop().unwrap();
        assert_eq!(frame.iter().map(|byte| (byte ^ 6).count_ones()).sum::<u32>(), 1);
        link.set_plans(NONE, FaultPlan { delay: Rate::Every(1), ..NONE });
        send(&mut peer, 7);
        let polls: Vec<bool> = (0..5).map(|_| link.receive().unwrap().is_some()).collect();
        assert_eq!(polls, [false, false, false, true, false]);
        assert_eq!((link.counters().received, link.counters().dropped), (6, 2));
    }

    #[test]
    fn frames_are_delayed_until_others_have_passed() {
        let plan = FaultPlan { delay: Rate::Every(4), late: Lateness::Frames(2), ..NONE };
        let (mut link, mut peer) = joined(plan, plan, 1);
        for mark in 1..=6 {
            send(&mut link, mark);
            assert!(link.receive().unwrap().is_none(), "a poll doesn't bring it on");
        }
        assert_eq!(marks(&mut peer), [1, 2, 3, 5, 6, 4]);
        for mark in 1..=6 {
            send(&mut peer, mark);
        }
        assert_eq!(marks(&mut link), [1, 2, 3, 5, 6, 4]);
    }

    #[test]
    fn without_room_for_a_copy_a_frame_is_spared() {
        let (mut link, mut peer) = joined(NONE, FaultPlan { delay: Rate::Every(1), ..NONE }, 1);
        for mark in 1..=6 {
            send(&mut peer, mark);
        }
        assert_eq!(link.receive().unwrap().map(|frame| frame[0]), Some(5), "four are held, the fifth has no room");
        assert_eq!((link.faults().1.delayed, link.faults().1.spared), (4, 1));
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_and_about_the_rate_asked_for() {
        let run = |seed| {
            let plan = FaultPlan { drop: Rate::PerMillion(250_000), ..NONE };
            let (mut link, mut peer) = joined(plan, NONE, seed);
            (0..10_000)
                .map(|_| {
                    send(&mut link, 1);
                    all(&mut peer).len()
                })
                .collect::<Vec<_>>()
        };
        let first = run(42);
        assert_eq!(first, run(42));
        assert_ne!(first, run(43));
        assert!((7_000..8_000).contains(&first.iter().sum::<usize>()));
    }
}
