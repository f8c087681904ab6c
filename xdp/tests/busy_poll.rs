//! Busy polling on veth: it is turned on only where there is something to poll, and leaves the NAPI knobs as they were.
//! Needs root, and fails without.

mod support;

use std::path::Path;
use std::time::Duration;
use support::options;
use zerocat_testkit::mounts::own_sysfs;
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{
    BusyPoll, BusyPolling, HeldMitigation, IrqMitigation, Mode, NapiKnob, NapiKnobs, Reflector, XdpLink, XdpOptions,
};

const HOW: BusyPoll = BusyPoll {
    budget: 64,
    mitigation: IrqMitigation { defer_hard_irqs: 2, gro_flush_timeout: Duration::from_millis(2) },
};

fn index(interface: &str) -> u32 {
    nix::net::if_::if_nametoindex(interface).expect("the interface is there")
}

/// The interface's knobs as they are.
fn knobs(interface: &str) -> IrqMitigation {
    let knobs = NapiKnobs::find(Path::new("/"), interface, index(interface)).expect("sysfs shows it");
    let read = |knob| knobs.read(knob).expect("a number");
    IrqMitigation {
        defer_hard_irqs: read(NapiKnob::DeferHardIrqs).try_into().expect("a small number"),
        gro_flush_timeout: Duration::from_nanos(read(NapiKnob::GroFlushTimeout)),
    }
}

fn polling(interface: &str) -> XdpOptions {
    XdpOptions { busy_poll: Some(HOW), ..options(interface, Mode::NativeCopy) }
}

#[test]
fn it_is_on_only_where_the_kernel_names_a_napi_instance_and_the_knobs_are_given_back() {
    in_private_netns(|veth| {
        own_sysfs();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        let before = knobs(&veth.master);
        assert_ne!(before, HOW.mitigation);
        let link = XdpLink::open(&polling(&veth.master)).unwrap();
        match &link.report().busy_poll {
            // Kernels before 6.14 name veth's own instance.
            BusyPolling::On { how, knobs_changed, .. } => {
                assert_eq!((*how, *knobs_changed), (HOW, true));
                assert_eq!(knobs(&veth.master), HOW.mitigation);
            }
            BusyPolling::Refused(why) => {
                assert!(why.starts_with("SO_INCOMING_NAPI_ID is 0: "), "{why}");
                assert_eq!(knobs(&veth.master), before);
            }
            BusyPolling::NotAsked => panic!("it was asked for"),
        }
        drop(link);
        assert_eq!(knobs(&veth.master), before);
    });
}

#[test]
fn the_real_knobs_of_an_interface_are_set_and_given_back() {
    in_private_netns(|veth| {
        own_sysfs();
        let before = knobs(&veth.master);
        let held = HeldMitigation::set(Path::new("/"), &veth.master, index(&veth.master), HOW.mitigation).unwrap();
        assert_eq!((knobs(&veth.master), held.changed()), (HOW.mitigation, true));
        drop(held);
        assert_eq!(knobs(&veth.master), before);
    });
}

#[test]
fn it_is_not_asked_for_by_default() {
    in_private_netns(|veth| {
        let link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        assert_eq!(link.report().busy_poll, BusyPolling::NotAsked);
    });
}
