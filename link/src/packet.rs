//! A link over an AF_PACKET socket. It works on every Linux interface, and each frame goes through the kernel's network
//! stack.
//!
//! Sent frames bypass the queueing discipline, so packet taps on this host (tcpdump) don't see them; use
//! [`crate::tap::Tap`]. The link tells its own frames from others by the kernel's packet type, never by an address.
//!
//! Guarantees: only frames with EtherType 0x88A4 are received, VLAN-tagged ones too, whose tag the kernel has removed;
//! no call waits; nothing is allocated after [`PacketLink::open`]; frames that found no room, were longer than 1,514
//! bytes or were our own count as dropped. Not guaranteed: any bound on the time that a call spends in the kernel.
//!
//! The interface need not be promiscuous: EtherCAT frames go to the broadcast address and come back to it.

use std::ffi::CString;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

use crate::descriptors::{self, TooManyFiles};
use crate::slots::Slots;
use crate::waiting::{Awaited, wait_for_any};
use crate::watch::InterfaceWatch;
use crate::{Link, LinkCounters, LinkFault, MAX_FRAME, Sizing};

pub mod floor;

use crate::socket::{Arrival, BATCH, Buffer, RawSocket};

/// File descriptors that opening a link needs.
const DESCRIPTORS: usize = 2;

/// Why a [`PacketLink`] could not be opened.
#[derive(Debug)]
pub enum PacketError {
    /// The host has no interface of that name.
    NoSuchInterface {
        /// Name that was asked for.
        interface: String,
        /// Names that exist in this network namespace, separated by commas.
        existing: String,
    },
    /// The process may not open raw sockets.
    NoPermission {
        /// Name that was asked for.
        interface: String,
    },
    /// The interface is not up.
    InterfaceDown {
        /// Name that was asked for.
        interface: String,
    },
    /// The interface doesn't carry Ethernet frames.
    NotEthernet {
        /// Name that was asked for.
        interface: String,
        /// `ARPHRD_*` of `linux/if_arp.h`.
        hardware_type: u16,
    },
    /// The process has too many files open.
    Descriptors(TooManyFiles),
    /// Another step of the set-up failed.
    SetUp {
        /// Name that was asked for.
        interface: String,
        /// What was done.
        step: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchInterface { interface, existing } => {
                write!(f, "no interface {interface}; this host has: {existing}")
            }
            Self::NoPermission { interface } => write!(
                f,
                "open a raw socket on {interface}: not permitted; run as root or give the program CAP_NET_RAW \
         (setcap cap_net_raw+ep PROGRAM)"
            ),
            Self::InterfaceDown { interface } => {
                write!(f, "interface {interface} is down; bring it up with `ip link set {interface} up`")
            }
            Self::NotEthernet { interface, hardware_type } => {
                write!(f, "interface {interface} is not Ethernet (hardware type {hardware_type})")
            }
            Self::Descriptors(inner) => inner.fmt(f),
            Self::SetUp { interface, step, .. } => write!(f, "{step} of the raw socket on {interface}"),
        }
    }
}

impl std::error::Error for PacketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Descriptors(inner) => inner.source(),
            Self::SetUp { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<TooManyFiles> for PacketError {
    fn from(inner: TooManyFiles) -> Self {
        Self::Descriptors(inner)
    }
}

impl PacketError {
    /// Name of the resource limit that was in the way, if one was.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        if let Self::Descriptors(error) = self { Some(error.limit()) } else { None }
    }
}

/// An AF_PACKET socket on one interface, with persistent transmit slots.
#[derive(Debug)]
pub struct PacketLink {
    socket: RawSocket,
    name: [libc::c_char; libc::IFNAMSIZ],
    slots: Slots,
    inbox: Inbox,
    counters: LinkCounters,
    /// `None` once it was taken.
    watch: Option<InterfaceWatch>,
}

/// Frames that were taken from the kernel and not lent yet.
#[derive(Debug)]
struct Inbox {
    buffers: Box<[Buffer]>,
    arrivals: [Arrival; BATCH],
    next: usize,
    filled: usize,
    /// Frames are asked for with the times at which they came.
    stamped: bool,
    /// When the frame came that was lent last.
    lent: Option<Duration>,
    /// Frames to ask the kernel for at once: as many as the last kick sent.
    expect: usize,
    /// Frames taken in a row while the kernel had more.
    run: usize,
    /// At this many in a row the socket's memory may have been full.
    capacity: usize,
}

impl Inbox {
    fn new(capacity: u16) -> Self {
        Self {
            buffers: vec![[0; MAX_FRAME]; BATCH].into_boxed_slice(),
            arrivals: [Arrival::default(); BATCH],
            next: 0,
            filled: 0,
            stamped: false,
            lent: None,
            expect: 1,
            run: 0,
            capacity: usize::from(capacity.max(1)),
        }
    }

    /// Takes from the kernel what has arrived. Returns how many frames.
    fn refill(&mut self, socket: &RawSocket) -> Result<usize, libc::c_int> {
        (self.next, self.filled) = (0, 0);
        self.filled = if self.expect == 1 && !self.stamped {
            let arrival = socket.receive(&mut self.buffers[0])?;
            self.arrivals[0] = arrival.unwrap_or_default();
            usize::from(arrival.is_some())
        } else {
            socket.receive_many(&mut self.buffers[..self.expect], &mut self.arrivals)?
        };
        Ok(self.filled)
    }

    /// Index and length of the next good frame; counts the others as dropped.
    fn next_good(&mut self, dropped: &mut u64) -> Option<(usize, usize)> {
        while self.next < self.filled {
            let index = self.next;
            self.next += 1;
            let Arrival { len, outgoing, at } = self.arrivals[index];
            if !outgoing && len <= MAX_FRAME {
                self.lent = at;
                return Some((index, len));
            }
            *dropped += 1;
        }
        None
    }
}

impl PacketLink {
    /// Opens a raw socket for EtherCAT frames on an interface, with slots and receive memory as in `sizing`.
    ///
    /// # Errors
    /// See [`PacketError`].
    pub fn open(interface: &str, sizing: Sizing) -> Result<Self, PacketError> {
        descriptors::ensure(DESCRIPTORS)?;
        let name = interface_name(interface)?;
        let index = interface_index(interface)?;
        let set_up = |step: &'static str| {
            move |errno| PacketError::SetUp {
                interface: interface.to_owned(),
                step,
                source: std::io::Error::from_raw_os_error(errno),
            }
        };
        let socket = RawSocket::open().map_err(|errno| match errno {
            libc::EPERM | libc::EACCES => PacketError::NoPermission { interface: interface.to_owned() },
            errno => set_up("opening")(errno),
        })?;
        socket.size(sizing.slots, sizing.receive).map_err(set_up("sizing the buffers"))?;
        socket.bypass_qdisc().map_err(set_up("bypassing the queueing discipline"))?;
        // An older kernel shows us our own frames, which `receive` then drops.
        let _ = socket.ignore_outgoing();
        socket.bind(index).map_err(set_up("binding"))?;
        let flags = socket.flags(&name).map_err(set_up("reading the interface's flags"))?;
        if flags & libc::IFF_UP == 0 {
            return Err(PacketError::InterfaceDown { interface: interface.to_owned() });
        }
        let hardware_type = socket.hardware_type().map_err(set_up("reading the address"))?;
        if ![libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&hardware_type) {
            return Err(PacketError::NotEthernet { interface: interface.to_owned(), hardware_type });
        }
        let watch = InterfaceWatch::on(index).map_err(|source| PacketError::SetUp {
            interface: interface.to_owned(),
            step: "opening a second",
            source,
        })?;
        Ok(Self {
            watch: Some(watch),
            socket,
            name,
            slots: Slots::new(sizing.slots),
            inbox: Inbox::new(sizing.receive),
            counters: LinkCounters::default(),
        })
    }

    /// Asks the kernel when frames come, so that [`Link::waited`] says it. The kernel begins to stamp frames a little later, and
    /// stamps those of all interfaces; a frame without a stamp came when it was taken.
    ///
    /// # Errors
    /// [`PacketError::SetUp`].
    pub fn stamp_arrivals(&mut self) -> Result<(), PacketError> {
        self.socket.stamp_arrivals().map_err(|errno| PacketError::SetUp {
            interface: self.interface(),
            step: "asking for receive times",
            source: std::io::Error::from_raw_os_error(errno),
        })?;
        self.inbox.stamped = true;
        Ok(())
    }

    /// Name of its interface.
    fn interface(&self) -> String {
        let bytes = self.name.iter().map(|c| c.to_ne_bytes()[0]).take_while(|byte| *byte != 0);
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    }

    /// A watch that tells whether the interface is still there; `None` when it was taken before.
    #[must_use]
    pub const fn take_watch(&mut self) -> Option<InterfaceWatch> {
        self.watch.take()
    }

    /// Blocks until a frame may have arrived, at most for `timeout`. For ordinary threads only: a cycle never waits in
    /// the kernel.
    pub fn wait(&self, timeout: Duration) {
        wait_for_any([self], timeout);
    }

    /// Whether the interface is up and has a carrier.
    #[must_use]
    pub fn has_carrier(&self) -> bool {
        self.socket.flags(&self.name).is_ok_and(|flags| flags & libc::IFF_RUNNING != 0)
    }

    /// Whether the interface was removed or moved to another network namespace. It doesn't come back, and the
    /// link can't be used any more. An interface that is down is not gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.socket.is_unbound()
    }

    /// Hands the posted frames to the kernel, from `first` on, with as few calls as possible.
    /// Returns how many it took, or why it didn't take the first.
    fn send_from(&mut self, first: usize) -> Result<usize, libc::c_int> {
        self.counters.kicks += 1;
        if self.slots.posted() - first == 1 {
            return self.socket.send(self.slots.frame(first)).map(|()| 1);
        }
        let frames: [&[u8]; BATCH] = std::array::from_fn(|index| self.slots.frame(first + index));
        let count = (self.slots.posted() - first).min(BATCH);
        self.socket.send_many(&frames[..count])
    }

    /// What a refused frame means, and whether the frames behind it are worth a try.
    fn refused(&self, errno: libc::c_int, len: usize) -> (LinkFault, bool) {
        match errno {
            libc::ENETDOWN | libc::ENXIO | libc::ENODEV => (LinkFault::Down, false),
            // The driver dropped it: no room in its queue, or no carrier.
            libc::ENOBUFS if !self.has_carrier() => (LinkFault::Down, false),
            libc::ENOBUFS => (LinkFault::Full, true),
            libc::EAGAIN => (LinkFault::Full, false),
            libc::EMSGSIZE => (LinkFault::BadLength(len), true),
            errno => (LinkFault::Os(errno), false),
        }
    }

    /// Asks the kernel how many frames it dropped, if the socket's memory may have been full and is empty now.
    fn count_drops(&mut self) {
        if self.inbox.run >= self.inbox.capacity {
            self.counters.dropped += u64::from(self.socket.take_drops().unwrap_or(0));
        }
        self.inbox.run = 0;
    }
}

impl Awaited for PacketLink {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.descriptor()
    }

    fn has_frame(&self) -> bool {
        self.inbox.next < self.inbox.filled
    }
}

impl Link for PacketLink {
    crate::delegate_to!(slots: slots, slot, slot_mut, post);

    fn kick(&mut self) -> Result<(), LinkFault> {
        let posted = self.slots.posted();
        let (mut at, mut outcome, mut go_on) = (0, Ok(()), true);
        while at < posted && go_on {
            match self.send_from(at) {
                Ok(sent) => {
                    self.counters.sent += sent as u64;
                    // The kernel takes at least one frame or says why not; without progress the loop must end all the
                    // same.
                    at += sent.max(1);
                }
                Err(errno) => {
                    let (fault, worth) = self.refused(errno, self.slots.frame(at).len());
                    (outcome, go_on) = (Err(fault), worth);
                    self.counters.send_errors += 1;
                    at += 1;
                }
            }
        }
        self.counters.send_errors += posted.saturating_sub(at) as u64;
        if posted > 0 {
            self.inbox.expect = posted.min(BATCH);
        }
        self.slots.clear();
        outcome
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        let good = match self.inbox.next_good(&mut self.counters.dropped) {
            Some(good) => Some(good),
            None => {
                let taken = self.inbox.refill(&self.socket).map_err(|errno| match errno {
                    libc::ENETDOWN | libc::ENXIO | libc::ENODEV => LinkFault::Down,
                    errno => LinkFault::Os(errno),
                })?;
                if taken == 0 {
                    self.count_drops();
                }
                self.inbox.run += taken;
                self.inbox.next_good(&mut self.counters.dropped)
            }
        };
        let Some((index, len)) = good else { return Ok(None) };
        self.counters.received += 1;
        Ok(Some(&self.inbox.buffers[index][..len]))
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn withdraw(&mut self) {
        self.slots.clear();
    }

    /// By the wall clock, which may be stepped meanwhile: then it says something wrong once, or nothing.
    fn waited(&self) -> Option<Duration> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        now.checked_sub(self.inbox.lent?)
    }
}

/// The name as the kernel's `ifreq` holds it, ended by a zero.
fn interface_name(interface: &str) -> Result<[libc::c_char; libc::IFNAMSIZ], PacketError> {
    let name = CString::new(interface).map_err(|_| no_such_interface(interface))?;
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() >= libc::IFNAMSIZ {
        return Err(no_such_interface(interface));
    }
    let mut held = [0; libc::IFNAMSIZ];
    for (to, from) in held.iter_mut().zip(bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    Ok(held)
}

fn interface_index(interface: &str) -> Result<libc::c_int, PacketError> {
    nix::net::if_::if_nametoindex(interface)
        .ok()
        .and_then(|index| libc::c_int::try_from(index).ok())
        .ok_or_else(|| no_such_interface(interface))
}

fn no_such_interface(interface: &str) -> PacketError {
    PacketError::NoSuchInterface { interface: interface.to_owned(), existing: crate::interfaces::existing() }
}
