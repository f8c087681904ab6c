//! What the suites of this crate share: programs of strangers, capabilities, raw frames.

#![allow(dead_code, reason = "each suite uses a part")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use zerocat_link::Sizing;
use zerocat_xdp::{Mode, ModeRequest, XdpOptions};

pub(crate) const SIZING: Sizing = Sizing { slots: 40, receive: 64 };

pub(crate) fn options(interface: &str, mode: Mode) -> XdpOptions {
    XdpOptions { mode: ModeRequest::Force(mode), ..XdpOptions::new(interface, SIZING) }
}

/// A program of somebody else: it passes everything.
pub(crate) fn strangers_program(name: &CStr) -> OwnedFd {
    let instruction = |code: u8, imm: i32| libbpf_sys::bpf_insn { code, imm, ..Default::default() };
    // r0 = XDP_PASS; exit
    let program = [instruction(0xb7, 2), instruction(0x95, 0)];
    // SAFETY: the name and the license end in NUL, program holds as many instructions as its length says, and the
    // options may be null.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            libbpf_sys::BPF_PROG_TYPE_XDP,
            name.as_ptr(),
            c"MIT".as_ptr(),
            program.as_ptr(),
            program.len() as libbpf_sys::size_t,
            std::ptr::null_mut(),
        )
    };
    assert!(fd >= 0, "needs CAP_BPF: load a program: {}", io::Error::from_raw_os_error(-fd));
    // SAFETY: the descriptor is new and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Puts a program on an interface as `ip link` does: it stays when its process ends.
pub(crate) fn attach_by_netlink(program: &OwnedFd, interface: &str, flags: u32) {
    // SAFETY: the descriptor is open, and the options may be null.
    let result = unsafe { libbpf_sys::bpf_xdp_attach(index(interface), program.as_raw_fd(), flags, std::ptr::null()) };
    assert_eq!(result, 0, "attach by netlink");
}

/// Puts a program on an interface by a bpf_link, which the caller holds.
pub(crate) fn attach_by_link(program: &OwnedFd, interface: &str) -> OwnedFd {
    let (program, index) = (program.as_raw_fd(), index(interface));
    // SAFETY: the descriptor is open, and the options may be null.
    let fd = unsafe { libbpf_sys::bpf_link_create(program, index, libbpf_sys::BPF_XDP, std::ptr::null()) };
    assert!(fd >= 0, "attach by link: {}", io::Error::from_raw_os_error(-fd));
    // SAFETY: the descriptor is new and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn index(interface: &str) -> i32 {
    let index = nix::net::if_::if_nametoindex(interface).expect("the interface is there");
    i32::try_from(index).expect("a small number")
}

/// Takes a capability from the calling thread.
pub(crate) fn drop_capability(bit: u32) {
    // struct __user_cap_header_struct with _LINUX_CAPABILITY_VERSION_3 and this thread; two __user_cap_data_struct.
    let header = [0x2008_0522_u32, 0];
    let mut sets = [[0_u32; 3]; 2];
    // SAFETY: both point to what capget of version 3 reads and writes.
    let got = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    assert_eq!(got, 0, "capget");
    let word = &mut sets[(bit / 32) as usize];
    word[0] &= !(1 << (bit % 32));
    // SAFETY: both point to what capset of version 3 reads.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    assert_eq!(set, 0, "capset");
}

/// Sends bytes as they are from an interface.
pub(crate) fn send_raw(interface: &str, frame: &[u8]) {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).expect("needs CAP_NET_RAW");
    let mut address: libc::sockaddr_ll =
        // SAFETY: sockaddr_ll is plain data for which all zeros is a value.
        unsafe { std::mem::zeroed() };
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).expect("a small number");
    address.sll_ifindex = index(interface);
    let len = libc::socklen_t::try_from(size_of_val(&address)).expect("a small number");
    let to = (&raw const address).cast();
    // SAFETY: frame and address are readable for the lengths that are passed.
    let sent = unsafe { libc::sendto(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0, to, len) };
    assert_eq!(usize::try_from(sent), Ok(frame.len()), "send: {}", io::Error::last_os_error());
}

/// A frame of `len` bytes whose bytes behind the addresses start with `rest`.
pub(crate) fn frame(rest: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x7a, 0x63, 0x00, 0x00, 0x01];
    bytes.extend(rest);
    bytes.resize(len, 0);
    bytes
}
