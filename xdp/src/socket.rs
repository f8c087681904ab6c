//! An AF_XDP socket bound to a queue: its four rings, and the system calls on it.
//!
//! Guarantees: only chunks that were ours are put into a ring, and from then on they are the kernel's; the types of
//! [`crate::umem`] make sure of it. The rings are unmapped before the socket's descriptor is closed, or the queue would
//! stay taken (xsk-rs deletes the socket with the last of its rings).

use crate::chunks::GivenChunk;
use crate::mode::Mode;
use crate::umem::{ToReceive, ToSend, Umem, UnboundUmem, ring_size, source_of};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use xsk_rs::config::{BindFlags, Interface, LibxdpFlags, SocketConfig};
use xsk_rs::{CompQueue, FillQueue, FrameDesc, RxQueue, TxQueue};
use zerocat_link::LinkFault;

/// Whether the kernel may ask to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wakeup {
    /// The kernel says in the rings when a system call is needed (`XDP_USE_NEED_WAKEUP`).
    #[default]
    WhenNeeded,
    /// Every kick is a system call.
    Always,
}

/// What to bind to and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) interface: &'a str,
    pub(crate) queue: u32,
    pub(crate) mode: Mode,
    pub(crate) wakeup: Wakeup,
    pub(crate) slots: u16,
    pub(crate) receive: u16,
}

/// What came of a system call that wakes the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Done.
    Yes,
    /// The kernel sends a limited number of frames a call, and there are more.
    Partly,
    /// The kernel dropped a frame (carrier gone, queue full), and there may be more to send.
    Dropped,
    /// The kernel is out of buffers; the next call may do.
    Later,
}

/// The four rings of a bound socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) tx: TxQueue,
    pub(crate) rx: RxQueue,
    pub(crate) fill: FillQueue,
    pub(crate) completion: CompQueue,
    fd: RawFd,
    wakeup: Wakeup,
    /// Whether system calls on the socket have the kernel look into the queue; then they are needed.
    pub(crate) polls: bool,
    ring: u32,
}

impl Socket {
    /// Makes the one socket of a UMEM.
    pub(crate) fn bind(umem: UnboundUmem, binding: Binding<'_>) -> io::Result<(Umem, Self)> {
        let Binding { wakeup, slots, receive, .. } = binding;
        let mut flags = if binding.mode == Mode::ZeroCopy { BindFlags::XDP_ZEROCOPY } else { BindFlags::XDP_COPY };
        if wakeup == Wakeup::WhenNeeded {
            flags |= BindFlags::XDP_USE_NEED_WAKEUP;
        }
        let tx_size = ring_size(slots)?;
        let config = SocketConfig::builder()
            .tx_queue_size(tx_size)
            .rx_queue_size(ring_size(receive)?)
            .bind_flags(flags)
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .build();
        let interface: Interface =
            binding.interface.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: the UMEM has no socket yet, as its type says, so it isn't shared.
        let made = unsafe { xsk_rs::Socket::new(config, umem.inner(), &interface, binding.queue) };
        let (tx, rx, rings) = made.map_err(|error| source_of(&error))?;
        let (fill, completion) = rings.ok_or_else(|| io::Error::other("no fill and completion ring"))?;
        let fd = tx.fd().as_raw_fd();
        let socket = Self { tx, rx, fill, completion, fd, wakeup, polls: false, ring: tx_size.get() };
        Ok((umem.bound(), socket))
    }

    pub(crate) const fn fd(&self) -> RawFd {
        self.fd
    }

    /// Whether the kernel reads and writes the UMEM without copying, as it says itself.
    pub(crate) fn is_zero_copy(&self) -> io::Result<bool> {
        let options: libc::xdp_options = self.option(libc::XDP_OPTIONS, libc::xdp_options { flags: 0 })?;
        Ok(options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    fn option<T: SocketOption>(&self, name: libc::c_int, mut value: T) -> io::Result<T> {
        let mut len = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
        // SAFETY: the rings keep the descriptor open; value is a T, which the kernel fills no further than len.
        let result = unsafe { libc::getsockopt(self.fd, libc::SOL_XDP, name, (&raw mut value).cast(), &raw mut len) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    /// What the kernel counted on this socket.
    pub(crate) fn statistics(&self) -> io::Result<XdpStatistics> {
        let counted = self.tx.fd().xdp_statistics()?;
        Ok(XdpStatistics {
            rx_dropped: counted.rx_dropped(),
            rx_invalid_descriptors: counted.rx_invalid_descs(),
            tx_invalid_descriptors: counted.tx_invalid_descs(),
            rx_ring_full: counted.rx_ring_full(),
            fill_ring_empty: counted.rx_fill_ring_empty_descs(),
            tx_ring_empty: counted.tx_ring_empty_descs(),
        })
    }

    /// Queues a frame to send, and gives it back where the ring is full.
    ///
    /// # Safety
    /// It comes from the socket's own UMEM.
    #[inline]
    pub(crate) unsafe fn post(&mut self, frame: ToSend) -> Result<GivenChunk, ToSend> {
        // SAFETY: the caller says whose it is; the slot is ours, as its type says, and moves with this call.
        let took = unsafe { self.post_again(frame.descriptor()) };
        if took { Ok(frame.given()) } else { Err(frame) }
    }

    /// Queues a frame by its descriptor; false where the ring is full.
    ///
    /// # Safety
    /// The descriptor is of the socket's own UMEM, and until its completion this process doesn't write its chunk.
    #[inline]
    pub(crate) unsafe fn post_again(&mut self, descriptor: &FrameDesc) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.tx.produce_one(descriptor) == 1 }
    }

    /// Gives a buffer to receive into, and gives it back where the ring is full.
    ///
    /// # Safety
    /// It comes from the socket's own UMEM.
    #[inline]
    pub(crate) unsafe fn refill(&mut self, buffer: ToReceive) -> Result<GivenChunk, ToReceive> {
        // SAFETY: the caller says whose it is; the buffer is ours, as its type says, and moves with this call.
        let took = unsafe { self.refill_again(buffer.descriptor()) };
        if took { Ok(buffer.given()) } else { Err(buffer) }
    }

    /// Gives a buffer to receive into by its descriptor; false where the ring is full.
    ///
    /// # Safety
    /// The descriptor is of the socket's own UMEM, and until the kernel returns its chunk this process doesn't use it.
    #[inline]
    pub(crate) unsafe fn refill_again(&mut self, descriptor: &FrameDesc) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.fill.produce_one(descriptor) == 1 }
    }

    /// The next descriptor of the receive ring, not admitted yet.
    #[inline]
    pub(crate) fn received(&mut self) -> Option<FrameDesc> {
        let mut descriptor = FrameDesc::default();
        // SAFETY: the ring belongs to the socket's own UMEM; the descriptor is read from it, and used by nobody before
        // it is admitted.
        let got = unsafe { self.rx.consume_one(&mut descriptor) };
        (got == 1).then_some(descriptor)
    }

    /// The address of the next completion, not admitted yet.
    #[inline]
    pub(crate) fn completed(&mut self) -> Option<usize> {
        let mut descriptor = FrameDesc::default();
        // SAFETY: as for received.
        let got = unsafe { self.completion.consume_one(&mut descriptor) };
        (got == 1).then(|| descriptor.addr())
    }

    /// Number of queued frames that the kernel has not taken.
    #[inline]
    pub(crate) fn unsent(&mut self) -> u32 {
        self.ring.saturating_sub(self.tx.nb_free_exact())
    }

    /// Whether a system call is needed to have queued frames sent.
    #[inline]
    pub(crate) fn needs_send(&self) -> bool {
        self.wakeup == Wakeup::Always || self.polls || self.tx.needs_wakeup()
    }

    /// Whether a system call is needed to have the driver look into the fill ring.
    #[inline]
    pub(crate) fn needs_refill(&self) -> bool {
        self.wakeup == Wakeup::WhenNeeded && self.fill.needs_wakeup()
    }

    /// Has the kernel send what is queued.
    #[inline]
    pub(crate) fn send(&self) -> Result<Woken, LinkFault> {
        // SAFETY: the rings keep the descriptor open; there are no bytes and no address.
        let result = unsafe { libc::sendto(self.fd, std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0) };
        if result >= 0 { Ok(Woken::Yes) } else { judge(last_errno()) }
    }

    /// Has the driver take new chunks from the fill ring; where it is polled, has the kernel look into the queue.
    #[inline]
    pub(crate) fn wake_receiver(&self) -> Result<Woken, LinkFault> {
        let (bytes, address, len) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the rings keep the descriptor open; there are no bytes and no address.
        let result = unsafe { libc::recvfrom(self.fd, bytes, 0, libc::MSG_DONTWAIT, address, len) };
        if result >= 0 { Ok(Woken::Yes) } else { judge(last_errno()) }
    }
}

/// What the kernel counted on a socket since it was bound (`XDP_STATISTICS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XdpStatistics {
    /// Frames dropped for other reasons than those below.
    pub rx_dropped: u64,
    /// Frames dropped because a chunk in the fill ring was not valid.
    pub rx_invalid_descriptors: u64,
    /// Descriptors in the transmit ring that were not valid.
    pub tx_invalid_descriptors: u64,
    /// Frames dropped because the receive ring was full.
    pub rx_ring_full: u64,
    /// Times that the fill ring had no chunk.
    pub fill_ring_empty: u64,
    /// Times that the transmit ring had no frame.
    pub tx_ring_empty: u64,
}

/// Plain data that a socket option of `SOL_XDP` fills.
///
/// # Safety
/// Every bit pattern is a value.
unsafe trait SocketOption {}

// SAFETY: one u32.
unsafe impl SocketOption for libc::xdp_options {}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// In copy mode (`net/xdp/xsk.c`, `__xsk_generic_xmit`) EAGAIN means that 32 frames were sent and there are more, or that
/// no buffer could be had; EBUSY that one frame was taken and dropped; ENOBUFS that there is no memory. What wasn't
/// taken stays queued for the next call.
fn judge(errno: i32) -> Result<Woken, LinkFault> {
    match errno {
        libc::EAGAIN => Ok(Woken::Partly),
        libc::EBUSY => Ok(Woken::Dropped),
        libc::ENOBUFS | libc::EINTR => Ok(Woken::Later),
        libc::ENETDOWN => Err(LinkFault::Down),
        errno => Err(LinkFault::Os(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_kernel_is_no_fault() {
        assert_eq!(judge(libc::EAGAIN), Ok(Woken::Partly));
        assert_eq!(judge(libc::EBUSY), Ok(Woken::Dropped));
        assert_eq!(judge(libc::ENOBUFS), Ok(Woken::Later));
    }

    #[test]
    fn a_network_that_is_down_and_a_device_that_is_gone_are_faults() {
        assert_eq!(judge(libc::ENETDOWN), Err(LinkFault::Down));
        assert_eq!(judge(libc::ENXIO), Err(LinkFault::Os(libc::ENXIO)));
    }
}
