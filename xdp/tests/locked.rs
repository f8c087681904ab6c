//! The UMEM in a process that has locked its memory. A process of its own, because the lock is the process's. Needs
//! root, and fails without.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{UsageWho, getrusage};
use support::{frame, options};
use zerocat_link::{Link, MAX_FRAME, Slot};
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Mode, Reflector, XdpLink};

fn faults() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.minor_page_faults() + usage.major_page_faults()
}

/// Size, resident and locked KiB of the mapping that holds an address.
fn mapping(address: usize) -> [u64; 3] {
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let holds = |line: &str| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let range = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
        Some(range.contains(&address))
    };
    let found: Vec<&str> = text.lines().skip_while(|line| holds(line) != Some(true)).take(30).collect();
    ["Size:", "Rss:", "Locked:"].map(|key| {
        let value = found.iter().find_map(|line| line.strip_prefix(key)).expect(key);
        value.trim().trim_end_matches(" kB").parse().expect(key)
    })
}

#[test]
fn the_umem_is_locked_and_resident_and_no_access_faults() {
    in_private_netns(|veth| {
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).expect("needs CAP_IPC_LOCK");
        let mut link = XdpLink::open(&options(&veth.master, Mode::NativeCopy)).unwrap();
        let _reflector = Reflector::attach(&veth.peer, Mode::NativeCopy).unwrap();
        let [size, resident, locked] = mapping(link.slot(Slot(0)).unwrap().as_ptr().addr());
        assert!(size >= 105 * 4, "{size} KiB are no UMEM");
        assert_eq!((resident, locked), (size, size));

        let sent = frame(&[0x88, 0xa4], MAX_FRAME);
        let before = faults();
        // Every slot, and by the number of rounds every receive buffer.
        for slot in (0..link.slots()).cycle().take(400) {
            link.slot_mut(Slot(slot)).unwrap().copy_from_slice(&sent);
            link.post(Slot(slot), MAX_FRAME).unwrap();
            link.kick().unwrap();
            while link.receive().unwrap().is_none() {}
        }
        assert_eq!(faults() - before, 0);
    });
}
