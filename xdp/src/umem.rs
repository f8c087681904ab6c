//! The memory that we share with the kernel.
//!
//! It is mapped and touched when it is made, and the kernel pins it, so no access causes a page fault later. The table
//! in [`crate::chunks`] decides what may be read and written. There is one exception: to withdraw a frame, one byte of
//! it is overwritten while the kernel has it. A chunk is 256 bytes of headroom for XDP programs, followed by the frame.

use crate::chunks::{Chunks, Claim, Completed, GivenChunk, Layout, OwnedBuffer, OwnedSlot};
use crate::error::XdpError;
use std::error::Error;
use std::io;
use std::num::NonZeroU32;
use xsk_rs::FrameDesc;
use xsk_rs::config::{FrameSize, QueueSize, UmemConfig};
use zerocat_link::{LinkFault, MAX_FRAME, MIN_FRAME, Slot};
use zerocat_sched::memory::lock_limit;

/// `XDP_PACKET_HEADROOM` of `include/uapi/linux/bpf.h`: bytes in front of a frame.
pub(crate) const HEADROOM: u32 = 256;
const HUGE_PAGE: u32 = 2 << 20;

/// Bytes of a chunk of the UMEM. Each holds one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChunkSize {
    /// 2,048 bytes, of which 1,792 are for the frame. Drivers whose receive buffers come in steps of 1 KiB may cut
    /// frames of more than 1,024 bytes in zero-copy mode.
    Bytes2048,
    /// 4,096 bytes, a page.
    #[default]
    Bytes4096,
}

impl ChunkSize {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Bytes2048 => 2048,
            Self::Bytes4096 => 4096,
        }
    }
}

/// Which pages the UMEM is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// As the kernel chooses; transparent huge pages where `/sys/kernel/mm/transparent_hugepage/shmem_enabled` is
    /// `always`.
    #[default]
    Ordinary,
    /// Reserved huge pages of 2 MiB (`vm.nr_hugepages`), rounded up to whole ones; opening fails where none are free.
    Huge,
}

/// Where the low byte of a frame's EtherType stands (IEEE 802.3, 3.2.6).
const ETHERTYPE_LOW: usize = 13;
/// What a withdrawn frame has there. It turns 0x88A4, EtherCAT, into 0x88B5, an EtherType for local experiments (IEEE 802,
/// 9.2.3), and no other EtherType into EtherCAT's. An ESC destroys such a frame or passes it on unread, depending on the
/// forwarding rule in its DL control register (0x0100, bit 0); it never processes it.
const WITHDRAWN: u8 = 0xb5;

/// The UMEM, one descriptor for each chunk in use with its length set to [`MAX_FRAME`], and who has which.
#[derive(Debug)]
pub(crate) struct Umem {
    umem: xsk_rs::Umem,
    descriptors: Box<[FrameDesc]>,
    chunks: Chunks,
}

/// A UMEM that no socket has been made with.
#[derive(Debug)]
pub(crate) struct UnboundUmem(Umem);

/// A slot that is ours, with a descriptor of what to send of it.
#[derive(Debug)]
#[must_use = "a slot that is dropped is lost for good"]
pub(crate) struct ToSend {
    slot: OwnedSlot,
    descriptor: FrameDesc,
}

/// A receive buffer that is ours, with its descriptor.
#[derive(Debug)]
#[must_use = "a buffer that is dropped is lost for good"]
pub(crate) struct ToReceive {
    buffer: OwnedBuffer,
    descriptor: FrameDesc,
}

impl ToSend {
    pub(crate) const fn descriptor(&self) -> &FrameDesc {
        &self.descriptor
    }

    /// A ring of the kernel has taken it.
    pub(crate) const fn given(self) -> GivenChunk {
        self.slot.given()
    }
}

impl ToReceive {
    pub(crate) const fn descriptor(&self) -> &FrameDesc {
        &self.descriptor
    }

    /// A ring of the kernel has taken it.
    pub(crate) const fn given(self) -> GivenChunk {
        self.buffer.given()
    }
}

/// Entries of a ring that never runs full.
pub(crate) fn ring_size(entries: u16) -> Result<QueueSize, io::Error> {
    QueueSize::new(u32::from(entries).next_power_of_two()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl UnboundUmem {
    pub(crate) fn new(layout: Layout, pages: Pages) -> Result<Self, XdpError> {
        let Layout { chunk_size, .. } = layout;
        let total = match pages {
            Pages::Ordinary => layout.chunks(),
            Pages::Huge => layout.chunks().next_multiple_of(HUGE_PAGE / chunk_size),
        };
        let failed = |source: io::Error| umem_error(chunk_size, total, pages, source);
        let config = config(layout).map_err(failed)?;
        let count = NonZeroU32::new(total).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let (umem, mut descriptors) =
            xsk_rs::Umem::new(config, count, pages == Pages::Huge).map_err(|error| failed(source_of(&error)))?;
        descriptors.truncate(layout.chunks() as usize);
        let mut made = Self(Umem { umem, descriptors: descriptors.into(), chunks: Chunks::new(layout) });
        made.touch();
        Ok(made)
    }

    /// Zeroes every frame and sets its descriptor's length, so that the pages are there and a descriptor names a whole
    /// frame.
    fn touch(&mut self) {
        let Umem { umem, descriptors, .. } = &mut self.0;
        for descriptor in descriptors {
            // SAFETY: the descriptor came from this UMEM. No socket has been made with it, as its type says, so the kernel
            // uses none of its chunks.
            let mut data = unsafe { umem.data_mut(descriptor) };
            let mut cursor = data.cursor();
            cursor.zero_out();
            cursor.set_pos(MAX_FRAME);
        }
    }

    pub(crate) const fn inner(&self) -> &xsk_rs::Umem {
        &self.0.umem
    }

    /// A socket has been made with it.
    pub(crate) fn bound(self) -> Umem {
        self.0
    }
}

impl Umem {
    /// The bytes of a transmit slot, whoever has it.
    #[inline]
    pub(crate) fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        let slot = self.chunks.slot(slot)?;
        // SAFETY: the descriptor is this UMEM's and MAX_FRAME long, which a chunk holds; the kernel only reads the
        // chunks of transmit slots, and we write them through &mut self only.
        Ok(unsafe { self.umem.data(&self.descriptors[slot.index()]) }.contents())
    }

    /// The bytes of a transmit slot that is ours.
    #[inline]
    pub(crate) fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        let slot = self.chunks.borrow_slot(slot)?;
        let descriptor = &mut self.descriptors[slot.index()];
        // SAFETY: the descriptor is this UMEM's; the slot is ours, as its type says, so the kernel doesn't read it, and
        // &mut self excludes every other access of ours.
        let mut data = unsafe { self.umem.data_mut(descriptor) };
        let bytes: *mut [u8] = data.contents_mut();
        // SAFETY: the bytes lie in the UMEM's mapping, which lives as long as self, and the result borrows &mut self.
        Ok(unsafe { &mut *bytes })
    }

    /// Whether a transmit slot is ours.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.chunks.has(slot)
    }

    /// Takes a slot that is ours to send its first `len` bytes, padded with zeros to [`MIN_FRAME`].
    #[inline]
    pub(crate) fn take_to_send(&mut self, slot: Slot, len: usize) -> Result<ToSend, LinkFault> {
        if len < MIN_FRAME
            && let Some(padding) = self.slot_mut(slot)?.get_mut(len..MIN_FRAME)
        {
            padding.fill(0);
        }
        let slot = self.chunks.take_slot(slot)?;
        let mut descriptor = self.descriptors[slot.index()];
        // SAFETY: the descriptor is this UMEM's, and the slot is ours, as its type says.
        let mut data = unsafe { self.umem.data_mut(&mut descriptor) };
        data.cursor().set_pos(len.max(MIN_FRAME));
        Ok(ToSend { slot, descriptor })
    }

    /// Takes a slot back that no ring took.
    ///
    /// # Safety
    /// It comes from this UMEM.
    #[inline]
    pub(crate) unsafe fn put_back(&mut self, frame: ToSend) {
        self.chunks.put_back(frame.slot);
    }

    /// Notes that the kernel has a chunk now.
    ///
    /// # Safety
    /// It comes from this UMEM.
    #[inline]
    pub(crate) unsafe fn note_given(&mut self, chunk: GivenChunk) {
        self.chunks.note_given(chunk);
    }

    /// All receive buffers that were never given to the kernel.
    pub(crate) fn take_buffers(&mut self) -> Vec<ToReceive> {
        let buffers = self.chunks.take_buffers();
        buffers.into_iter().map(|buffer| ToReceive { descriptor: self.descriptors[buffer.index()], buffer }).collect()
    }

    /// Admits a descriptor of the receive ring. The buffer that it names is ours then.
    #[inline]
    pub(crate) fn admit_received(&mut self, descriptor: &FrameDesc) -> Result<OwnedBuffer, LinkFault> {
        self.chunks.admit_received(claim(descriptor))
    }

    /// The bytes of a received frame.
    ///
    /// # Safety
    /// This UMEM admitted the descriptor, and gave this buffer for it.
    #[inline]
    pub(crate) unsafe fn received(&self, _buffer: &OwnedBuffer, descriptor: &FrameDesc) -> &[u8] {
        // SAFETY: Chunks::admit_received found the descriptor to lie within the buffer, as the caller says; and the kernel
        // doesn't write a buffer that is ours, as its type says.
        unsafe { self.umem.data(descriptor) }.contents()
    }

    /// A buffer with its descriptor, to receive into again.
    ///
    /// # Safety
    /// It comes from this UMEM.
    #[inline]
    pub(crate) unsafe fn to_receive(&self, buffer: OwnedBuffer) -> ToReceive {
        ToReceive { descriptor: self.descriptors[buffer.index()], buffer }
    }

    /// Admits a completion. A slot whose frame had been withdrawn gets its byte back.
    #[inline]
    pub(crate) fn admit_completed(&mut self, address: usize) -> Result<(), LinkFault> {
        let Completed { slot, overwritten } = self.chunks.admit_completed(address)?;
        if let Some(byte) = overwritten {
            self.slot_mut(slot)?[ETHERTYPE_LOW] = byte;
        }
        Ok(())
    }

    /// Makes the frames of all slots that the kernel has into frames that aren't EtherCAT.
    pub(crate) fn withdraw(&mut self) {
        let Self { umem, descriptors, chunks } = self;
        chunks.withdraw(|index| overwrite(umem, &mut descriptors[index]));
    }
}

/// Overwrites one byte of a frame that the kernel has, and returns what it was.
///
/// A single byte changes, so whoever reads the frame meanwhile, on another CPU or by DMA, sees the old EtherType or the new
/// one, and never a third.
fn overwrite(umem: &xsk_rs::Umem, slot: &mut FrameDesc) -> u8 {
    // SAFETY: the descriptor is the UMEM's and MAX_FRAME long. The kernel has the chunk and may read it, so nothing is read
    // or written through this reference; it only gives the address.
    let mut data = unsafe { umem.data_mut(slot) };
    let byte = &raw mut data.contents_mut()[ETHERTYPE_LOW];
    // SAFETY: the byte is in the UMEM's mapping, and the kernel never writes the chunk of a transmit slot.
    let before = unsafe { byte.read_volatile() };
    // SAFETY: as above. The caller has &mut of the UMEM, so nobody else in this process uses the byte; the kernel and the
    // NIC only read it, outside of what Rust sees, and a volatile store is not left out.
    unsafe { byte.write_volatile(WITHDRAWN) };
    before
}

/// What a descriptor of the receive ring says.
#[inline]
fn claim(descriptor: &FrameDesc) -> Claim {
    Claim { address: descriptor.addr(), len: descriptor.lengths().data(), options: descriptor.options() }
}

fn config(layout: Layout) -> Result<UmemConfig, io::Error> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    UmemConfig::builder()
        .frame_size(FrameSize::new(layout.chunk_size).map_err(|_| invalid())?)
        .fill_queue_size(ring_size(layout.receive)?)
        .comp_queue_size(ring_size(layout.slots)?)
        .build()
        .map_err(|_| invalid())
}

fn umem_error(chunk_size: u32, chunks: u32, pages: Pages, source: io::Error) -> XdpError {
    let bytes = u64::from(chunks) * u64::from(chunk_size);
    let limit = lock_limit();
    match (source.raw_os_error(), pages, limit) {
        (Some(libc::ENOBUFS | libc::EAGAIN | libc::EPERM), _, Some(limit)) => XdpError::MemoryLock { bytes, limit },
        (Some(libc::ENOMEM), Pages::Huge, _) => {
            XdpError::HugePages { pages: bytes.div_ceil(u64::from(HUGE_PAGE)).try_into().unwrap_or(u32::MAX), source }
        }
        _ => XdpError::Umem { chunks, chunk_size, source },
    }
}

/// The operating system's error under one of xsk-rs's, which keep it as their source.
pub(crate) fn source_of(error: &(dyn Error + 'static)) -> io::Error {
    let os = error.source().and_then(|source| source.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    os.map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error)
}
