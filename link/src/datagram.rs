//! A link over a UNIX datagram socket. Each datagram is one Ethernet frame without its checksum: the format of QEMU's
//! `-netdev dgram,local.type=unix,remote.type=unix`, so the NIC of a virtual machine can be at the other end.
//!
//! Guarantees: only frames with EtherType 0x88A4 are received; no call waits; nothing is allocated after
//! [`DatagramLink::open`]; frames that are too long or of another type count as dropped; the socket's file is removed
//! when the link is dropped. While no peer is bound, frames count as send errors and [`Link::kick`] returns `Down`; a
//! peer that binds later, or binds again, is found.
//!
//! Not guaranteed: room for more than `net.unix.max_dgram_qlen` frames (often 10 or 512) in the peer's queue. Frames
//! beyond that count as send errors, and `kick` returns `Full`. VLAN-tagged frames are not received.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::slots::Slots;
use crate::waiting::{Awaited, wait_for_any};
use crate::{Link, LinkCounters, LinkFault, MAX_FRAME, Sizing};

/// EtherType of EtherCAT, as it is on the wire.
const ETHERTYPE: [u8; 2] = [0x88, 0xA4];
/// Most datagrams that one call of `receive` looks at.
const LOOKS: usize = 64;
/// Socket memory that is asked for each frame: more than the kernel charges for one.
const MEMORY_PER_FRAME: usize = 4096;

/// Why a [`DatagramLink`] could not be opened.
#[derive(Debug)]
pub enum DatagramError {
    /// A path doesn't fit a socket address.
    Path {
        /// The path.
        path: PathBuf,
        /// What the standard library said.
        source: io::Error,
    },
    /// Both ends have the same path.
    SamePath {
        /// The path.
        path: PathBuf,
    },
    /// Another process has the socket open.
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// A file that isn't a socket is in the way.
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// Another step of the set-up failed.
    SetUp {
        /// The path.
        path: PathBuf,
        /// What was done.
        step: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, .. } => {
                write!(f, "{path} can't be the path of a UNIX socket: it has 1 to 107 bytes", path = path.display())
            }
            Self::SamePath { path } => write!(
                f,
                "{path} is named as both ends of the link, each needs a path of its own",
                path = path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "{path} is in use by a running process; end it, or choose another path",
                path = path.display()
            ),
            Self::NotASocket { path } => {
                write!(f, "{path} exists and is no socket; choose another path", path = path.display())
            }
            Self::SetUp { path, step, .. } => write!(f, "{step} {path}", path = path.display()),
        }
    }
}

impl std::error::Error for DatagramError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Path { source, .. } => Some(source),
            Self::SetUp { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A UNIX datagram socket with persistent transmit slots, bound to one path and sending to another.
#[derive(Debug)]
pub struct DatagramLink {
    socket: UnixDatagram,
    remote: SocketAddr,
    file: SocketFile,
    slots: Slots,
    /// One byte longer than a frame, so that a longer datagram is recognised.
    buffer: Box<[u8; MAX_FRAME + 1]>,
    counters: LinkCounters,
}

impl DatagramLink {
    /// Binds a socket to `local` and sends to `remote`, which needn't exist yet. A socket file at `local` that no
    /// process has open any more is replaced. `sizing.receive` has no effect: the kernel has its own limit
    /// (`net.unix.max_dgram_qlen`).
    ///
    /// # Errors
    /// See [`DatagramError`].
    pub fn open(local: &Path, remote: &Path, sizing: Sizing) -> Result<Self, DatagramError> {
        if local == remote {
            return Err(DatagramError::SamePath { path: local.to_owned() });
        }
        let address = |path: &Path| {
            SocketAddr::from_pathname(path)
                .and_then(
                    |address| if address.is_unnamed() { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(address) },
                )
                .map_err(|source| DatagramError::Path { path: path.to_owned(), source })
        };
        let (local_address, remote) = (address(local)?, address(remote)?);
        clear_stale(local)?;
        let set_up = |step| move |source| DatagramError::SetUp { path: local.to_owned(), step, source };
        let socket = UnixDatagram::bind_addr(&local_address).map_err(set_up("bind a socket to"))?;
        let file = SocketFile::of(local).map_err(set_up("look at the new socket"))?;
        socket.set_nonblocking(true).map_err(set_up("prepare the socket at"))?;
        let memory = usize::from(sizing.slots.max(1)) * MEMORY_PER_FRAME;
        // The kernel limits it to `net.core.wmem_max`.
        setsockopt(&socket, sockopt::SndBuf, &memory).map_err(io::Error::from).map_err(set_up("size the socket at"))?;
        Ok(Self {
            socket,
            remote,
            file,
            slots: Slots::new(sizing.slots),
            buffer: Box::new([0; MAX_FRAME + 1]),
            counters: LinkCounters::default(),
        })
    }

    /// The path that it is bound to.
    #[must_use]
    pub fn local(&self) -> &Path {
        &self.file.path
    }

    /// Blocks until a frame may have arrived, at most for `timeout`. For ordinary threads only: a cycle never waits in
    /// the kernel.
    pub fn wait(&self, timeout: Duration) {
        wait_for_any([self], timeout);
    }
}

/// What it means that a datagram was not sent.
fn refused(error: &io::Error, len: usize) -> LinkFault {
    match error.raw_os_error() {
        // There is no file, no process has it open, or it was closed.
        Some(libc::ENOENT | libc::ECONNREFUSED | libc::ECONNRESET | libc::EPIPE | libc::ENOTCONN) => LinkFault::Down,
        Some(libc::EAGAIN | libc::ENOBUFS) => LinkFault::Full,
        Some(libc::EMSGSIZE) => LinkFault::BadLength(len),
        errno => LinkFault::Os(errno.unwrap_or(libc::EIO)),
    }
}

impl Awaited for DatagramLink {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Link for DatagramLink {
    crate::delegate_to!(slots: slots, slot, slot_mut, post);

    fn kick(&mut self) -> Result<(), LinkFault> {
        let mut outcome = Ok(());
        for index in 0..self.slots.posted() {
            let frame = self.slots.frame(index);
            self.counters.kicks += 1;
            match self.socket.send_to_addr(frame, &self.remote) {
                Ok(_) => self.counters.sent += 1,
                Err(error) => {
                    outcome = Err(refused(&error, frame.len()));
                    self.counters.send_errors += 1;
                }
            }
        }
        self.slots.clear();
        outcome
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        for _ in 0..LOOKS {
            let len = match self.socket.recv(self.buffer.as_mut_slice()) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(LinkFault::Os(error.raw_os_error().unwrap_or(libc::EIO))),
            };
            if len <= MAX_FRAME && self.buffer[..len].get(12..14) == Some(&ETHERTYPE) {
                self.counters.received += 1;
                return Ok(Some(&self.buffer[..len]));
            }
            self.counters.dropped += 1;
        }
        Ok(None)
    }

    fn counters(&self) -> LinkCounters {
        self.counters
    }

    fn withdraw(&mut self) {
        self.slots.clear();
    }
}

/// The file of a bound socket. It is removed when this is dropped, unless another one has taken its place.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // It may have been removed already, which is fine.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Removes a socket file that no process has open. Any other file stays, and is an error.
fn clear_stale(path: &Path) -> Result<(), DatagramError> {
    let set_up = |step| move |source| DatagramError::SetUp { path: path.to_owned(), step, source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(set_up("look at")(error)),
        Ok(file) if !file.file_type().is_socket() => return Err(DatagramError::NotASocket { path: path.to_owned() }),
        Ok(_) => {}
    }
    let probe = UnixDatagram::unbound().map_err(set_up("open a socket to ask who is at"))?;
    match probe.connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(set_up("remove the old socket"))
        }
        // EPROTOTYPE: a socket of another kind, on which a process listens.
        Ok(()) => Err(DatagramError::InUse { path: path.to_owned() }),
        Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
            Err(DatagramError::InUse { path: path.to_owned() })
        }
        Err(error) => Err(set_up("ask who is at")(error)),
    }
}
