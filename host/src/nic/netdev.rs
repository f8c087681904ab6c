//! What the kernel's netdev netlink family says about an interface: the XDP features of its driver, and which metadata
//! of received frames the driver offers to XDP programs (`Documentation/netlink/specs/netdev.yaml`).
//!
//! The answer is parsed as a claim: an attribute that isn't laid out as it should be counts as missing.

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME` of
/// `include/uapi/linux/genetlink.h`.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `NETDEV_CMD_DEV_GET`, `NETDEV_A_DEV_IFINDEX`, `NETDEV_A_DEV_XDP_FEATURES`, `NETDEV_A_DEV_XDP_RX_METADATA_FEATURES`
/// of `include/uapi/linux/netdev.h`.
const DEV_GET: u8 = 1;
const IFINDEX: u16 = 1;
const XDP_FEATURES: u16 = 3;
const RX_METADATA_FEATURES: u16 = 5;
/// `NLM_F_REQUEST`, `NLMSG_ERROR` of `include/uapi/linux/netlink.h`.
const REQUEST: u16 = 1;
const ERROR: u16 = 2;
/// `struct nlmsghdr` and `struct genlmsghdr`.
const HEADERS: usize = 16 + 4;
/// `struct nlattr`; attributes start at multiples of 4.
const ATTRIBUTE: usize = 4;

/// The feature bits of a driver; all 0 if the kernel doesn't know the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Features {
    /// `enum netdev_xdp_act`.
    pub(super) xdp: u64,
    /// `enum netdev_xdp_rx_metadata`.
    pub(super) receive_metadata: u64,
}

/// Reads those of the interface with this number in the calling thread's network namespace.
pub(super) fn features(index: u32) -> io::Result<Features> {
    let protocol = SockProtocol::NetlinkGeneric;
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    let family = match ask(&netlink, CONTROLLER, GET_FAMILY, FAMILY_NAME, b"netdev\0") {
        // Linux before 6.3 has no such family.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Features::default()),
        family => family?,
    };
    let Some(family) = attribute(&family, FAMILY_ID).and_then(|id| id.try_into().ok()).map(u16::from_ne_bytes) else {
        return Ok(Features::default());
    };
    let answer = ask(&netlink, family, DEV_GET, IFINDEX, &index.to_ne_bytes())?;
    let bits = |name| attribute(&answer, name).and_then(|bits| bits.try_into().ok()).map_or(0, u64::from_ne_bytes);
    Ok(Features { xdp: bits(XDP_FEATURES), receive_metadata: bits(RX_METADATA_FEATURES) })
}

/// Sends a request with one attribute and returns the whole answer, or the error that the kernel answered with.
fn ask(netlink: &OwnedFd, family: u16, command: u8, name: u16, value: &[u8]) -> io::Result<Vec<u8>> {
    send(netlink.as_raw_fd(), &request(family, command, name, value), MsgFlags::empty())?;
    let mut answer = vec![0; 8192];
    let len = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    answer.truncate(len);
    match error_of(&answer) {
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => Ok(answer),
    }
}

/// The errno of an answer that is an error: `struct nlmsgerr`, where the number is negative.
fn error_of(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    let errno = i32::from_ne_bytes(*answer.get(16..)?.first_chunk()?);
    (kind == ERROR && errno != 0).then(|| errno.wrapping_neg())
}

fn request(family: u16, command: u8, name: u16, value: &[u8]) -> Vec<u8> {
    let attribute = ATTRIBUTE + value.len();
    let total = HEADERS + attribute.next_multiple_of(4);
    let mut bytes = Vec::with_capacity(total);
    bytes.extend(u32::try_from(total).unwrap_or(0).to_ne_bytes());
    bytes.extend(family.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    // Sequence number, port; command, version, reserved.
    bytes.extend([0; 8]);
    bytes.extend([command, 1, 0, 0]);
    bytes.extend(u16::try_from(attribute).unwrap_or(0).to_ne_bytes());
    bytes.extend(name.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(total, 0);
    bytes
}

/// The value of an attribute of an answer.
fn attribute(answer: &[u8], wanted: u16) -> Option<&[u8]> {
    let total = usize::try_from(u32::from_ne_bytes(*answer.first_chunk()?)).ok()?;
    let mut rest = answer.get(HEADERS..total)?;
    loop {
        let (len, behind) = rest.split_first_chunk::<2>()?;
        let (name, _) = behind.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_ne_bytes(*len));
        let value = rest.get(ATTRIBUTE..len)?;
        if u16::from_ne_bytes(*name) == wanted {
            return Some(value);
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_after_others_and_a_truncated_one_is_none() {
        let mut answer = request(7, 1, 9, &[1, 2, 3]);
        answer.extend([6, 0, 5, 0, 0xab, 0xcd, 0, 0]);
        let total = u32::try_from(answer.len()).unwrap();
        answer[..4].copy_from_slice(&total.to_ne_bytes());
        if cfg!(target_endian = "little") {
            assert_eq!(attribute(&answer, 5), Some([0xab, 0xcd].as_slice()));
        }
        assert_eq!(attribute(&answer, 9), Some([1, 2, 3].as_slice()));
        assert_eq!(attribute(&answer, 4), None);
        for len in 0..answer.len() {
            assert_eq!(attribute(&answer[..len], 5), None, "{len} bytes");
        }
    }

    #[test]
    fn an_error_of_the_kernel_is_recognised() {
        let mut answer = request(ERROR, 0, 9, &[]);
        answer[16..20].fill(0);
        assert_eq!(error_of(&answer), None, "0 acknowledges");
        answer[16..20].copy_from_slice(&(-nix::libc::ENODEV).to_ne_bytes());
        assert_eq!(error_of(&answer), Some(nix::libc::ENODEV));
        assert_eq!(error_of(&answer[..19]), None);
        assert_eq!(error_of(&request(7, 1, 9, &[1, 2, 3])), None);
    }

    #[test]
    fn a_length_of_zero_does_not_loop_forever() {
        let mut answer = request(7, 1, 9, &[]);
        answer[HEADERS..HEADERS + 2].fill(0);
        assert_eq!(attribute(&answer, 5), None);
    }
}
