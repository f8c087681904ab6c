//! The memory that we share with the kernel.
//!
//! It is mapped and touched when it is made, and the kernel pins it, so no access faults a page later. Only chunks
//! admitted by [`crate::chunks`] are read or written. The layout of a chunk is 256 bytes of headroom for XDP programs,
//! then the frame.

use crate::chunks::{Chunk, Claim, Layout};
use crate::error::XdpError;
use crate::privilege::{Capabilities, memlock_limit};
use std::error::Error;
use std::io;
use std::num::NonZeroU32;
use xsk_rs::FrameDesc;
use xsk_rs::config::{FrameSize, QueueSize, UmemConfig};
use zerocat_link::{MAX_FRAME, MIN_FRAME};

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

/// The UMEM and one descriptor for each chunk in use, with its length set to [`MAX_FRAME`].
#[derive(Debug)]
pub(crate) struct Umem {
    umem: xsk_rs::Umem,
    descriptors: Box<[FrameDesc]>,
}

/// Entries of a ring that never runs full.
pub(crate) fn ring_size(entries: u16) -> Result<QueueSize, io::Error> {
    QueueSize::new(u32::from(entries).next_power_of_two()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl Umem {
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
        let mut made = Self { umem, descriptors: descriptors.into() };
        made.touch();
        Ok(made)
    }

    /// Zeroes every frame and sets its descriptor's length, so that the pages are there and a descriptor names a whole
    /// frame.
    fn touch(&mut self) {
        for descriptor in &mut self.descriptors {
            // SAFETY: the descriptor came from this UMEM, and no socket has been made with it, so the kernel uses
            // none of its chunks.
            let mut data = unsafe { self.umem.data_mut(descriptor) };
            let mut cursor = data.cursor();
            cursor.zero_out();
            cursor.set_pos(MAX_FRAME);
        }
    }

    pub(crate) const fn inner(&self) -> &xsk_rs::Umem {
        &self.umem
    }

    /// The descriptor of a chunk, to give to a ring; its length is [`MAX_FRAME`].
    #[inline]
    pub(crate) fn descriptor(&self, chunk: Chunk) -> FrameDesc {
        self.descriptors[chunk.index()]
    }

    /// The bytes of a transmit slot.
    #[inline]
    pub(crate) fn slot(&self, chunk: Chunk) -> &[u8] {
        // SAFETY: the descriptor is this UMEM's and MAX_FRAME long, which a chunk holds; the kernel only reads the
        // chunks of transmit slots, and we write them through &mut self only.
        unsafe { self.umem.data(&self.descriptors[chunk.index()]) }.contents()
    }

    /// The bytes of a transmit slot that is ours.
    #[inline]
    pub(crate) fn slot_mut(&mut self, chunk: Chunk) -> &mut [u8] {
        let descriptor = &mut self.descriptors[chunk.index()];
        // SAFETY: the descriptor is this UMEM's; the caller has admitted the chunk as ours, so the kernel doesn't read
        // it, and &mut self excludes every other access of ours.
        let mut data = unsafe { self.umem.data_mut(descriptor) };
        let bytes: *mut [u8] = data.contents_mut();
        // SAFETY: the bytes lie in the UMEM's mapping, which lives as long as self, and the result borrows &mut self.
        unsafe { &mut *bytes }
    }

    /// The first `len` bytes of a slot that is ours as a descriptor to send, padded with zeros to [`MIN_FRAME`].
    #[inline]
    pub(crate) fn prepare(&mut self, chunk: Chunk, len: usize) -> FrameDesc {
        if len < MIN_FRAME
            && let Some(padding) = self.slot_mut(chunk).get_mut(len..MIN_FRAME)
        {
            padding.fill(0);
        }
        let mut descriptor = self.descriptors[chunk.index()];
        // SAFETY: the descriptor is this UMEM's, and the chunk is ours as for slot_mut.
        let mut data = unsafe { self.umem.data_mut(&mut descriptor) };
        data.cursor().set_pos(len.max(MIN_FRAME));
        descriptor
    }

    /// The bytes of a received frame. `claim` must have been admitted, and its chunk not given back since.
    #[inline]
    pub(crate) fn received(&self, descriptor: &FrameDesc) -> &[u8] {
        // SAFETY: Chunks::admit_received found the descriptor to lie within one chunk of this UMEM, and the kernel
        // doesn't write a chunk that it gave until it is put in the fill ring again, which takes &mut of the link.
        unsafe { self.umem.data(descriptor) }.contents()
    }
}

/// What a descriptor of the receive ring says.
#[inline]
pub(crate) fn claim(descriptor: &FrameDesc) -> Claim {
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
    let limit = memlock_limit().filter(|_| !Capabilities::of_this_thread().locks_without_limit());
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
