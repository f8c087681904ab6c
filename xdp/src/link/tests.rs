//! What only the inside of a link shows: polling, and the probe. They need root, and fail without.

use super::*;
use crate::{Mode, ModeRequest, Reflector};
use zerocat_link::Sizing;
use zerocat_testkit::contract::check_all;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn a_link_can_move_to_the_realtime_thread() {
    fn is_send<T: Send>() {}
    is_send::<XdpLink>();
}

/// Veth has no NAPI instance to poll, so polling is switched on behind the kernel's back: its system calls are the
/// same, and find nothing to do.
#[test]
fn a_link_that_polls_keeps_the_contract_with_one_system_call_for_each_look_into_an_empty_ring() {
    in_private_netns(|veth| {
        let sizing = Sizing { slots: 40, receive: 64 };
        let options =
            XdpOptions { mode: ModeRequest::Force(Mode::NativeCopy), ..XdpOptions::new(&veth.master, sizing) };
        let mut link = XdpLink::open(&options).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        link.opened.socket.polls = true;
        check_all(&mut link, || {});
        while link.receive().unwrap().is_some() {}
        let before = link.counters();
        for _ in 0..5 {
            assert_eq!(link.receive(), Ok(None));
        }
        let after = link.counters();
        assert_eq!((after.polls - before.polls, after.kicks), (5, before.kicks));
        link.post(Slot(0), 60).unwrap();
        link.kick().unwrap();
        assert_eq!(link.counters().kicks - after.kicks, 1);
    });
}

#[test]
fn the_probe_gives_its_slot_back_whether_it_returns_or_not() {
    in_private_netns(|veth| {
        let sizing = Sizing { slots: 1, receive: 1 };
        let mut link = XdpLink::open(&XdpOptions::new(&veth.master, sizing)).unwrap();
        for answered in [false, true] {
            let _reflector = answered.then(|| Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap());
            link.probe();
            assert!(link.slot_mut(Slot(0)).unwrap().iter().all(|byte| *byte == 0), "answered: {answered}");
            assert_eq!(link.counters(), LinkCounters::default());
        }
    });
}
