//! What opening says: the mode that was got, and why something can't be had. Needs root, and fails without.

mod support;

use std::time::Duration;
use support::{SIZING, drop_capability, options};
use zerocat_link::Sizing;
use zerocat_testkit::netns::{in_private_netns, ip};
use zerocat_xdp::{
    Attached, AttachedProgram, ChunkSize, Mode, ModeRequest, OnOccupied, Step, XdpError, XdpLink, XdpOptions,
};

fn refused(options: &XdpOptions) -> XdpError {
    let error = XdpLink::open(options).expect_err("this is refused");
    if let Ok(program) = AttachedProgram::of_interface(&options.interface) {
        assert_eq!(program, None, "a failed open left a program behind");
    }
    error
}

#[test]
fn auto_gets_native_copy_on_veth_and_says_so() {
    in_private_netns(|veth| {
        let link = XdpLink::open(&XdpOptions::new(&veth.master, SIZING)).unwrap();
        let report = link.report();
        assert_eq!((report.mode_asked, report.mode_got), (ModeRequest::Auto, Mode::NativeCopy));
        assert_eq!((report.attached, report.zerocopy), (Attached::Native, false));
        assert_eq!((report.driver.as_deref(), report.queue, report.queues), (Some("veth"), 0, Some(1)));
        assert_eq!((report.chunks, report.chunk_size), (105, 4096));
        assert_eq!(report.refused, ["zero-copy: bind the socket: Operation not supported (os error 95)"]);
        let program = AttachedProgram::of_interface(&veth.master).unwrap().unwrap();
        assert_eq!((program.name.as_deref(), program.attached), (Some("zerocat_xdp"), Attached::Native));
    });
}

#[test]
fn auto_falls_to_generic_where_there_is_no_native_xdp() {
    in_private_netns(|_| {
        // The loopback has no native XDP.
        ip("link set lo mtu 1500");
        let link = XdpLink::open(&XdpOptions::new("lo", SIZING)).unwrap();
        let report = link.report();
        assert_eq!((report.mode_got, report.attached), (Mode::Generic, Attached::Generic));
        assert_eq!(report.refused.len(), 2, "{:?}", report.refused);
        assert!(report.refused[1].starts_with("native copy: attach the program: "), "{:?}", report.refused);
    });
}

#[test]
fn a_forced_generic_program_runs_in_the_network_stack() {
    in_private_netns(|veth| {
        let link = XdpLink::open(&options(&veth.master, Mode::Generic)).unwrap();
        assert_eq!((link.report().mode_got, link.report().attached), (Mode::Generic, Attached::Generic));
        assert!(link.report().refused.is_empty());
    });
}

#[test]
fn forced_zero_copy_on_veth_is_refused_and_names_the_modes_that_work() {
    in_private_netns(|veth| {
        let error = refused(&options(&veth.master, Mode::ZeroCopy));
        let XdpError::ModeRefused { refusal, works, .. } = &error else { panic!("{error:?}") };
        assert_eq!((refusal.mode, refusal.step), (Mode::ZeroCopy, Step::Bind));
        assert_eq!(works, &[Mode::NativeCopy, Mode::Generic]);
        let message = error.to_string();
        assert!(message.contains("zero-copy on zc-master is not available"), "{message}");
        assert!(message.ends_with("these modes work: native copy, generic"), "{message}");
    });
}

#[test]
fn forced_native_copy_is_refused_where_the_driver_has_no_xdp() {
    in_private_netns(|_| {
        // The loopback has no native XDP.
        ip("link set lo mtu 1500");
        let error = refused(&options("lo", Mode::NativeCopy));
        let XdpError::ModeRefused { refusal, works, .. } = &error else { panic!("{error:?}") };
        assert_eq!((refusal.mode, refusal.step), (Mode::NativeCopy, Step::Attach));
        assert_eq!(works, &[Mode::Generic]);
    });
}

#[test]
fn an_interface_that_is_not_there_is_named_with_those_that_are() {
    in_private_netns(|_| {
        let message = refused(&options("enp3s0", Mode::Generic)).to_string();
        assert_eq!(message, "no interface enp3s0 here; there are: lo, zc-peer, zc-master");
    });
}

#[test]
fn a_queue_out_of_range_is_refused_with_their_number() {
    in_private_netns(|veth| {
        let mut options = options(&veth.master, Mode::NativeCopy);
        options.queue = 1;
        let message = refused(&options).to_string();
        assert_eq!(message, "interface zc-master has 1 receive queues, counted from 0; there is no queue 1");
    });
}

#[test]
fn an_interface_that_is_down_is_refused_with_the_command_that_helps() {
    in_private_netns(|veth| {
        ip("link set zc-master down");
        let message = refused(&options(&veth.master, Mode::NativeCopy)).to_string();
        assert_eq!(message, "interface zc-master is down; set it up: ip link set dev zc-master up");
    });
}

#[test]
fn an_mtu_that_is_too_small_or_too_large_for_a_chunk_is_refused() {
    in_private_netns(|veth| {
        let small = XdpOptions { chunk_size: ChunkSize::Bytes2048, ..options(&veth.master, Mode::Generic) };
        for (mtu, options) in [("1499", options(&veth.master, Mode::Generic)), ("1775", small.clone())] {
            ip(&format!("link set zc-master mtu {mtu}"));
            let message = refused(&options).to_string();
            assert!(message.contains(&format!("MTU of {mtu}, and 1500 to ")), "{message}");
        }
        // Jumbo frames are no EtherCAT frames.
        ip("link set zc-master mtu 9000");
        let message = refused(&options(&veth.master, Mode::Generic)).to_string();
        assert!(
            message.ends_with("has an MTU of 9000, and 1500 to 3822 work; set it: ip link set dev zc-master mtu 1500")
        );
        ip("link set zc-master mtu 1774");
        assert!(XdpLink::open(&small).is_ok());
    });
}

#[test]
fn a_sizing_without_slots_or_buffers_is_refused() {
    in_private_netns(|veth| {
        for (slots, receive) in [(0, 1), (1, 0), (16_385, 1)] {
            let sizing = Sizing { slots, receive };
            let error = refused(&XdpOptions { sizing, ..options(&veth.master, Mode::Generic) });
            assert!(matches!(error, XdpError::Sizing { .. }), "{error}");
        }
    });
}

#[test]
fn a_missing_capability_is_named() {
    for (bit, name) in [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW")] {
        in_private_netns(|veth| {
            drop_capability(bit);
            let message = XdpLink::open(&options(&veth.master, Mode::Generic)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("not permitted: this thread lacks {name} (to ")), "{message}");
        });
    }
    in_private_netns(|veth| {
        // CAP_SYS_ADMIN stands in for CAP_BPF.
        for bit in [21, 39] {
            drop_capability(bit);
        }
        let message = XdpLink::open(&options(&veth.master, Mode::Generic)).unwrap_err().to_string();
        assert!(message.contains("lacks CAP_BPF (to load an XDP program);"), "{message}");
    });
}

#[test]
fn a_second_link_on_the_queue_is_refused_and_the_first_one_named() {
    in_private_netns(|veth| {
        let _first = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let error = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("has an XDP program: program zerocat_xdp (id "), "{message}");
        assert!(message.contains(&format!("(pid {})", std::process::id())), "{message}");
    });
}

#[test]
fn a_queue_that_stays_taken_is_refused_though_the_program_was_replaced() {
    in_private_netns(|veth| {
        let _first = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let second = XdpOptions {
            on_occupied: OnOccupied::Replace,
            queue_timeout: Duration::from_millis(300),
            ..options(&veth.master, Mode::NativeCopy)
        };
        let error = refused(&second);
        assert!(matches!(error, XdpError::QueueBusy { queue: 0, .. }), "{error:?}");
        assert!(error.to_string().starts_with("queue 0 of zc-master is held by another AF_XDP socket"), "{error}");
    });
}
