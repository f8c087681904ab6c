//! What goes wrong between an interface and a link that is being opened or is open: queues that are taken, carriers
//! that go, frames that arrive elsewhere, rings that run full. Each is survived, or refused with what to do. Needs root,
//! and fails without.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{frame, options, send_raw};
use zerocat_link::{Link, LinkFault, Sizing, Slot};
use zerocat_testkit::cpus::pin;
use zerocat_testkit::netns::{Veth, cable_with_queues, in_private_netns, ip};
use zerocat_xdp::{AttachedProgram, Device, Mode, OnOccupied, Reflector, XdpError, XdpLink, XdpOptions};

const PATIENCE: Duration = Duration::from_secs(10);
const ETHERCAT: [u8; 2] = [0x88, 0xa4];

fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn program(interface: &str) -> Option<u32> {
    AttachedProgram::of_interface(interface).unwrap().map(|program| program.id)
}

fn has_carrier(interface: &str) -> bool {
    Device::find(interface).unwrap().has_carrier()
}

/// Opens a link while another one has the queue. `meanwhile` runs when the new program is attached and the socket waits
/// for the queue; then the queue comes free, and `behind` runs.
fn open_behind_another(
    veth: &Veth,
    change: impl FnOnce(&mut XdpOptions),
    meanwhile: impl FnOnce() + Send,
    behind: impl FnOnce() + Send,
) -> Result<XdpLink, XdpError> {
    let first = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
    let before = program(&veth.master);
    let mut second = options(&veth.master, Mode::NativeCopy);
    second.on_occupied = OnOccupied::Replace;
    change(&mut second);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            await_that("the second program is attached", || program(&veth.master).is_some_and(|id| Some(id) != before));
            meanwhile();
            drop(first);
            behind();
        });
        XdpLink::open(&second)
    })
}

fn answers(link: &mut XdpLink, veth: &Veth) {
    let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
    link.slot_mut(Slot(0)).unwrap()[..60].copy_from_slice(&frame(&ETHERCAT, 60));
    link.post(Slot(0), 60).unwrap();
    link.kick().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while link.receive().unwrap().is_none() {
        assert!(Instant::now() < deadline, "nothing comes back");
    }
}

#[test]
fn a_queue_that_comes_free_in_time_is_had() {
    in_private_netns(|veth| {
        let freed = AtomicBool::new(false);
        let meanwhile = || {
            std::thread::sleep(Duration::from_millis(300));
            freed.store(true, Ordering::SeqCst);
        };
        let mut link = open_behind_another(veth, |_| {}, meanwhile, || {}).unwrap();
        assert!(freed.load(Ordering::SeqCst), "opened while the queue was taken");
        answers(&mut link, veth);
    });
}

/// A NIC that resets when the program is attached, played by a peer that goes down and comes up again.
#[test]
fn a_carrier_that_goes_when_the_program_is_attached_is_waited_for() {
    in_private_netns(|veth| {
        let returned = AtomicBool::new(false);
        let take_away = || {
            ip("link set zc-peer down");
            await_that("the carrier goes", || !has_carrier("zc-master"));
        };
        let give_back = || {
            std::thread::sleep(Duration::from_millis(300));
            returned.store(true, Ordering::SeqCst);
            ip("link set zc-peer up");
        };
        let mut link = open_behind_another(veth, |_| {}, take_away, give_back).unwrap();
        assert!(returned.load(Ordering::SeqCst), "opened without a carrier");
        answers(&mut link, veth);
    });
}

#[test]
fn a_carrier_that_does_not_return_is_an_error_that_names_the_program_and_the_way_out() {
    in_private_netns(|veth| {
        let take_away = || {
            ip("link set zc-peer down");
            await_that("the carrier goes", || !has_carrier("zc-master"));
        };
        let impatient = |options: &mut XdpOptions| options.carrier_timeout = Duration::from_millis(200);
        let error = open_behind_another(veth, impatient, take_away, || {}).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the carrier of zc-master went away when the XDP program was attached, and didn't return within 0.2 s; look \
             at dmesg and at the cable, or use mode \"generic\", which leaves the NIC alone"
        );
        assert_eq!(program(&veth.master), None);
    });
}

#[test]
fn an_interface_without_a_carrier_is_waited_for_and_then_refused() {
    in_private_netns(|veth| {
        ip("link set zc-peer down");
        await_that("the carrier goes", || !has_carrier("zc-master"));
        let mut options = options(&veth.master, Mode::NativeCopy);
        options.carrier_timeout = Duration::from_millis(200);
        assert_eq!(
            XdpLink::open(&options).unwrap_err().to_string(),
            "interface zc-master has no carrier, and got none within 0.2 s; look at the cable, the plug and the power \
             of the first SubDevice"
        );
        assert_eq!(program(&veth.master), None);
        options.carrier_timeout = PATIENCE;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                await_that("the program is attached", || program("zc-master").is_some());
                ip("link set zc-peer up");
            });
            assert!(XdpLink::open(&options).is_ok());
        });
    });
}

#[test]
fn ethercat_frames_on_another_queue_are_counted_and_said_with_the_way_out() {
    in_private_netns(|_| {
        let _ = cable_with_queues("zc-two", "zc-far", 2);
        let mut link = XdpLink::open(&options("zc-two", Mode::NativeCopy)).unwrap();
        let misdirected = link.take_misdirected().unwrap();
        assert!(link.take_misdirected().is_none());
        let _reflector = Reflector::attach("zc-far", Mode::NativeCopy).unwrap();
        link.slot_mut(Slot(0)).unwrap()[..60].copy_from_slice(&frame(&ETHERCAT, 60));
        // veth returns what XDP_TX sends to the queue of the core that runs it (veth_select_rxq).
        for (core, elsewhere) in [(0, None), (1, Some(2))] {
            pin(&[core]);
            for _ in 0..2 {
                link.post(Slot(0), 60).unwrap();
                link.kick().unwrap();
            }
            let seen = || misdirected.seen().map(|elsewhere| elsewhere.by_queue);
            await_that("the frames are counted", || seen() == elsewhere.map(|count| vec![(1, count)]));
        }
        assert_eq!(
            misdirected.seen().unwrap().to_string(),
            "EtherCAT frames of zc-two arrived on other queues than 0, which is ours: 2 on queue 1; set one queue \
             (ethtool -L zc-two combined 1), or the rig file's engine.queue to where they arrive"
        );
    });
}

#[test]
fn a_queue_is_refused_where_the_driver_does_not_say_how_many_there_are() {
    in_private_netns(|_| {
        // The loopback answers no ETHTOOL_GCHANNELS.
        ip("link set lo mtu 1500");
        for mode in [zerocat_xdp::ModeRequest::Auto, zerocat_xdp::ModeRequest::Force(Mode::Generic)] {
            let options = XdpOptions { queue: 3, mode, ..options("lo", Mode::Generic) };
            assert_eq!(
                XdpLink::open(&options).unwrap_err().to_string(),
                "interface lo refuses queue 3 and doesn't say how many it has; use queue 0"
            );
            assert_eq!(program("lo"), None);
        }
    });
}

#[test]
fn a_receive_ring_that_runs_full_drops_counts_and_goes_on() {
    in_private_netns(|veth| {
        let sizing = Sizing { slots: 1, receive: 8 };
        let mut link = XdpLink::open(&XdpOptions { sizing, ..options(&veth.master, Mode::NativeCopy) }).unwrap();
        for _ in 0..100 {
            send_raw(&veth.peer, &frame(&ETHERCAT, 60));
        }
        let statistics = || link.statistics().unwrap();
        await_that("all have arrived", || statistics().rx_dropped + statistics().rx_ring_full >= 91);
        let mut kept = 0;
        while link.receive().unwrap().is_some() {
            kept += 1;
        }
        assert_eq!((kept, link.counters().dropped), (9, 91), "one more than may wait: the one that is lent");
        answers(&mut link, veth);
    });
}

#[test]
fn a_transmit_ring_that_nobody_empties_refuses_its_slots_by_name_and_recovers() {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        for slot in 0..link.slots() {
            link.post(Slot(slot), 60).unwrap();
        }
        // Nothing was kicked, so nothing is on its way.
        for slot in 0..link.slots() {
            assert_eq!(link.post(Slot(slot), 60), Err(LinkFault::Busy(Slot(slot))));
        }
        link.kick().unwrap();
        answers(&mut link, veth);
    });
}
