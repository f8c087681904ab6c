//! AF_XDP as a [`Link`]: slots are chunks of the UMEM, and what is received is lent straight from it.
//!
//! Guarantees: nothing of a descriptor is used before [`crate::chunks`] admitted it; a slot is `Busy` from its post
//! until its completion is consumed; a kick is no system call where the kernel needs none. With busy polling a look into
//! an empty receive ring is a system call, at most one for each call of `receive`, which doesn't wait. A frame shorter than 60
//! bytes is padded with zeros in its slot, up to byte 60.
//!
//! Not guaranteed: that a frame with a VLAN tag comes without it. It is lent as it arrived; the engine ignores it.
//! After [`LinkFault::Down`] what was posted stays queued in the kernel: it goes out, and its slots come back, at the
//! first kick after the interface is up again. `slot_mut` and `post` look at completions where a slot is `Busy`, so they
//! may report `BadDescriptor` as well. What the kernel dropped is counted when it can have dropped something and the
//! receive ring has been found empty. In zero-copy mode what the NIC drops for want of buffers is in its own counters
//! (`ethtool -S`) only.

use crate::busy::{self, BusyPoll, BusyPollError, BusyPolling};
use crate::chunks::{Chunk, Chunks};
use crate::device::Device;
use crate::error::XdpError;
use crate::open::{Opened, XdpOptions, XdpReport, open};
use crate::socket::{Socket, Woken, XdpStatistics};
use crate::strays::Strays;
use crate::umem::{Umem, claim};
use std::io;
use std::time::Instant;
use xsk_rs::FrameDesc;
use zerocat_link::{Link, LinkCounters, LinkFault, MAX_FRAME, Slot};

/// Shortest frame that can be posted: an Ethernet header.
const HEADER_LEN: usize = 14;
/// Frames that the kernel sends in one call in copy mode (`TX_BATCH_SIZE` in `net/xdp/xsk.c`).
const BATCH: u16 = 32;

/// A port to one network over AF_XDP.
#[derive(Debug)]
pub struct XdpLink {
    opened: Opened,
    chunks: Chunks,
    /// Slots that the kernel has.
    outstanding: u16,
    /// Frames posted since the last kick.
    unkicked: u64,
    /// The chunk of the frame that is lent.
    lent: Option<Chunk>,
    /// Whether chunks went into the fill ring since the driver was last woken for it.
    refilled: bool,
    /// Descriptors taken since the receive ring was last found empty.
    run: u32,
    /// Drops that the kernel had counted when it was last asked.
    kernel_drops: u64,
    counters: LinkCounters,
}

impl XdpLink {
    /// Opens a link as asked. May take seconds: a NIC may reset when a program is attached.
    ///
    /// # Errors
    /// Every one of [`XdpError`]; nothing is left behind then.
    pub fn open(options: &XdpOptions) -> Result<Self, XdpError> {
        let opened = open(options)?;
        let mut link = Self {
            chunks: Chunks::new(opened.layout),
            opened,
            outstanding: 0,
            unkicked: 0,
            lent: None,
            refilled: false,
            run: 0,
            kernel_drops: 0,
            counters: LinkCounters::default(),
        };
        for chunk in link.chunks.receiving() {
            link.refill(chunk);
        }
        if let Some(how) = options.busy_poll {
            link.opened.report.busy_poll = link.begin_busy_polling(how).unwrap_or_else(|error| {
                tracing::info!(interface = options.interface, "no busy polling: {error}");
                BusyPolling::Refused(error.to_string())
            });
        }
        Ok(link)
    }

    fn begin_busy_polling(&mut self, how: BusyPoll) -> Result<BusyPolling, BusyPollError> {
        let fd = self.opened.socket.fd();
        let device = Device::find(&self.opened.report.interface)?;
        if busy::napi_id(fd).is_none() {
            self.probe();
        }
        let napi_id = busy::napi_id(fd).ok_or(BusyPollError::NoNapi(self.opened.report.queue))?;
        let held = busy::turn_on(fd, &device, how)?;
        self.opened.socket.polls = true;
        if !(0..busy::PROBES).all(|_| self.probe()) {
            self.opened.socket.polls = false;
            busy::turn_off(fd)?;
            drop(held);
            self.send_what_is_left();
            return Err(BusyPollError::NoSending(self.opened.report.queue));
        }
        let knobs_changed = held.changed();
        self.opened.held = Some(held);
        Ok(BusyPolling::On { napi_id, how, knobs_changed })
    }

    /// Sends a frame that nobody acts on and waits for it: a kernel that learns the NAPI instance from received frames
    /// knows it then. It is no harm if it doesn't return. Whether it was sent.
    fn probe(&mut self) -> bool {
        let slot = Slot(0);
        let Ok(bytes) = self.slot_mut(slot) else { return false };
        bytes[..busy::PROBE.len()].copy_from_slice(&busy::PROBE);
        let mut returned = self.post(slot, busy::PROBE.len()).is_err() || self.kick().is_err();
        let end = Instant::now() + busy::PROBE_PATIENCE;
        while Instant::now() < end && !(returned && self.own_slot(slot).is_ok()) {
            returned |= matches!(self.receive(), Ok(Some(_)));
            std::thread::yield_now();
        }
        self.take_back();
        self.forget_probe(slot)
    }

    /// Leaves nothing of a probe, in slot and counters. Whether the slot is ours again, and so was sent.
    fn forget_probe(&mut self, slot: Slot) -> bool {
        self.counters = LinkCounters::default();
        self.slot_mut(slot).map(|bytes| bytes.fill(0)).is_ok()
    }

    /// Wakes the driver for a frame that was left in the ring, and waits until it is sent.
    fn send_what_is_left(&mut self) {
        let slot = Slot(0);
        let end = Instant::now() + busy::PROBE_PATIENCE;
        // A fault of the socket is met again by the first frame that matters.
        let _ = self.wake_sender();
        while self.own_slot(slot).is_err() && Instant::now() < end {
            std::thread::yield_now();
        }
        self.forget_probe(slot);
    }

    /// What was asked for and what was got.
    #[must_use]
    pub const fn report(&self) -> &XdpReport {
        &self.opened.report
    }

    /// The counters of EtherCAT frames that arrive on other queues; `None` when they were taken before.
    #[must_use]
    pub fn take_strays(&mut self) -> Option<Strays> {
        self.opened.strays.take()
    }

    /// What the kernel counted on the socket. A system call; not for the cycle.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn statistics(&self) -> io::Result<XdpStatistics> {
        self.opened.socket.statistics()
    }

    #[inline]
    fn socket(&mut self) -> &mut Socket {
        &mut self.opened.socket
    }

    #[inline]
    fn umem(&self) -> &Umem {
        &self.opened.umem
    }

    /// Gives a chunk to receive into. The fill ring has room for all of them; where it said otherwise, the chunk stays
    /// ours and is tried again.
    #[inline]
    fn refill(&mut self, chunk: Chunk) -> bool {
        let descriptor = self.umem().descriptor(chunk);
        let took = self.socket().refill(&descriptor);
        if took {
            self.chunks.give(chunk);
            self.refilled = true;
        }
        took
    }

    /// Takes back the slots whose transmission is complete.
    #[inline]
    fn reap(&mut self) -> Result<(), LinkFault> {
        while self.outstanding > 0 {
            let Some(address) = self.socket().completed() else { break };
            self.chunks.admit_completed(address)?;
            self.outstanding -= 1;
        }
        Ok(())
    }

    /// A slot that is ours, also where only its completion had not been looked at.
    #[inline]
    fn own_slot(&mut self, slot: Slot) -> Result<Chunk, LinkFault> {
        match self.chunks.own_slot(slot) {
            Err(LinkFault::Busy(_)) => {
                self.reap()?;
                self.chunks.own_slot(slot)
            }
            answer => answer,
        }
    }

    /// The next frame that can be lent; ones that are too long or too short are dropped on the way.
    #[inline]
    fn next_frame(&mut self) -> Result<Option<FrameDesc>, LinkFault> {
        let mut polled = !self.opened.socket.polls;
        for _ in 0..self.opened.layout.receive {
            let Some(descriptor) = self.take(&mut polled)? else {
                self.ask_for_drops();
                break;
            };
            self.run = self.run.saturating_add(1);
            let chunk = match self.chunks.admit_received(claim(&descriptor)) {
                Ok(chunk) => chunk,
                Err(fault) => {
                    self.counters.dropped += 1;
                    return Err(fault);
                }
            };
            self.lent = Some(chunk);
            if (HEADER_LEN..=MAX_FRAME).contains(&descriptor.lengths().data()) {
                return Ok(Some(descriptor));
            }
            self.counters.dropped += 1;
            self.take_back();
        }
        self.wake_receiver()?;
        Ok(None)
    }

    /// The next descriptor of the receive ring; where it is empty and has not been `polled` yet, the kernel looks into
    /// the queue first, which doesn't wait and takes no more frames than the busy poll budget.
    #[inline]
    fn take(&mut self, polled: &mut bool) -> Result<Option<FrameDesc>, LinkFault> {
        let got = self.socket().received();
        if got.is_some() || *polled {
            return Ok(got);
        }
        *polled = true;
        self.counters.polls += 1;
        if self.socket().wake_receiver()? == Woken::Yes {
            self.refilled = false;
        }
        Ok(self.socket().received())
    }

    /// Asks the kernel what it dropped, when all chunks may have been full and have been emptied: a system call that
    /// doesn't block, and none in a cycle whose frames fit.
    #[inline]
    fn ask_for_drops(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run + 1 < u32::from(self.opened.layout.receive) {
            return;
        }
        if let Ok(counted) = self.statistics() {
            let drops = counted.rx_dropped + counted.rx_ring_full;
            self.counters.dropped += drops.saturating_sub(self.kernel_drops);
            self.kernel_drops = drops;
        }
    }

    /// Takes back what is lent.
    #[inline]
    fn take_back(&mut self) {
        if let Some(chunk) = self.lent
            && self.refill(chunk)
        {
            self.lent = None;
        }
    }

    /// Has the driver look into the fill ring, where it waits for that and something new is in it.
    #[inline]
    fn wake_receiver(&mut self) -> Result<(), LinkFault> {
        if !self.refilled || !self.socket().needs_refill() {
            return Ok(());
        }
        self.counters.kicks += 1;
        if self.socket().wake_receiver()? == Woken::Yes {
            self.refilled = false;
        }
        Ok(())
    }

    /// Has the kernel send what is queued, and returns how many frames it dropped; more than one call only where it
    /// takes less than everything in one.
    fn wake_sender(&mut self) -> Result<u64, LinkFault> {
        let mut dropped = 0;
        let mut batches = self.outstanding / BATCH;
        let mut unsent = self.socket().unsent();
        loop {
            self.counters.kicks += 1;
            let woken = self.socket().send()?;
            let left = self.socket().unsent();
            match woken {
                Woken::Dropped if left < unsent => dropped += 1,
                Woken::Partly if batches > 0 => batches -= 1,
                _ => return Ok(dropped),
            }
            if left == 0 {
                return Ok(dropped);
            }
            unsent = left;
        }
    }
}

impl Link for XdpLink {
    fn slots(&self) -> u16 {
        self.opened.layout.slots
    }

    #[inline]
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        let chunk = self.chunks.slot(slot)?;
        Ok(self.umem().slot(chunk))
    }

    #[inline]
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        let chunk = self.own_slot(slot)?;
        Ok(self.opened.umem.slot_mut(chunk))
    }

    #[inline]
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        let chunk = self.own_slot(slot)?;
        if !(HEADER_LEN..=MAX_FRAME).contains(&len) {
            return Err(LinkFault::BadLength(len));
        }
        let descriptor = self.opened.umem.prepare(chunk, len);
        if !self.socket().post(&descriptor) {
            return Err(LinkFault::Full);
        }
        self.chunks.give(chunk);
        self.outstanding += 1;
        self.unkicked += 1;
        Ok(())
    }

    #[inline]
    fn kick(&mut self) -> Result<(), LinkFault> {
        let posted = std::mem::take(&mut self.unkicked);
        if self.outstanding == 0 || self.socket().unsent() == 0 || !self.socket().needs_send() {
            self.counters.sent += posted;
            return Ok(());
        }
        match self.wake_sender() {
            Ok(dropped) => {
                self.counters.sent += posted.saturating_sub(dropped);
                self.counters.send_errors += dropped;
                Ok(())
            }
            Err(fault) => {
                self.counters.send_errors += posted;
                Err(fault)
            }
        }
    }

    #[inline]
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.take_back();
        self.reap()?;
        let Some(descriptor) = self.next_frame()? else { return Ok(None) };
        self.counters.received += 1;
        Ok(Some(self.umem().received(&descriptor)))
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }
}

#[cfg(test)]
mod tests;
