//! A lock on an interface, so that only one MainDevice uses it.
//!
//! Two programs that send into one network take each other's frames and overwrite each other's outputs, whatever links
//! they use. So everything that opens an interface to send takes this lock first: `run`, `scan` and the benches. The
//! simulator is at the other end and does not take it.
//!
//! The lock is a listening UNIX socket with the abstract name `zerocat/NUMBER`, where NUMBER is the interface's index.
//! Like interfaces, abstract names belong to the network namespace. They need no file and no privilege, and the kernel
//! frees them when their process ends, however it ends. A process that finds the name taken connects to it, and the
//! kernel tells it who is listening.
//!
//! Guarantees: in one network namespace at most one process has the lock of an interface. Not guaranteed: that other
//! programs than zerocat ask for the lock, or that a process of another PID namespace can be named.

use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use crate::descriptors::{self, TooManyFiles};
use nix::errno::Errno;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket,
};

/// File descriptors that taking a lock needs.
const DESCRIPTORS: usize = 3;
/// Attempts at a name that is taken but has no listener, because a process has just taken it or has just ended, or whose
/// listener is this process.
const LOOKS: u32 = 10;
/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(2);
/// Processes that can ask who has the lock; their connections are never accepted.
const BACKLOG: i32 = 128;

/// Why the lock of an interface couldn't be taken.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    InUse {
        /// The interface.
        interface: String,
        /// The process, where the kernel names it.
        pid: Option<u32>,
        /// Its name, where it can be read.
        program: Option<String>,
    },
    /// There is no such interface in this network namespace.
    NoSuchInterface {
        /// Name that was asked for.
        interface: String,
        /// Names that exist in this network namespace, separated by commas.
        existing: String,
    },
    /// The process has too many files open.
    Descriptors(TooManyFiles),
    /// A socket couldn't be made or named.
    SetUp {
        /// The interface.
        interface: String,
        /// What was done.
        step: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { interface, pid, program } => {
                write!(f, "{} uses {interface} already; stop it first", holder(*pid, program.as_deref()))
            }
            Self::NoSuchInterface { interface, existing } => {
                write!(f, "no interface {interface} here; there are: {existing}")
            }
            Self::Descriptors(inner) => inner.fmt(f),
            Self::SetUp { interface, step, .. } => write!(f, "{step} the socket that locks {interface}"),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Descriptors(inner) => inner.source(),
            Self::SetUp { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<TooManyFiles> for LockError {
    fn from(inner: TooManyFiles) -> Self {
        Self::Descriptors(inner)
    }
}

impl LockError {
    /// Name of the resource limit that was in the way, if one was.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        if let Self::Descriptors(error) = self { Some(error.limit()) } else { None }
    }
}

fn holder(pid: Option<u32>, program: Option<&str>) -> String {
    match (program, pid) {
        (Some(program), Some(pid)) => format!("{program} (process {pid})"),
        (_, Some(pid)) => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

/// The lock of an interface. It is given back when this is dropped, or when the process ends.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub struct InterfaceLock(#[expect(dead_code, reason = "its being open is the lock")] OwnedFd);

impl InterfaceLock {
    /// Takes the lock of an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// Each of [`LockError`].
    pub fn take(interface: &str) -> Result<Self, LockError> {
        let failed =
            |step| move |errno: Errno| LockError::SetUp { interface: interface.to_owned(), step, source: errno.into() };
        descriptors::ensure(DESCRIPTORS)?;
        let index = nix::net::if_::if_nametoindex(interface).map_err(|_| no_such_interface(interface))?;
        let name = UnixAddr::new_abstract(format!("zerocat/{index}").as_bytes()).map_err(failed("name"))?;
        let mut ours = None;
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(PAUSE);
            }
            let lock = stream().map_err(failed("open"))?;
            match bind(lock.as_raw_fd(), &name) {
                Ok(()) => {
                    let backlog = Backlog::new(BACKLOG).map_err(failed("listen at"))?;
                    listen(&lock, backlog).map_err(failed("listen at"))?;
                    return Ok(Self(lock));
                }
                Err(Errno::EADDRINUSE) => {}
                Err(errno) => return Err(failed("bind")(errno)),
            }
            match listener(&name).map_err(failed("ask at"))? {
                None => {}
                // A child of this process that has not begun its own program yet holds what has been given back already.
                Some(pid) if pid == Some(std::process::id()) => ours = pid,
                Some(pid) => return Err(in_use(interface, pid)),
            }
        }
        Err(in_use(interface, ours))
    }
}

fn in_use(interface: &str, pid: Option<u32>) -> LockError {
    LockError::InUse { interface: interface.to_owned(), pid, program: pid.and_then(program) }
}

fn stream() -> Result<OwnedFd, Errno> {
    socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
}

/// Who listens at a name: no process, or one, which may have no number in this PID namespace.
fn listener(name: &UnixAddr) -> Result<Option<Option<u32>>, Errno> {
    let socket = stream()?;
    match connect(socket.as_raw_fd(), name) {
        Ok(()) => {
            let credentials = getsockopt(&socket, PeerCredentials)?;
            Ok(Some(u32::try_from(credentials.pid()).ok().filter(|&pid| pid > 0)))
        }
        // A process listens, and many have asked already.
        Err(Errno::EAGAIN) => Ok(Some(None)),
        Err(Errno::ECONNREFUSED) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Name of a process.
fn program(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn no_such_interface(interface: &str) -> LockError {
    LockError::NoSuchInterface { interface: interface.to_owned(), existing: crate::interfaces::existing() }
}
