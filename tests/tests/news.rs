//! What cyclic frames tell beside their data: events of links, and whose mail waits. In the very next cycle, and without a
//! datagram more.
//!
//! The production code brings the simulated segment up; nobody supervises it, so nobody takes notice of what is told.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;
use zerocat_sim::{Action, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::register::{DL_STATUS_EVENT, MAIL_EVENT};

fn network() -> VirtualNetwork {
    let kinds = [ProfileKind::Coupler, ProfileKind::Servo, ProfileKind::Servo, ProfileKind::DigitalOut];
    let segment = Segment::new(&SegmentConfig::line(kinds.map(SubDeviceConfig::new).to_vec())).unwrap();
    VirtualNetwork::bring_up(segment, Duration::from_millis(1)).unwrap()
}

/// What a cycle after an action told: how much news there was before it and since, and the events.
fn after(network: &mut VirtualNetwork, action: Action) -> (u64, u16) {
    let before = network.counters().read().news;
    let now = Duration::from_nanos(network.now().0);
    network.engine_mut().link_mut().segment_mut().act(action, now).unwrap();
    network.cycle();
    let counters = network.counters().read();
    (counters.news - before, u16::try_from(counters.events).unwrap())
}

#[test]
fn a_cable_that_is_pulled_is_an_event_of_the_next_cycle() {
    let mut network = network();
    assert_eq!(network.counters().read().events, 0);
    let (news, events) = after(&mut network, Action::PullCable { child: 3 });
    assert_eq!((news, events), (1, DL_STATUS_EVENT));
    let (news, events) = after(&mut network, Action::PlugCable { child: 3 });
    assert_eq!((news, events), (0, DL_STATUS_EVENT), "it stays until the DL status is read");
}

#[test]
fn whose_mail_waits_is_told_in_the_next_cycle_until_it_is_read() {
    let mut network = network();
    let mail = network.planned().mail.clone();
    assert_eq!([0, 1, 2, 3].map(|position| mail.is_told(position)), [false, true, true, false]);
    assert_eq!(mail.waiting().count(), 0);
    let emergency = Action::Emergency { subdevice: 2, code: 0x4210, register: 1, data: [0; 5] };
    assert_eq!(after(&mut network, emergency), (1, MAIL_EVENT));
    assert_eq!(mail.waiting().collect::<Vec<_>>(), [2]);
    network.upload(2, 0x1018, 1).unwrap();
    network.cycle();
    assert_eq!(mail.waiting().count(), 0);
    assert_eq!(network.counters().read().events, 0);
}
