//! AF_XDP as a [`Link`]: transmit slots are chunks of the UMEM, and received frames are lent straight from it.
//!
//! Guarantees: nothing that a descriptor names is used before [`crate::chunks`] has admitted it. A slot is `Busy` from
//! its post until its completion is read. A kick makes no system call where the kernel needs none. With busy polling, a
//! look into an empty receive ring is a system call that doesn't block, at most one for each call of `receive`. A frame
//! shorter than 60 bytes is padded with zeros in its slot, up to byte 60.
//!
//! After [`LinkFault::Down`], posted frames stay in the socket. They go out, and their slots come back, at the first
//! kick after the interface is up again. [`Link::withdraw`] makes them harmless: SubDevices then ignore them.
//!
//! Not guaranteed: that a VLAN tag is removed. A tagged frame is lent as it arrived, and the engine ignores it.
//! `slot_mut` and `post` read completions where a slot is `Busy`, so they can report `BadDescriptor` too. What the
//! kernel dropped is counted only when the receive ring may have been full and has been emptied. In zero-copy mode the
//! NIC counts what it drops for want of buffers itself (`ethtool -S`), and `dropped` doesn't include it.

use crate::busy::{self, BusyPoll, BusyPollError, BusyPolling};
use crate::chunks::OwnedBuffer;
use crate::device::Device;
use crate::error::XdpError;
use crate::misdirected::MisdirectedCounters;
use crate::open::{Opened, XdpOptions, XdpReport, open};
use crate::socket::{Socket, Woken, XdpStatistics};
use crate::umem::ToReceive;
use crate::watch::XdpWatch;
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
    /// Slots that the kernel has.
    outstanding: u16,
    /// Frames posted since the last kick.
    unkicked: u64,
    /// The buffer whose frame is lent.
    lent: Option<OwnedBuffer>,
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
    /// Each of [`XdpError`]. Nothing is left behind then.
    pub fn open(options: &XdpOptions) -> Result<Self, XdpError> {
        Self::open_unless(options, &|| false)
    }

    /// The same, but for waits for a carrier or a queue, which end when `stopped` says so.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and [`XdpError::Stopped`].
    pub fn open_unless(options: &XdpOptions, stopped: &dyn Fn() -> bool) -> Result<Self, XdpError> {
        let opened = open(options, stopped)?;
        let mut link = Self {
            opened,
            outstanding: 0,
            unkicked: 0,
            lent: None,
            refilled: false,
            run: 0,
            kernel_drops: 0,
            counters: LinkCounters::default(),
        };
        for buffer in link.opened.umem.take_buffers() {
            link.refill(buffer);
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
        let (held, before) = busy::turn_on(fd, &device, how)?;
        self.opened.socket.polls = true;
        if !(0..busy::PROBES).all(|_| self.probe()) {
            self.opened.socket.polls = false;
            busy::turn_off(fd, before)?;
            drop(held);
            self.send_what_is_left();
            return Err(BusyPollError::NoSending(self.opened.report.queue));
        }
        let knobs_changed = held.changed();
        self.opened.held = Some(held);
        Ok(BusyPolling::On { napi_id, how, knobs_changed })
    }

    /// Sends a frame that nobody acts on, and waits for it. A kernel that learns the NAPI instance from received frames
    /// knows it then. Returns whether the frame was sent; it needn't come back.
    fn probe(&mut self) -> bool {
        let slot = Slot(0);
        let Ok(bytes) = self.slot_mut(slot) else { return false };
        bytes[..busy::PROBE.len()].copy_from_slice(&busy::PROBE);
        let mut returned = self.post(slot, busy::PROBE.len()).is_err() || self.kick().is_err();
        let end = Instant::now() + busy::PROBE_TIMEOUT;
        while Instant::now() < end && !(returned && self.slot_mut(slot).is_ok()) {
            returned |= matches!(self.receive(), Ok(Some(_)));
            std::thread::yield_now();
        }
        self.take_back();
        self.forget_probe(slot)
    }

    /// Clears the slot and the counters after a probe. Returns whether the slot is ours again, so whether it was sent.
    fn forget_probe(&mut self, slot: Slot) -> bool {
        self.counters = LinkCounters::default();
        self.slot_mut(slot).map(|bytes| bytes.fill(0)).is_ok()
    }

    /// Wakes the driver for a frame that was left in the ring, and waits until it is sent.
    fn send_what_is_left(&mut self) {
        let slot = Slot(0);
        let end = Instant::now() + busy::PROBE_TIMEOUT;
        // A fault of the socket is met again by the first frame that matters.
        let _ = self.wake_sender();
        while self.slot_mut(slot).is_err() && Instant::now() < end {
            std::thread::yield_now();
        }
        self.forget_probe(slot);
    }

    /// What was asked for, and the result.
    #[must_use]
    pub const fn report(&self) -> &XdpReport {
        &self.opened.report
    }

    /// The counters of EtherCAT frames that arrive on other queues; `None` when they were taken before.
    #[must_use]
    pub fn take_misdirected(&mut self) -> Option<MisdirectedCounters> {
        self.opened.misdirected.take()
    }

    /// Tells whether our program is still on the interface; `None` when it was taken before.
    #[must_use]
    pub const fn take_watch(&mut self) -> Option<XdpWatch> {
        self.opened.watch.take()
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

    /// Gives a buffer to receive into.
    #[inline]
    fn refill(&mut self, buffer: ToReceive) {
        let Opened { socket, umem, .. } = &mut self.opened;
        // SAFETY: the buffer comes from the UMEM that the socket was opened with; a link has no other.
        let took = unsafe { socket.refill(buffer) };
        // The fill ring has an entry for each buffer, so it is never full. If it were, the buffer would be lost.
        if let Ok(given) = took {
            // SAFETY: as above.
            unsafe { umem.note_given(given) };
            self.refilled = true;
        }
    }

    /// Takes back the slots whose transmission is complete.
    #[inline]
    fn reap(&mut self) -> Result<(), LinkFault> {
        while self.outstanding > 0 {
            let Some(address) = self.socket().completed() else { break };
            self.opened.umem.admit_completed(address)?;
            self.outstanding -= 1;
        }
        Ok(())
    }

    /// Reads completions, if a slot isn't ours yet.
    #[inline]
    fn look_for(&mut self, slot: Slot) -> Result<(), LinkFault> {
        if self.opened.umem.has(slot) { Ok(()) } else { self.reap() }
    }

    /// The next frame to lend; its buffer is in `lent` then. Frames that are too long or too short are dropped.
    #[inline]
    fn next_frame(&mut self) -> Result<Option<FrameDesc>, LinkFault> {
        let mut polled = !self.opened.socket.polls;
        for _ in 0..self.opened.layout.receive {
            let Some(descriptor) = self.take(&mut polled)? else {
                self.ask_for_drops();
                break;
            };
            self.run = self.run.saturating_add(1);
            match self.opened.umem.admit_received(&descriptor) {
                Ok(buffer) => self.lent = Some(buffer),
                Err(fault) => {
                    self.counters.dropped += 1;
                    return Err(fault);
                }
            }
            if (HEADER_LEN..=MAX_FRAME).contains(&descriptor.lengths().data()) {
                return Ok(Some(descriptor));
            }
            self.counters.dropped += 1;
            self.take_back();
        }
        self.wake_receiver()?;
        Ok(None)
    }

    /// The next descriptor of the receive ring. Where the ring is empty and the queue hasn't been `polled` yet, the kernel
    /// first polls the queue. That doesn't block and takes no more frames than the busy poll budget.
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

    /// Asks the kernel what it dropped, if all buffers may have been full. A system call that doesn't block; it is not made
    /// in a cycle whose frames fit.
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
        if let Some(buffer) = self.lent.take() {
            self.receive_into(buffer);
        }
    }

    /// Gives a buffer that was lent to the kernel again.
    fn receive_into(&mut self, buffer: OwnedBuffer) {
        // SAFETY: the buffer comes from the link's only UMEM.
        let buffer = unsafe { self.opened.umem.to_receive(buffer) };
        self.refill(buffer);
    }

    /// Makes the driver look into the fill ring, if it waits for that and there is something new in the ring.
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

    /// Makes the kernel send what is queued, and returns how many frames it dropped. Makes another call only where the
    /// kernel doesn't take everything in one.
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
        self.opened.umem.slot(slot)
    }

    #[inline]
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.look_for(slot)?;
        self.opened.umem.slot_mut(slot)
    }

    #[inline]
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        if !(HEADER_LEN..=MAX_FRAME).contains(&len) {
            return Err(LinkFault::BadLength(len));
        }
        self.look_for(slot)?;
        let Opened { socket, umem, .. } = &mut self.opened;
        let frame = umem.take_to_send(slot, len)?;
        // SAFETY: the frame comes from the UMEM that the socket was opened with; a link has no other.
        match unsafe { socket.post(frame) } {
            Ok(given) => {
                // SAFETY: as above.
                unsafe { umem.note_given(given) };
            }
            Err(frame) => {
                // SAFETY: as above.
                unsafe { umem.put_back(frame) };
                return Err(LinkFault::Full);
            }
        }
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
        let Some(buffer) = &self.lent else { return Ok(None) };
        self.counters.received += 1;
        // SAFETY: next_frame has just had this descriptor admitted for this buffer, by the link's only UMEM.
        Ok(Some(unsafe { self.opened.umem.received(buffer, &descriptor) }))
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// Overwrites a byte of the EtherType of every posted frame that isn't known to be sent. In the copy modes this
    /// reaches every frame that is still in the socket's ring. In zero-copy mode the NIC may have read some frames into its
    /// own memory; those go out as they are.
    fn withdraw(&mut self) {
        // A bad completion is reported by the calls that can report a fault.
        let _ = self.reap();
        self.opened.umem.withdraw();
    }
}

#[cfg(test)]
mod tests;
