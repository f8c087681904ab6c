//! Programs that an interface has already: named, and replaced where that is asked for. Needs root, and fails without.

mod support;

use support::{attach_by_link, attach_by_netlink, options, strangers_program};
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Attached, AttachedProgram, HeldBy, Mode, OnOccupied, Reflector, XdpError, XdpLink};

/// `XDP_FLAGS_SKB_MODE` and `XDP_FLAGS_DRV_MODE` of `include/uapi/linux/if_link.h`.
const GENERIC: u32 = 1 << 1;
const NATIVE: u32 = 1 << 2;

fn replaces(interface: &str) {
    let mut options = options(interface, Mode::NativeCopy);
    options.on_occupied = OnOccupied::Replace;
    let link = XdpLink::open(&options).expect("the program is replaced");
    assert_eq!(link.report().mode_got, Mode::NativeCopy);
    drop(link);
    assert_eq!(AttachedProgram::of_interface(interface).expect("the interface answers"), None);
}

fn refusal(interface: &str) -> (AttachedProgram, String) {
    let error = XdpLink::open(&options(interface, Mode::NativeCopy)).expect_err("the interface is occupied");
    let message = error.to_string();
    let XdpError::Occupied { program } = error else { panic!("{error:?}") };
    (*program, message)
}

#[test]
fn an_empty_interface_has_no_program() {
    in_private_netns(|veth| assert_eq!(AttachedProgram::of_interface(&veth.master).unwrap(), None));
}

#[test]
fn a_program_attached_by_netlink_is_named_and_replaced_by_force() {
    for (flags, attached, off) in [(NATIVE, Attached::Native, "xdpdrv"), (GENERIC, Attached::Generic, "xdpgeneric")] {
        in_private_netns(|veth| {
            let program = strangers_program(c"stranger");
            attach_by_netlink(&program, &veth.master, flags);
            drop(program);
            let (program, message) = refusal(&veth.master);
            assert_eq!((program.name.as_deref(), program.attached), (Some("stranger"), attached));
            assert_eq!(program.held_by, HeldBy::Netlink);
            let expected = format!(
                "interface zc-master has an XDP program: program stranger (id {}), {attached}, attached by netlink; \
                 replace it (--replace-program), or remove it: ip link set dev zc-master {off} off",
                program.id
            );
            assert_eq!(message, expected);
            replaces(&veth.master);
        });
    }
}

#[test]
fn a_program_attached_by_a_link_is_named_with_its_process_and_replaced_by_force() {
    in_private_netns(|veth| {
        let program = strangers_program(c"linked");
        let _link = attach_by_link(&program, &veth.master);
        let (program, message) = refusal(&veth.master);
        assert_eq!(program.name.as_deref(), Some("linked"));
        let HeldBy::Link { id, processes } = program.held_by else { panic!("{program:?}") };
        assert_eq!(processes.len(), 1, "{processes:?}");
        assert!(processes[0].ends_with(&format!("(pid {})", std::process::id())), "{processes:?}");
        assert!(message.contains(&format!("bpftool link detach id {id}")), "{message}");
        replaces(&veth.master);
    });
}

#[test]
fn a_reflector_does_not_take_an_occupied_interface() {
    in_private_netns(|veth| {
        let program = strangers_program(c"stranger");
        attach_by_netlink(&program, &veth.peer, NATIVE);
        let error = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap_err();
        assert!(matches!(error, XdpError::Occupied { .. }), "{error:?}");
    });
}
