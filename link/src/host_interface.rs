//! An Ethernet interface of this host whose frames the program carries: a TAP (`linux/if_tun.h`; the kernel's
//! Documentation/networking/tuntap.rst).
//!
//! Guarantees: no call waits; the interface is there as long as this is, and goes with it, also where the program is killed,
//! unless somebody made it before as a lasting one. Not here: addresses, routes and bridges, which are the host's.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use libc::{c_char, c_int, c_short};

/// The kernel's device that makes such interfaces.
const DEVICE: &str = "/dev/net/tun";
/// What is done with it first.
const OPEN: &str = "open /dev/net/tun";
/// An Ethernet interface, whose frames come and go without a header of the kernel's.
const KIND: c_int = libc::IFF_TAP | libc::IFF_NO_PI;

/// Why there is no such interface.
#[derive(Debug)]
pub struct HostInterfaceError {
    name: String,
    doing: &'static str,
    source: io::Error,
}

impl std::fmt::Display for HostInterfaceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, doing, source } = self;
        write!(f, "interface {name}: {doing}: {source}")?;
        match source.raw_os_error() {
            Some(libc::EACCES) if *doing == OPEN => {
                write!(f, "; its mode keeps this user out: chmod 0666 {DEVICE}, as it usually is, or run as root")
            }
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO | libc::EPERM) if *doing == OPEN => write!(
                f,
                "; load the kernel's module: modprobe tun; a container needs the device as well (docker run --device {DEVICE})"
            ),
            Some(libc::EPERM | libc::EACCES) => write!(
                f,
                "; give the program CAP_NET_ADMIN (setcap cap_net_admin+ep), or make the interface for its user: ip tuntap add dev {name} mode tap user USER"
            ),
            Some(libc::EBUSY) => write!(f, "; another program has it"),
            Some(libc::EINVAL) => write!(f, "; there is an interface of this name that is no TAP: choose another name"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for HostInterfaceError {}

/// An Ethernet interface of this host whose frames the program carries.
#[derive(Debug)]
pub struct HostInterface {
    name: String,
    file: File,
}

impl HostInterface {
    /// Makes the interface, or takes a lasting one of this name, and sets it up.
    ///
    /// # Errors
    /// No rights, a name that another interface has, a kernel without TAP.
    pub fn open(name: &str) -> Result<Self, HostInterfaceError> {
        let failed = |doing, source| HostInterfaceError { name: name.to_owned(), doing, source };
        let mut open = OpenOptions::new();
        open.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        let file = open.open(DEVICE).map_err(|source| failed(OPEN, source))?;
        let mut request = request(name).ok_or_else(|| failed("name it", io::ErrorKind::InvalidInput.into()))?;
        request.ifr_ifru.ifru_flags = short(KIND);
        // SAFETY: TUNSETIFF reads ifr_name and ifru_flags of the ifreq and writes its name; it outlives the call.
        let made = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
        check(made).map_err(|source| failed("make it", source))?;
        set_up(request).map_err(|source| failed("set it up", source))?;
        Ok(Self { name: name.to_owned(), file })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a frame that the host sends by it, and gives its length; `None` where none waits. A frame that is longer than the buffer
    /// is cut.
    ///
    /// # Errors
    /// The interface is gone, or was set down: then none comes for some time.
    pub fn take(&self, frame: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.file).read(frame) {
            Ok(len) => Ok(Some(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the host a frame as if it had come from a network. Returns whether the host took it.
    #[must_use]
    pub fn give(&self, frame: &[u8]) -> bool {
        (&self.file).write(frame).is_ok()
    }
}

impl AsFd for HostInterface {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Sets an interface up, unless it is. Only that needs rights.
fn set_up(mut request: libc::ifreq) -> io::Result<()> {
    // SAFETY: socket takes no pointers.
    let socket = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel gave us this descriptor just now and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: SIOCGIFFLAGS reads ifr_name and writes ifru_flags of the ifreq, which outlives the call.
    let got = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) };
    check(got)?;
    // SAFETY: SIOCGIFFLAGS wrote this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    if flags & short(libc::IFF_UP) != 0 {
        return Ok(());
    }
    request.ifr_ifru.ifru_flags = flags | short(libc::IFF_UP);
    // SAFETY: SIOCSIFFLAGS reads ifr_name and ifru_flags of the ifreq, which outlives the call.
    let set = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    check(set).map(drop)
}

/// A request about the interface of a name; `None` where it is too long or empty.
fn request(name: &str) -> Option<libc::ifreq> {
    // SAFETY: all bytes zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    // The zero at its end stays.
    if name.is_empty() || name.len() >= request.ifr_name.len() {
        return None;
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = c_char::from_ne_bytes([byte]);
    }
    Some(request)
}

/// Flags of interfaces have 16 bits in an `ifreq`.
fn short(flags: c_int) -> c_short {
    let [low, high, ..] = flags.to_le_bytes();
    c_short::from_le_bytes([low, high])
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_interface_can_have_is_refused() {
        assert!(request("").is_none() && request("sixteen-letters-").is_none());
        assert!(request("fifteen-letters").is_some());
    }

    #[test]
    fn an_error_says_what_to_do() {
        let error = |doing, errno| {
            let source = io::Error::from_raw_os_error(errno);
            HostInterfaceError { name: "eoe0".into(), doing, source }.to_string()
        };
        let said = |errno| error("make it", errno);
        assert!(said(libc::EPERM).contains("CAP_NET_ADMIN") && said(libc::EPERM).contains("ip tuntap add dev eoe0"));
        assert!(said(libc::EBUSY).ends_with("another program has it"));
        let absent = error(OPEN, libc::ENOENT);
        assert!(absent.contains("modprobe tun") && absent.contains("--device /dev/net/tun"), "{absent}");
        assert!(error(OPEN, libc::EACCES).contains("chmod 0666 /dev/net/tun"));
    }
}
