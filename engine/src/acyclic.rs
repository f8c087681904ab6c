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
//! A frame carries a number in the last three bytes of its source address, so that an answer that comes after its frame was
//! given back as lost is never taken for the answer to another one.

use ethercrab::{PduLoop, PduRx, PduStorage, PduTx};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;
use zerocat_link::{Link, Slot};
use zerocat_sched::Time;
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{datagram, ethernet, frame};

/// Frames of the pool: a power of two, as ethercrab wants it.
const POOL_FRAMES: usize = 32;
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
    /// Makes a pool of 32 frames: its realtime end, and the end that a `MainDevice` is made of. Its memory (50 kB)
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
    len: usize,
    until: Time,
    /// How long it is waited for, where it was sent in a cycle without time for it.
    patience: Option<Duration>,
    /// The frame's header, which says how long its datagrams are in all, and the first datagram's header, as sent.
    header: Header,
    number: Number,
}

/// Header of a frame and of its first datagram.
type Header = [u8; ECAT_HEADER_LEN + datagram::HEADER_LEN];
/// Low bits of the number of a frame, as its source address carries them.
type Number = [u8; 3];
/// Bytes of a frame that carry its number.
const NUMBER: Range<usize> = 9..12;
/// Bytes of the EtherCAT header between the Ethernet header and the first datagram (ETG.1000.4, 5.3.3).
const ECAT_HEADER_LEN: usize = frame::HEADER_LEN - ethernet::HEADER_LEN;

impl Out {
    /// Whether a received frame answers this one. SubDevices change the first half of the address and the event field,
    /// nothing else.
    fn is_answered_by(&self, number: Number, header: &Header) -> bool {
        let [all0, all1, command, index, _, _, ado0, ado1, len0, len1, _, _] = self.header;
        let [rx_all0, rx_all1, rx_command, rx_index, _, _, rx_ado0, rx_ado1, rx_len0, rx_len1, _, _] = *header;
        self.number == number
            && (all0, all1, command, index, ado0, ado1, len0, len1 & 0x07)
                == (rx_all0, rx_all1, rx_command, rx_index, rx_ado0, rx_ado1, rx_len0, rx_len1 & 0x07)
    }
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
            counts: AcyclicCounts::default(),
        }
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
        let (most, patience) = match room {
            Room::Time => (usize::MAX, None),
            Room::Turn => (1, Some(self.patience)),
            Room::Nothing => (0, None),
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
            if !self.send_one(link, now, number, patience) {
                self.blocked_since = None;
                return posted;
            }
            posted += 1;
        }
        self.blocked_since = if busy == self.out.len() { self.blocked_since.or(Some(now)) } else { None };
        // Frames may wait still: look again when there is a slot, or in the next cycle.
        // SYNC: only this thread reads it; the pool publishes the frames.
        self.ready.0.store(true, Ordering::Release);
        posted
    }

    /// Posts the next frame of the pool from a slot that is free. Returns whether there was one.
    fn send_one<L: Link>(&mut self, link: &mut L, now: Time, number: usize, patience: Option<Duration>) -> bool {
        let slot = self.slot(number);
        let Some(frame) = self.pool.tx.next_sendable_frame() else { return false };
        let mut out = None;
        let until = now.after(patience.unwrap_or(self.timeout));
        // The link's refusal counts as sent: the frame comes back as lost, which its sender understands.
        let _ = frame.send_blocking(|bytes| {
            out = copy_to_slot(link, slot, bytes, until, self.counts.sent);
            Ok(bytes.len())
        });
        self.counts.sent += 1;
        self.in_flight += usize::from(out.is_some());
        if let Some(place) = self.out.get_mut(number) {
            *place = out.map(|out| Out { patience, ..out });
        }
        if let Some(out) = out
            && link.post(slot, out.len).is_err()
        {
            self.give_back(link, number);
        }
        true
    }

    /// Takes a frame that came back. One that was given back as lost before is counted.
    pub(crate) fn admit(&mut self, bytes: &[u8]) {
        let place = mark_of(bytes).and_then(|(number, header)| {
            self.out.iter().position(|out| out.is_some_and(|out| out.is_answered_by(number, header)))
        });
        let taken = place.is_some() && self.pool.rx.receive_frame(bytes).is_ok();
        match place.and_then(|place| self.out.get_mut(place)) {
            Some(out) if taken => {
                *out = None;
                self.in_flight = self.in_flight.saturating_sub(1);
                self.patience = self.timeout;
            }
            _ => self.counts.stray += 1,
        }
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

    /// Gives frames back that wait in the pool, as many as there are slots, with working counter 0.
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

    /// Gives a frame back as it was sent, with working counter 0.
    fn give_back<L: Link>(&mut self, link: &L, number: usize) {
        let slot = self.slot(number);
        let Some(out) = self.out.get_mut(number).and_then(Option::take) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        self.counts.lost += 1;
        let Ok(sent) = link.slot(slot) else { return };
        if let (Some(to), Some(from)) = (self.scratch.get_mut(..out.len), sent.get(..out.len)) {
            to.copy_from_slice(from);
            self.return_scratch(out.len);
        }
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

/// Copies the `count`-th frame of the pool into a slot and numbers it; `None` if it isn't a frame that fits.
fn copy_to_slot<L: Link>(link: &mut L, slot: Slot, bytes: &[u8], until: Time, count: u64) -> Option<Out> {
    let header = *bytes.get(ethernet::HEADER_LEN..)?.first_chunk()?;
    let [a, b, c, ..] = count.to_le_bytes();
    let number = [a, b, c];
    let copy = link.slot_mut(slot).ok()?.get_mut(..bytes.len())?;
    copy.copy_from_slice(bytes);
    copy.get_mut(NUMBER)?.copy_from_slice(&number);
    Some(Out { len: bytes.len(), until, patience: None, header, number })
}

/// Number and headers of a received frame.
fn mark_of(bytes: &[u8]) -> Option<(Number, &Header)> {
    let number = *bytes.get(NUMBER)?.first_chunk()?;
    Some((number, bytes.get(ethernet::HEADER_LEN..)?.first_chunk()?))
}
