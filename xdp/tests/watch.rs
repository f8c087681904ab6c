//! A watch tells what became of a link's program and interface, to a thread that may do nothing else. Needs root, and fails
//! without.

mod support;

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use support::{drop_capability, options};
use zerocat_link::watch::{AttachmentState, Watch};
use zerocat_testkit::netns::{OtherNetns, in_private_netns, ip};
use zerocat_xdp::{AttachedProgram, HeldBy, Mode, XdpLink, XdpWatch};

const MODES: [Mode; 2] = [Mode::NativeCopy, Mode::Generic];

/// What a thread without a single capability is told.
fn told_to_nobody(watch: &XdpWatch) -> AttachmentState {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            (0..64).for_each(drop_capability);
            watch.state()
        });
        asked.join().unwrap()
    })
}

/// As `bpftool link detach id ID` does it.
fn detach(interface: &str) {
    let resident = AttachedProgram::of_interface(interface).unwrap().unwrap();
    let HeldBy::Link { id, .. } = resident.held_by else { panic!("{resident:?}") };
    // SAFETY: the call takes a number and returns a descriptor or a negative errno.
    let fd = unsafe { libbpf_sys::bpf_link_get_fd_by_id(id) };
    assert!(fd >= 0, "needs CAP_SYS_ADMIN: {}", io::Error::from_raw_os_error(-fd));
    // SAFETY: the descriptor is new and nobody else's.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: the descriptor is open.
    let result = unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) };
    assert_eq!(result, 0, "detach");
}

#[test]
fn a_program_that_somebody_detaches_is_missed_without_any_capability() {
    for mode in MODES {
        in_private_netns(|veth| {
            let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
            let watch = link.take_watch().unwrap();
            assert!(link.take_watch().is_none());
            assert_eq!(told_to_nobody(&watch), AttachmentState::Attached);
            detach(&veth.master);
            assert_eq!(told_to_nobody(&watch), AttachmentState::Detached);
            drop(link);
            assert_eq!(told_to_nobody(&watch), AttachmentState::Detached);
            let _link = XdpLink::open(&options(&veth.master, mode)).expect("the watch of before holds nothing");
        });
    }
}

#[test]
fn an_interface_that_is_gone_is_told_from_one_that_is_down() {
    for mode in MODES {
        in_private_netns(|veth| {
            let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
            let watch = link.take_watch().unwrap();
            for step in ["down", "up"] {
                ip(&format!("link set {} {step}", veth.master));
                assert_eq!(told_to_nobody(&watch), AttachmentState::Attached, "{step}");
            }
            ip(&format!("link del {}", veth.master));
            assert_eq!(told_to_nobody(&watch), AttachmentState::InterfaceGone);
        });
    }
}

#[test]
fn an_interface_that_was_moved_to_another_namespace_is_gone_also_when_it_is_back() {
    for mode in MODES {
        in_private_netns(|veth| {
            let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
            let watch = link.take_watch().unwrap();
            let other = OtherNetns::new();
            other.take(&veth.master);
            assert_eq!(told_to_nobody(&watch), AttachmentState::InterfaceGone);
            other.give_back(&veth.master);
            assert_eq!(told_to_nobody(&watch), AttachmentState::InterfaceGone);
        });
    }
}
