//! The raw socket under `PacketLink` and [`crate::watch::InterfaceWatch`]: set-up and the system calls of a cycle.
//!
//! Guarantees: only EtherType 0x88A4 of one interface arrives; no call waits; no call of a cycle allocates.
//! Constants and structures are those of `linux/if_packet.h` and packet(7), as the `libc` crate has them.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, c_void, iovec, mmsghdr, sockaddr_ll, socklen_t};

use crate::MAX_FRAME;

/// EtherType of EtherCAT.
const ETHERTYPE: u16 = 0x88A4;
/// Frames of one `sendmmsg` or `recvmmsg`.
pub(crate) const BATCH: usize = 16;
/// Socket memory that is requested for each frame. The kernel doubles it, to 8,192: more than any driver charges for
/// one.
const MEMORY_PER_FRAME: u32 = 4096;

/// Room for one received frame.
pub(crate) type Buffer = [u8; MAX_FRAME];

/// What the kernel says about a received frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Length on the wire, which may be more than a buffer holds.
    pub(crate) len: usize,
    /// The frame is one that this host sent.
    pub(crate) outgoing: bool,
    /// When it came, since 1970 by the wall clock, where that was asked for.
    pub(crate) at: Option<Duration>,
}

/// A non-blocking AF_PACKET socket.
#[derive(Debug)]
pub(crate) struct RawSocket(OwnedFd);

impl RawSocket {
    /// Opens a socket at which nothing arrives before [`RawSocket::bind`].
    pub(crate) fn open() -> Result<Self, c_int> {
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: socket takes no pointers.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: the kernel gave us this descriptor just now and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Bypasses the queueing discipline: no queue, no lock, and no copy for packet taps of this host.
    pub(crate) fn bypass_qdisc(&self) -> Result<(), c_int> {
        self.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)
    }

    /// Asks not to be shown what this host sends. Kernels before 4.20 can't do this; [`Arrival::outgoing`] works
    /// there too.
    pub(crate) fn ignore_outgoing(&self) -> Result<(), c_int> {
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)
    }

    /// Asks when frames come: [`RawSocket::receive_many`] says it.
    pub(crate) fn stamp_arrivals(&self) -> Result<(), c_int> {
        self.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
    }

    /// Asks for memory for this many frames to send and to receive. Without CAP_NET_ADMIN the kernel limits it to
    /// `net.core.[rw]mem_max`.
    pub(crate) fn size(&self, send: u16, receive: u16) -> Result<(), c_int> {
        let memory = |frames: u16| c_int::try_from(u32::from(frames.max(1)) * MEMORY_PER_FRAME).unwrap_or(c_int::MAX);
        self.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, memory(send))
            .or_else(|_| self.set(libc::SOL_SOCKET, libc::SO_SNDBUF, memory(send)))?;
        self.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, memory(receive))
            .or_else(|_| self.set(libc::SOL_SOCKET, libc::SO_RCVBUF, memory(receive)))
    }

    /// Binds to EtherCAT frames of one interface.
    pub(crate) fn bind(&self, index: c_int) -> Result<(), c_int> {
        self.bind_to(index, ETHERTYPE)
    }

    /// Binds to an interface and to none of its frames.
    pub(crate) fn bind_deaf(&self, index: c_int) -> Result<(), c_int> {
        self.bind_to(index, 0)
    }

    fn bind_to(&self, index: c_int, protocol: u16) -> Result<(), c_int> {
        let mut address = no_address();
        address.sll_family = AF_PACKET;
        address.sll_protocol = protocol.to_be();
        address.sll_ifindex = index;
        // SAFETY: address is a sockaddr_ll that outlives the call, and ADDRESS_LEN is its size.
        check(unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), ADDRESS_LEN) }).map(drop)
    }

    /// Type of the bound interface's hardware, as `ARPHRD_*` of `linux/if_arp.h`.
    pub(crate) fn hardware_type(&self) -> Result<u16, c_int> {
        self.address().map(|address| address.sll_hatype)
    }

    /// Whether the kernel has taken the socket off its interface: it does so when the interface leaves the network
    /// namespace, and shows no index from then on (`packet_notifier` in `net/packet/af_packet.c`).
    pub(crate) fn is_unbound(&self) -> bool {
        self.address().is_ok_and(|address| address.sll_ifindex <= 0)
    }

    /// What the socket is bound to.
    fn address(&self) -> Result<sockaddr_ll, c_int> {
        let mut address = no_address();
        let mut len = ADDRESS_LEN;
        // SAFETY: address and len outlive the call, and len holds the size of address.
        check(unsafe { libc::getsockname(self.0.as_raw_fd(), (&raw mut address).cast(), &raw mut len) })?;
        Ok(address)
    }

    /// `IFF_*` flags of an interface, as netdevice(7) has them.
    pub(crate) fn flags(&self, name: &[libc::c_char; libc::IFNAMSIZ]) -> Result<c_int, c_int> {
        // SAFETY: all bytes zero is a valid ifreq.
        let mut request: libc::ifreq = unsafe { zeroed() };
        request.ifr_name = *name;
        // SAFETY: SIOCGIFFLAGS reads ifr_name and writes ifru_flags of the ifreq, which outlives the call.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) })?;
        // SAFETY: SIOCGIFFLAGS succeeded, so flags is the field that was written.
        Ok(c_int::from(unsafe { request.ifr_ifru.ifru_flags }))
    }

    /// Sends one frame.
    pub(crate) fn send(&self, frame: &[u8]) -> Result<(), c_int> {
        // SAFETY: frame is valid for reads of its length during the call.
        let sent =
            unsafe { libc::send(self.0.as_raw_fd(), frame.as_ptr().cast::<c_void>(), frame.len(), libc::MSG_DONTWAIT) };
        if sent < 0 { Err(errno()) } else { Ok(()) }
    }

    /// Sends up to [`BATCH`] frames and says how many the kernel took; an error is about the first.
    pub(crate) fn send_many(&self, frames: &[&[u8]]) -> Result<usize, c_int> {
        let mut vectors = [NO_VECTOR; BATCH];
        for (vector, frame) in vectors.iter_mut().zip(frames) {
            *vector = iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        }
        let mut messages = no_messages();
        for (message, vector) in messages.iter_mut().zip(&mut vectors) {
            message.msg_hdr.msg_iov = vector;
            message.msg_hdr.msg_iovlen = 1;
        }
        let count = u32::try_from(frames.len().min(BATCH)).unwrap_or(0);
        // SAFETY: the first `count` messages each name one vector over a frame, and all of them outlive the call. The
        // kernel only reads what the vectors of a send name.
        let sent = unsafe { libc::sendmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT) };
        usize::try_from(check(sent)?).map_err(|_| libc::EIO)
    }

    /// Receives one frame, if one has arrived.
    pub(crate) fn receive(&self, buffer: &mut Buffer) -> Result<Option<Arrival>, c_int> {
        let mut address = no_address();
        let mut address_len = ADDRESS_LEN;
        // SAFETY: buffer, address and address_len are valid for writes of the sizes given, during the call.
        let got = unsafe {
            libc::recvfrom(
                self.0.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT | libc::MSG_TRUNC,
                (&raw mut address).cast(),
                &raw mut address_len,
            )
        };
        match usize::try_from(got) {
            Ok(len) => Ok(Some(Arrival { len, outgoing: is_outgoing(&address), at: None })),
            Err(_) => none_or(errno()).map(|()| None),
        }
    }

    /// Receives as many frames as have arrived and fit, up to [`BATCH`]. Returns how many.
    pub(crate) fn receive_many(&self, buffers: &mut [Buffer], arrivals: &mut [Arrival]) -> Result<usize, c_int> {
        let room = buffers.len().min(arrivals.len()).min(BATCH);
        let mut addresses = [no_address(); BATCH];
        let mut vectors = [NO_VECTOR; BATCH];
        for (vector, buffer) in vectors.iter_mut().zip(&mut *buffers) {
            *vector = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        }
        let mut messages = no_messages();
        let mut notes = [[0u64; NOTE]; BATCH];
        for (((message, vector), address), notes) in
            messages.iter_mut().zip(&mut vectors).zip(&mut addresses).zip(&mut notes)
        {
            message.msg_hdr.msg_name = (&raw mut *address).cast();
            message.msg_hdr.msg_namelen = ADDRESS_LEN;
            message.msg_hdr.msg_iov = vector;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = notes.as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = size_of::<[u64; NOTE]>();
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        let count = u32::try_from(room).unwrap_or(0);
        // SAFETY: the first `count` messages each name an address, one vector over a buffer and room for notes, all valid for
        // writes of the sizes given during the call; no timeout is given.
        let got =
            unsafe { libc::recvmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), count, flags, std::ptr::null_mut()) };
        let Ok(got) = usize::try_from(got) else { return none_or(errno()).map(|()| 0) };
        for (((arrival, message), address), notes) in
            arrivals.iter_mut().zip(&messages).zip(&addresses).zip(&notes).take(got)
        {
            let len = usize::try_from(message.msg_len).unwrap_or(usize::MAX);
            *arrival =
                Arrival { len, outgoing: is_outgoing(address), at: stamp(notes, message.msg_hdr.msg_controllen) };
        }
        Ok(got.min(room))
    }

    /// The socket, to wait for.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Frames that found the socket's memory full since this was last asked.
    pub(crate) fn take_drops(&self) -> Result<u32, c_int> {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = socklen::<libc::tpacket_stats>();
        // SAFETY: statistics and len outlive the call, and len holds the size of statistics.
        check(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut len,
            )
        })?;
        Ok(statistics.tp_drops)
    }

    fn set(&self, level: c_int, option: c_int, value: c_int) -> Result<(), c_int> {
        // SAFETY: value is a c_int that outlives the call, and the length is its size.
        check(unsafe {
            libc::setsockopt(self.0.as_raw_fd(), level, option, (&raw const value).cast(), socklen::<c_int>())
        })
        .map(drop)
    }
}

/// Words of 64 bits that the kernel writes beside a frame with a stamp: length, level and type of the note, then a `timespec`
/// (cmsg(3), socket(7)).
const NOTE: usize = 4;

/// The stamp in what the kernel wrote beside a frame, of which `len` bytes count. It has no other notes to write.
fn stamp(notes: &[u64; NOTE], len: usize) -> Option<Duration> {
    let [_, kind, seconds, nanoseconds] = *notes;
    let [l0, l1, l2, l3, t0, t1, t2, t3] = kind.to_ne_bytes();
    let (level, kind) = (c_int::from_ne_bytes([l0, l1, l2, l3]), c_int::from_ne_bytes([t0, t1, t2, t3]));
    let stamped = len >= size_of::<[u64; NOTE]>() && (level, kind) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS);
    let nanoseconds = u32::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds < 1_000_000_000)?;
    stamped.then(|| Duration::new(seconds, nanoseconds))
}

const ADDRESS_LEN: socklen_t = socklen::<sockaddr_ll>();
const NO_VECTOR: iovec = iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "AF_PACKET is 17")]
const AF_PACKET: u16 = libc::AF_PACKET as u16;

#[allow(clippy::cast_possible_truncation, reason = "used for structures of less than 4 GiB")]
const fn socklen<T>() -> socklen_t {
    size_of::<T>() as socklen_t
}

fn no_address() -> sockaddr_ll {
    sockaddr_ll {
        sll_family: 0,
        sll_protocol: 0,
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

fn no_messages() -> [mmsghdr; BATCH] {
    // SAFETY: all bytes zero is a valid mmsghdr: null pointers and zero lengths.
    unsafe { zeroed() }
}

const fn is_outgoing(address: &sockaddr_ll) -> bool {
    address.sll_pkttype == libc::PACKET_OUTGOING
}

/// What a failed receive means: nothing there, or an error.
fn none_or(error: c_int) -> Result<(), c_int> {
    if error == libc::EAGAIN { Ok(()) } else { Err(error) }
}

fn check(result: c_int) -> Result<c_int, c_int> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}
