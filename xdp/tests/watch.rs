//! A watch tells what became of a link's program and interface, to a thread that may do nothing else. Needs root, and fails
//! without.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};
use support::{attach_by_link, drop_capability, frame, options, strangers_program};
use zerocat_link::watch::{AttachmentState, Watch};
use zerocat_link::{Link, Slot};
use zerocat_testkit::netns::{OtherNetns, in_private_netns, ip};
use zerocat_xdp::{AttachedProgram, HeldBy, Mode, Reflector, XdpLink, XdpWatch};

const MODES: [Mode; 2] = [Mode::NativeCopy, Mode::Generic];

/// Does something on a thread that has no capability.
fn without_capabilities<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            (0..64).for_each(drop_capability);
            work()
        });
        done.join().unwrap()
    })
}

/// What a thread without a single capability is told.
fn told_to_nobody(watch: &XdpWatch) -> AttachmentState {
    without_capabilities(|| watch.state())
}

/// As `bpftool link detach id ID` does it.
fn detach(interface: &str) {
    let attached = AttachedProgram::of_interface(interface).unwrap().unwrap();
    let HeldBy::Link { id, .. } = attached.held_by else { panic!("{attached:?}") };
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

/// Whether a frame that is sent now comes back.
fn answers(link: &mut XdpLink) -> bool {
    link.slot_mut(Slot(0)).unwrap()[..60].copy_from_slice(&frame(&[0x88, 0xa4], 60));
    link.post(Slot(0), 60).unwrap();
    link.kick().unwrap();
    let deadline = Instant::now() + Duration::from_millis(200);
    while Instant::now() < deadline {
        if link.receive().unwrap().is_some() {
            return true;
        }
    }
    false
}

#[test]
fn a_program_that_was_detached_is_attached_again_without_any_capability_and_the_link_receives_as_before() {
    for mode in MODES {
        in_private_netns(|veth| {
            let mut link = XdpLink::open(&options(&veth.master, mode)).unwrap();
            let watch = link.take_watch().unwrap();
            let _reflector = Reflector::attach(&veth.peer, mode).unwrap();
            for _ in 0..3 {
                assert!(answers(&mut link), "{mode}: before");
                detach(&veth.master);
                assert!(!answers(&mut link), "{mode}: detached");
                for _ in 0..2 {
                    without_capabilities(|| watch.attach_again()).expect("attached, or so already");
                }
                assert_eq!(watch.state(), AttachmentState::Attached);
                let attached = AttachedProgram::of_interface(&veth.master).unwrap().unwrap();
                assert_eq!(attached.attached, mode.attachment());
            }
            assert!(answers(&mut link), "{mode}: after");
            drop(link);
            assert_eq!(AttachedProgram::of_interface(&veth.master).unwrap(), None);
            assert_eq!(watch.attach_again().unwrap_err().kind(), io::ErrorKind::NotConnected);
        });
    }
}

#[test]
fn a_program_of_somebody_else_is_not_replaced() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let watch = link.take_watch().unwrap();
        detach(&veth.master);
        let program = strangers_program(c"stranger");
        let _stranger = attach_by_link(&program, &veth.master);
        let error = watch.attach_again().unwrap_err().raw_os_error();
        assert!(matches!(error, Some(libc::EBUSY | libc::EEXIST)), "{error:?}");
        assert_eq!(watch.state(), AttachmentState::Detached);
    });
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
            assert_eq!(watch.attach_again().unwrap_err().raw_os_error(), Some(libc::ENODEV));
            other.give_back(&veth.master);
            assert_eq!(told_to_nobody(&watch), AttachmentState::InterfaceGone);
        });
    }
}
