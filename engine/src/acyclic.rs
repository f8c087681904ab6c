//! The acyclic lane: ethercrab's frame pool, moved to the link in the slack of a cycle.
//!
//! Every frame that is ready in the pool comes back to it exactly once: as the wire returned it, or with working counter 0
//! if the wire didn't return it in time, or if the network held all slots for that long. So no future waits for ever, none
//! is dropped while its frame is out, and the pool's slots can't leak.
//!
//! Frames are sent in the time that a cycle leaves. Where cycles leave none (frames are lost, or a round trip is longer than
//! the period) one frame is sent in each all the same. While such frames are lost too, each is waited for longer: a network
//! that is behind by more than a frame's timeout answers at last, and a request that is repeated some times isn't given up
//! at once.
//!
//! Frames that wait in the pool at the same time go out as one frame with many datagrams, where there is time for it
//! ([`packed`]). A frame on the wire carries a number in the last three bytes of its source address, so that an answer
//! that comes after its frame was given back as lost is never taken for the answer to another one. An answer whose working
//! counter can't be is kept until the frame's time is over, and given only if no better one has come by then: damaged copies
//! come before what they are copies of.

use crate::packed::{self, Packed};
use ethercrab::error::Error as PoolError;
use ethercrab::{PduLoop, PduRx, PduStorage, PduTx};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;
use zerocat_link::{Link, Slot};
use zerocat_sched::Time;
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{datagram, ethernet};

/// Frames of the pool, one datagram each: a power of two, as ethercrab wants it, and the most that it can number apart.
const POOL_FRAMES: usize = 128;
/// How long a frame is waited for at most, in timeouts.
const MOST_PATIENCE: u32 = 5;
/// Bytes of one element: a full Ethernet frame.
const POOL_ELEMENT: usize = PduStorage::element_size(datagram::MAX_DATA_ALONE);

/// The realtime end of a frame pool.
pub struct Pool {
    tx: PduTx<'static>,
    rx: PduRx<'static>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("frames", &self.tx.capacity()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Makes a pool of 128 frames: its realtime end, and the end that a `MainDevice` is made of. Its memory (200 kB)
    /// lives as long as the process, as ethercrab's types want it.
    ///
    /// # Panics
    /// Never: a fresh storage splits.
    #[must_use]
    pub fn new() -> (Self, PduLoop<'static>) {
        let storage: &'static PduStorage<POOL_FRAMES, POOL_ELEMENT> = Box::leak(Box::new(PduStorage::new()));
        #[expect(clippy::expect_used, reason = "a fresh storage splits once")]
        let (tx, rx, pdu_loop) = storage.try_split().expect("a fresh storage splits");
        (Self { tx, rx }, pdu_loop)
    }
}

/// How the lane uses its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcyclicSettings {
    /// First of the link's slots that are the lane's.
    pub first_slot: Slot,
    /// Frames that may be out at once.
    pub in_flight: u16,
    /// A frame that isn't back after this long is given back with working counter 0. One that was sent in a cycle without
    /// time for it has up to five times as long, while such frames are lost.
    pub timeout: Duration,
}

/// What a cycle has left for acyclic frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Time: for as many as there are slots.
    Time,
    /// No time, but the turn that is owed in every cycle: for one.
    Turn,
    /// Nothing.
    Nothing,
}

/// Set by a future that has a frame to send; the realtime thread looks at it before it scans the pool.
#[derive(Debug, Default)]
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // SYNC: pairs with the acquire swap in AcyclicLane::send; the frame itself is published by the pool.
        self.0.store(true, Ordering::Release);
    }
}

/// A frame that is out.
#[derive(Debug, Clone, Copy)]
struct Out {
    until: Time,
    /// How long it is waited for, where it was sent in a cycle without time for it.
    patience: Option<Duration>,
    packed: Packed,
    /// An answer that can't be has come, and is kept.
    doubted: bool,
}

/// What the lane counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AcyclicCounts {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) stray: u64,
}

/// Moves the pool's frames through the link.
pub struct AcyclicLane {
    pool: Pool,
    ready: Arc<Ready>,
    waker: Waker,
    first_slot: u16,
    out: Box<[Option<Out>]>,
    in_flight: usize,
    timeout: Duration,
    /// How long a frame is waited for that is sent in a cycle without time for it. It grows while such ones are lost.
    patience: Duration,
    /// Since when frames wait in the pool and every slot that isn't out is with the network all the same.
    blocked_since: Option<Time>,
    scratch: Box<[u8; ethernet::MAX_FRAME]>,
    /// Answers that can't be, by slot.
    kept: Box<[[u8; ethernet::MAX_FRAME]]>,
    counts: AcyclicCounts,
}

impl std::fmt::Debug for AcyclicLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcyclicLane").field("out", &self.out).field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl AcyclicLane {
    /// A lane over a pool.
    #[must_use]
    pub fn new(pool: Pool, settings: AcyclicSettings) -> Self {
        let ready = Arc::new(Ready(AtomicBool::new(true)));
        Self {
            pool,
            waker: Waker::from(Arc::clone(&ready)),
            ready,
            first_slot: settings.first_slot.0,
            out: vec![None; settings.in_flight.max(1).into()].into_boxed_slice(),
            in_flight: 0,
            timeout: settings.timeout,
            patience: settings.timeout,
            blocked_since: None,
            scratch: Box::new([0; ethernet::MAX_FRAME]),
            kept: vec![[0; ethernet::MAX_FRAME]; settings.in_flight.max(1).into()].into_boxed_slice(),
            counts: AcyclicCounts::default(),
        }
    }

    /// The pool, for another lane. Frames that are out stay lost to it.
    pub(crate) fn into_pool(self) -> Pool {
        self.pool
    }

    /// Whether the source address is that of one of the lane's frames on its way back.
    pub(crate) fn owns(source: MacAddress) -> bool {
        let ([a, b, c, ..], [x, y, z, ..]) = (source.0, MacAddress::ACYCLIC.returned().0);
        (a, b, c) == (x, y, z)
    }

    /// Frames that are out.
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether frames wait and the link has none of the lane's slots free.
    pub(crate) const fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    pub(crate) const fn counts(&self) -> AcyclicCounts {
        self.counts
    }

    /// Posts frames that wait in the pool, as many as there is room for and as there are free slots. The caller kicks.
    /// Returns how many.
    pub(crate) fn send<L: Link>(&mut self, link: &mut L, now: Time, room: Room) -> usize {
        // The single frame that a cycle without time for it sends is a short one.
        let (most, datagrams, patience) = match room {
            Room::Time => (usize::MAX, packed::MOST, None),
            Room::Turn => (1, 1, Some(self.patience)),
            Room::Nothing => (0, 0, None),
        };
        // SYNC: pairs with the release store in Ready::wake_by_ref.
        if most == 0 || !self.ready.0.swap(false, Ordering::Acquire) {
            return 0;
        }
        // Registered before the scan, so that a frame made while it runs is not missed.
        self.pool.tx.replace_waker(&self.waker);
        let (mut posted, mut busy) = (0, 0);
        for number in 0..self.out.len() {
            if posted == most {
                break;
            }
            if self.out.get(number).is_none_or(Option::is_some) {
                continue;
            }
            if link.slot_mut(self.slot(number)).is_err() {
                busy += 1;
                continue;
            }
            let slot = self.slot(number);
            let packed = link.slot_mut(slot).map_or(Packed::new(0), |bytes| self.pack(bytes, datagrams));
            if packed.count() == 0 {
                self.blocked_since = None;
                return posted;
            }
            let until = now.after(patience.unwrap_or(self.timeout));
            self.post(link, number, Out { until, patience, packed, doubted: false });
            posted += 1;
        }
        self.blocked_since = if busy == self.out.len() { self.blocked_since.or(Some(now)) } else { None };
        // Frames may wait still: look again when there is a slot, or in the next cycle.
        // SYNC: only this thread reads it; the pool publishes the frames.
        self.ready.0.store(true, Ordering::Release);
        posted
    }

    /// Takes frames from the pool as long as there are some and their datagrams have room, at most `most`.
    fn pack(&mut self, slot: &mut [u8], most: usize) -> Packed {
        let mut packed = Packed::new(self.counts.sent);
        while packed.count() < most {
            let Some(frame) = self.pool.tx.next_sendable_frame() else { break };
            // What has no room stays in the pool.
            let sent =
                frame.send_blocking(
                    |bytes| {
                        if packed.add(slot, bytes) { Ok(bytes.len()) } else { Err(PoolError::SendFrame) }
                    },
                );
            if sent.is_err() {
                break;
            }
        }
        packed
    }

    /// Posts the frame that was packed into a slot.
    fn post<L: Link>(&mut self, link: &mut L, number: usize, out: Out) {
        self.counts.sent += 1;
        self.in_flight += 1;
        if let Some(place) = self.out.get_mut(number) {
            *place = Some(out);
        }
        // The link's refusal counts as lost, which its sender understands.
        if link.post(self.slot(number), out.packed.len()).is_err() {
            self.give_back(link, number);
        }
    }

    /// Takes a frame that came back. One that was given back as lost before is counted.
    pub(crate) fn admit(&mut self, bytes: &[u8]) {
        let answered = |out: &Option<Out>| out.is_some_and(|out| out.packed.is_answered_by(bytes));
        let Some((place, kept)) = self.out.iter_mut().zip(&mut *self.kept).find(|(out, _)| answered(out)) else {
            self.counts.stray += 1;
            return;
        };
        if let Some(out) = place.as_mut().filter(|out| !out.packed.is_possible(bytes)) {
            if let (Some(kept), Some(bytes)) = (kept.get_mut(..out.packed.len()), bytes.get(..out.packed.len())) {
                kept.copy_from_slice(bytes);
                out.doubted = true;
            }
            return;
        }
        let Some(out) = place.take() else { return };
        self.counts.stray += u64::from(out.doubted);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.patience = self.timeout;
        self.return_datagrams(&out.packed, bytes);
    }

    /// Gives the pool the frames that a frame on the wire was made of.
    fn return_datagrams(&mut self, packed: &Packed, bytes: &[u8]) {
        let Self { pool, scratch, counts, .. } = self;
        packed.each(bytes, scratch.as_mut_slice(), |single| {
            counts.stray += u64::from(pool.rx.receive_frame(single).is_err());
        });
    }

    /// Gives frames back that the wire didn't return in time, and frames that found no slot for so long.
    pub(crate) fn expire<L: Link>(&mut self, link: &L, now: Time) {
        for number in 0..self.out.len() {
            let Some(out) = self.out.get(number).copied().flatten().filter(|out| out.until <= now) else { continue };
            self.give_back(link, number);
            // Those that were sent with less patience say nothing new.
            if out.patience.is_some_and(|patience| patience >= self.patience) {
                self.patience = (2 * self.patience).min(MOST_PATIENCE * self.timeout);
            }
        }
        if self.blocked_since.is_some_and(|since| since.after(self.timeout) <= now) {
            self.blocked_since = Some(now);
            self.give_back_unsent();
        }
    }

    /// Gives frames of the pool back that wait in it, as many as there are slots, with working counter 0.
    #[cold]
    fn give_back_unsent(&mut self) {
        for _ in 0..self.out.len() {
            let Some(frame) = self.pool.tx.next_sendable_frame() else { return };
            let mut copied = 0;
            let _ = frame.send_blocking(|bytes| {
                if let Some(copy) = self.scratch.get_mut(..bytes.len()) {
                    copy.copy_from_slice(bytes);
                    copied = bytes.len();
                }
                Ok(bytes.len())
            });
            self.counts.lost += 1;
            self.return_scratch(copied);
        }
    }

    /// Gives every frame back that is out.
    pub(crate) fn expire_all<L: Link>(&mut self, link: &L) {
        self.expire(link, Time(u64::MAX));
    }

    /// Gives a frame back as it was sent, with working counter 0, or as the only answer that came.
    fn give_back<L: Link>(&mut self, link: &L, number: usize) {
        let slot = self.slot(number);
        let Some(out) = self.out.get_mut(number).and_then(Option::take) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        if out.doubted {
            return self.give_doubted(number, &out.packed);
        }
        self.counts.lost += 1;
        if let Ok(sent) = link.slot(slot) {
            self.return_datagrams(&out.packed, sent);
        }
    }

    /// Gives the pool an answer that can't be.
    #[cold]
    fn give_doubted(&mut self, number: usize, packed: &Packed) {
        let Self { pool, scratch, kept, counts, .. } = self;
        let Some(bytes) = kept.get(number) else { return };
        packed.each(bytes, scratch.as_mut_slice(), |single| {
            counts.stray += u64::from(pool.rx.receive_frame(single).is_err());
        });
    }

    /// Gives the pool a frame that is in the scratch as it was sent.
    fn return_scratch(&mut self, len: usize) {
        let Some(frame) = self.scratch.get_mut(..len) else { return };
        // The pool takes only frames that look returned.
        if ethernet::mark_returned(frame).is_ok() && self.pool.rx.receive_frame(frame).is_err() {
            self.counts.stray += 1;
        }
    }

    fn slot(&self, number: usize) -> Slot {
        Slot(self.first_slot.saturating_add(u16::try_from(number).unwrap_or(u16::MAX)))
    }
}
