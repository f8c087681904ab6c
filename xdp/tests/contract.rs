//! The claims of every link, kept by AF_XDP over a veth pair in each mode that veth has. They need root, and fail
//! without.

mod support;

use support::options;
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, Sizing};
use zerocat_testkit::contract::check_all;
use zerocat_testkit::netns::in_private_netns;
use zerocat_testkit::reflect::Mirror;
use zerocat_xdp::{ChunkSize, Mode, Reflector, Wakeup, XdpLink, XdpOptions, XdpStatistics};

/// Checks a link whose peer reflects in the kernel.
fn check_with_reflector(mode: Mode, change: impl FnOnce(&mut XdpOptions) + Send) {
    in_private_netns(|veth| {
        let mut options = options(&veth.master, mode);
        change(&mut options);
        let mut link = XdpLink::open(&options).expect("the link opens");
        let _reflector = Reflector::attach(&veth.peer, mode).expect("the reflector attaches");
        check_all(&mut link, || {});
        assert_eq!(link.report().mode_got, mode);
        assert_descriptors_were_valid(&link);
    });
}

/// Checks a link whose peer is an AF_PACKET socket that returns bytes as they came.
fn check_with_mirror(mode: Mode) {
    in_private_netns(|veth| {
        let mut link = XdpLink::open(&options(&veth.master, mode)).expect("the link opens");
        let peer = PacketLink::open(&veth.peer, Sizing { slots: 256, receive: 256 }).expect("the peer opens");
        check_all(&mut link, Mirror::new(peer));
        assert_descriptors_were_valid(&link);
    });
}

fn assert_descriptors_were_valid(link: &XdpLink) {
    let statistics = link.statistics().expect("the kernel tells");
    let XdpStatistics { rx_invalid_descriptors, tx_invalid_descriptors, .. } = statistics;
    assert_eq!((rx_invalid_descriptors, tx_invalid_descriptors), (0, 0), "{statistics:?}");
    assert!(link.counters().kicks > 0);
}

#[test]
fn native_copy_keeps_the_contract_with_a_reflector() {
    check_with_reflector(Mode::NativeCopy, |_| {});
}

#[test]
fn native_copy_keeps_the_contract_with_an_af_packet_peer() {
    check_with_mirror(Mode::NativeCopy);
}

#[test]
fn generic_keeps_the_contract_with_a_reflector() {
    check_with_reflector(Mode::Generic, |_| {});
}

#[test]
fn generic_keeps_the_contract_with_an_af_packet_peer() {
    check_with_mirror(Mode::Generic);
}

#[test]
fn one_slot_and_one_buffer_keep_the_contract() {
    check_with_reflector(Mode::NativeCopy, |options| options.sizing = Sizing { slots: 1, receive: 1 });
}

#[test]
fn numbers_that_are_no_powers_of_two_keep_the_contract_in_small_chunks() {
    check_with_reflector(Mode::NativeCopy, |options| {
        options.sizing = Sizing { slots: 33, receive: 65 };
        options.chunk_size = ChunkSize::Bytes2048;
    });
}

#[test]
fn a_kernel_that_is_always_woken_keeps_the_contract() {
    check_with_reflector(Mode::NativeCopy, |options| options.wakeup = Wakeup::Always);
}

#[test]
fn all_of_more_slots_than_the_kernel_sends_in_one_call_go_out_with_one_kick() {
    in_private_netns(|veth| {
        let mut options = options(&veth.master, Mode::NativeCopy);
        options.sizing = Sizing { slots: 200, receive: 256 };
        let mut link = XdpLink::open(&options).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        check_all(&mut link, || {});
    });
}
