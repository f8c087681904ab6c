//! Each option of a rig file for its AF_XDP link is in effect, or is reported as missing. These tests need root, and
//! fail without it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;
use zerocat::config::{BusyPoll, BusyPollSettings, EngineSection, Wakeup};
use zerocat::{LinkRequest, OpenLink, open_link};
use zerocat_link::{Link, Slot};
use zerocat_testkit::netns::{Veth, cable_with_queues, in_private_netns};
use zerocat_xdp::{Mode, Reflector};

fn open(veth: &Veth, section: &EngineSection) -> OpenLink {
    let cycle = Duration::from_millis(1);
    open_link(&LinkRequest { interface: &veth.master, section, slots: 8, replace_program: false, cycle }).unwrap()
}

/// Sends a frame and waits for it; how many system calls that took to send.
fn round_trip(link: &mut dyn Link) -> u64 {
    let before = link.counters().kicks;
    link.slot_mut(Slot(0)).unwrap()[12..14].copy_from_slice(&[0x88, 0xa4]);
    link.post(Slot(0), 60).unwrap();
    link.kick().unwrap();
    let looks = (0..1_000_000).take_while(|_| link.receive().unwrap().is_none()).count();
    assert!(looks < 1_000_000, "the frame did not return");
    link.counters().kicks - before
}

#[test]
fn a_link_that_is_always_woken_makes_one_system_call_for_each_kick() {
    in_private_netns(|veth| {
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        let mut opened = open(veth, &EngineSection { wakeup: Wakeup::Always, ..EngineSection::default() });
        assert_eq!(opened.report.wakeup, Some("always"));
        assert_eq!([round_trip(&mut *opened.link), round_trip(&mut *opened.link)], [1, 1]);
        drop(opened);
        assert_eq!(open(veth, &EngineSection::default()).report.wakeup, Some("when_needed"));
    });
}

#[test]
fn the_queue_of_the_rig_file_is_the_one_that_is_bound() {
    in_private_netns(|_| {
        let veth = cable_with_queues("zc-two", "zc-far", 2);
        let opened = open(&veth, &EngineSection { queue: 1, ..EngineSection::default() });
        assert_eq!(opened.report.queue, Some(1));
        drop(opened);
        let section = EngineSection { queue: 2, ..EngineSection::default() };
        let cycle = Duration::from_millis(1);
        let request =
            LinkRequest { interface: &veth.master, section: &section, slots: 8, replace_program: false, cycle };
        let message = zerocat::chain(&open_link(&request).unwrap_err());
        assert!(message.ends_with("has 2 receive queues, counted from 0; there is no queue 2"), "{message}");
    });
}

/// Kernels before 6.14 name a NAPI instance for veth, later ones don't; where it is on, it must be on in full.
#[test]
fn busy_polling_that_cannot_be_had_is_missing_where_it_was_a_wish_and_in_the_report_always() {
    in_private_netns(|veth| {
        for (asked, name) in [(BusyPoll::Auto, "auto"), (BusyPoll::On(BusyPollSettings::default()), "on")] {
            let opened = open(veth, &EngineSection { busy_poll: asked, ..EngineSection::default() });
            let report = opened.report.busy_poll.unwrap();
            assert_eq!(report.asked, name);
            let missing = opened.missing.iter().filter(|missing| missing.starts_with("busy polling on zc-master: "));
            if report.on {
                assert_eq!((report.gro_flush_timeout_ns, missing.count()), (Some(2_000_000), 0));
            } else {
                assert!(report.why_not.is_some() && report.napi_id.is_none(), "{report:?}");
                assert_eq!(missing.count(), usize::from(name == "on"), "{:?}", opened.missing);
            }
        }
        let off = open(veth, &EngineSection::default()).report.busy_poll.unwrap();
        assert_eq!((off.asked, off.on, off.why_not), ("off", false, None));
    });
}
