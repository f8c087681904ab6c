//! Busy polling: the thread that waits for a frame makes the kernel look into the NIC's queue itself, in a system call
//! that doesn't block. The queue's interrupt stays off meanwhile.
//!
//! What the kernel does: `sendto` and `recvfrom` on the socket run the queue's NAPI poll once, for at most `budget`
//! frames (`xsk_sendmsg`, `xsk_recvmsg` in `net/xdp/xsk.c`; `napi_busy_loop` in `net/core/dev.c`). In zero-copy mode
//! they don't wake the driver otherwise. So while busy polling is on, every kick with something to send is a system
//! call, and so is a look into an empty receive ring. Between two calls a frame waits, at most for the timeout of the
//! NAPI knobs; then the kernel polls by itself.
//!
//! It is turned on only where `SO_INCOMING_NAPI_ID` names a NAPI instance. Where that is 0, the kernel accepts the
//! options and ignores them, and the knobs would delay every frame. Linux 6.14 and newer know the instance from the
//! bind on; older kernels know it from the first received frame, so there a frame without a command (NOP) is sent and
//! waited for.
//!
//! It stays on only where that instance also sends. In zero-copy mode nothing else sends while busy polling is on, and
//! some drivers have a separate instance for the transmit queue (virtio-net always, igb with few queues). There every
//! frame would stay in the ring. So a few NOP frames are sent first; where one of them isn't sent, everything is put
//! back.

use crate::device::Device;
use crate::error::XdpError;
use crate::mitigation::{HeldMitigation, IrqMitigation, MitigationError};
use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::time::Duration;

/// `SO_BUSY_POLL` in us. Any value but 0 does: calls on an AF_XDP socket never wait, so the kernel looks once.
const BUSY_POLL_US: libc::c_int = 20;

/// How to busy-poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusyPoll {
    /// Most frames that the kernel takes in one call (`SO_BUSY_POLL_BUDGET`).
    pub budget: u16,
    /// The interface's NAPI knobs meanwhile. The timeout should be longer than the longest time between two looks: two cycles.
    pub mitigation: IrqMitigation,
}

/// What became of busy polling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BusyPolling {
    /// It wasn't asked for.
    #[default]
    NotAsked,
    /// It was asked for and isn't on, for this reason.
    Refused(String),
    /// It is on.
    On {
        /// The NAPI instance of the queue.
        napi_id: u32,
        /// How.
        how: BusyPoll,
        /// Whether the NAPI knobs were changed, and so are given back when the link is closed.
        knobs_changed: bool,
    },
}

/// Why busy polling isn't on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusyPollError {
    #[error(
        "SO_INCOMING_NAPI_ID is 0: the driver doesn't tell which NAPI instance serves queue {0}, so busy polling would \
         do nothing; turn it off"
    )]
    NoNapi(u32),
    #[error(
        "nothing is sent with it: the NAPI instance of receive queue {0} doesn't serve the transmit queue too, and the \
         kernel wakes no other while it is on; turn it off"
    )]
    NoSending(u32),
    #[error(transparent)]
    Mitigation(#[from] MitigationError),
    #[error("set {0} to {1}: {2}; it takes CAP_NET_ADMIN and Linux 5.11 or newer")]
    Option(&'static str, libc::c_int, io::Error),
    #[error("read {0}: {1}; it takes Linux 5.11 or newer")]
    Read(&'static str, io::Error),
    #[error(transparent)]
    Device(#[from] XdpError),
}

/// The NAPI instance that serves the socket's queue; `None` where the kernel doesn't say.
pub(crate) fn napi_id(socket: RawFd) -> Option<u32> {
    let id = read(socket, libc::SO_INCOMING_NAPI_ID).ok()?;
    u32::try_from(id).ok().filter(|&id| id != 0)
}

/// The options of a socket before busy polling was turned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptionsBefore {
    prefer: libc::c_int,
    time: libc::c_int,
}

/// Sets the knobs of an interface until what is returned is dropped, then the socket's options. What fails leaves both as
/// they were.
pub(crate) fn turn_on(
    socket: RawFd,
    device: &Device,
    how: BusyPoll,
) -> Result<(HeldMitigation, OptionsBefore), BusyPollError> {
    let index = u32::try_from(device.index()).unwrap_or(0);
    let held = HeldMitigation::set(Path::new("/"), device.name(), index, how.mitigation)?;
    let before = set_options(socket, how.budget.into())?;
    Ok((held, before))
}

/// Gives a socket its options back. The budget means nothing without the others.
pub(crate) fn turn_off(socket: RawFd, before: OptionsBefore) -> Result<(), BusyPollError> {
    let OptionsBefore { prefer, time } = before;
    let prefer = set(socket, PREFER, prefer);
    let time = set(socket, TIME, time);
    prefer.and(time)
}

/// Sets all three options or none.
fn set_options(socket: RawFd, budget: libc::c_int) -> Result<OptionsBefore, BusyPollError> {
    let before = OptionsBefore { prefer: get(socket, PREFER)?, time: get(socket, TIME)? };
    let all = [(PREFER, 1), (TIME, BUSY_POLL_US), (BUDGET, budget)];
    match all.into_iter().try_for_each(|(option, value)| set(socket, option, value)) {
        Ok(()) => Ok(before),
        Err(error) => {
            // What can't be set can be unset, which takes no right; and the first error is the one to tell.
            let _ = turn_off(socket, before);
            Err(error)
        }
    }
}

/// An option of `SOL_SOCKET` and its name.
#[derive(Debug, Clone, Copy)]
struct SocketOption(&'static str, libc::c_int);

const PREFER: SocketOption = SocketOption("SO_PREFER_BUSY_POLL", libc::SO_PREFER_BUSY_POLL);
const TIME: SocketOption = SocketOption("SO_BUSY_POLL", libc::SO_BUSY_POLL);
const BUDGET: SocketOption = SocketOption("SO_BUSY_POLL_BUDGET", libc::SO_BUSY_POLL_BUDGET);

fn get(socket: RawFd, SocketOption(name, option): SocketOption) -> Result<libc::c_int, BusyPollError> {
    read(socket, option).map_err(|source| BusyPollError::Read(name, source))
}

fn set(socket: RawFd, SocketOption(name, option): SocketOption, value: libc::c_int) -> Result<(), BusyPollError> {
    let failed = |source| BusyPollError::Option(name, value, source);
    let len = libc::socklen_t::try_from(size_of_val(&value)).map_err(|error| failed(io::Error::other(error)))?;
    // SAFETY: the caller keeps the descriptor open; value is readable for len bytes.
    let result = unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, option, (&raw const value).cast(), len) };
    if result < 0 { Err(failed(io::Error::last_os_error())) } else { Ok(()) }
}

/// Reads an option that is an int.
fn read(socket: RawFd, option: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = libc::socklen_t::try_from(size_of_val(&value)).map_err(io::Error::other)?;
    // SAFETY: the caller keeps the descriptor open; value is a c_int, which the kernel fills no further than len.
    let result = unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut len) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// How long a frame that is sent to learn the NAPI instance, or whether it sends, may take.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_millis(100);
/// So many have to be sent: one may go when the driver happens to look at its queues (igb: every 2 s).
pub(crate) const PROBES: usize = 3;

/// A frame that nobody acts on: one NOP datagram without data (ETG.1000.4, 5.4.1.1), from an address of its own, so
/// that no lane takes it for its own.
pub(crate) const PROBE: [u8; 28] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x5a, 0x43, 0x4e, 0x4f, 0x50, 0x88, 0xa4, 0x0c, 0x10, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    /// The first two options, which can be read.
    fn options(socket: &UdpSocket) -> [libc::c_int; 2] {
        [PREFER, TIME].map(|option| get(socket.as_raw_fd(), option).unwrap())
    }

    #[test]
    fn an_option_that_is_refused_leaves_the_others_as_they_were() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        set(socket.as_raw_fd(), TIME, 7).expect("needs CAP_NET_ADMIN");
        let before = options(&socket);
        // More frames than any budget may be.
        let error = set_options(socket.as_raw_fd(), 1 << 16).unwrap_err();
        assert!(matches!(error, BusyPollError::Option("SO_BUSY_POLL_BUDGET", _, _)), "{error}");
        assert_eq!(options(&socket), before);
    }

    #[test]
    fn what_is_turned_off_is_as_it_was() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        set(socket.as_raw_fd(), TIME, 7).expect("needs CAP_NET_ADMIN");
        let before = options(&socket);
        let kept = set_options(socket.as_raw_fd(), 8).unwrap();
        assert_eq!(options(&socket), [1, BUSY_POLL_US]);
        turn_off(socket.as_raw_fd(), kept).unwrap();
        assert_eq!(options(&socket), before);
    }
}
