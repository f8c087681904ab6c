//! A UMEM of huge pages. A process of its own, because their number is the machine's. Needs root, and fails without.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::{Duration, Instant};
use support::{frame, options};
use zerocat_link::{Link, Slot};
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Mode, Pages, Reflector, XdpError, XdpLink, XdpOptions};

const RESERVED: &str = "/proc/sys/vm/nr_hugepages";

fn meminfo(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(key)).and_then(|rest| rest.split_whitespace().next());
    value.unwrap_or_else(|| panic!("no {key} in /proc/meminfo")).parse().unwrap()
}

/// The number of huge pages as it was; set again when dropped.
struct Reserved(String);

impl Reserved {
    fn change() -> Self {
        Self(std::fs::read_to_string(RESERVED).unwrap())
    }

    fn set(pages: u64) {
        std::fs::write(RESERVED, pages.to_string()).expect("needs root: reserve huge pages");
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        std::fs::write(RESERVED, self.0.trim()).unwrap();
    }
}

fn free() -> u64 {
    meminfo("HugePages_Free:").saturating_sub(meminfo("HugePages_Rsvd:"))
}

#[test]
fn frames_pass_through_huge_pages_and_without_them_the_error_says_how_many_to_reserve() {
    let _reserved = Reserved::change();
    in_private_netns(|veth| {
        let options = XdpOptions { pages: Pages::Huge, ..options(&veth.master, Mode::NativeCopy) };
        Reserved::set(0);
        assert_eq!(free(), 0, "others use huge pages on this machine");
        let error = XdpLink::open(&options).unwrap_err();
        assert!(matches!(error, XdpError::HugePages { pages: 1, .. }), "{error:?}");
        let expected = "the UMEM needs 1 huge pages of 2 MiB, and they are not free; reserve them: \
                        sysctl vm.nr_hugepages=1 (added to those in use)";
        assert_eq!(error.to_string(), expected);

        Reserved::set(4);
        let before = free();
        assert!(before >= 1, "the kernel found no 2 MiB in one piece");
        let mut link = XdpLink::open(&options).unwrap();
        assert_eq!((free(), link.report().pages), (before - 1, Pages::Huge));
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        let sent = frame(&[0x88, 0xa4], 200);
        for _ in 0..1000 {
            link.slot_mut(Slot(0)).unwrap()[..200].copy_from_slice(&sent);
            link.post(Slot(0), 200).unwrap();
            link.kick().unwrap();
            let deadline = Instant::now() + Duration::from_secs(2);
            let got = loop {
                if let Some(got) = link.receive().unwrap() {
                    break got.to_vec();
                }
                assert!(Instant::now() < deadline, "the frame did not return");
            };
            assert_eq!(got[14..], sent[14..]);
        }
        drop(link);
        // The kernel unpins them a little after the socket is closed.
        let deadline = Instant::now() + Duration::from_secs(5);
        while free() != before {
            assert!(Instant::now() < deadline, "the pages did not come back");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}
