//! What the realtime thread asks of the kernel in a cycle, seen from outside: one send, at most one sleep with
//! `hybrid`, none with `spin`, no page fault, no allocation, and nothing else over AF_XDP's rings.
//!
//! The code is that of `zerocat bench audit`. It needs root and the kernel's tracer, and fails without them.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use zerocat::config::{LinkKind, Rig, Wait};
use zerocat_benches::audit::{AuditReport, AuditSettings, DEMO_RIG, run, table};
use zerocat_testkit::netns::in_private_netns;

#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

fn audit(link: LinkKind, cycles: u64) -> AuditReport {
    let report = in_private_netns(|veth| {
        let mut rig = Rig::from_json(DEMO_RIG).unwrap();
        rig.network.properties.interface.clone_from(&veth.master);
        rig.network.properties.rate = 5_000.0;
        let waits = vec![Wait::Sleep, Wait::Hybrid, Wait::Spin];
        let settings = AuditSettings { rig, segment: Some(veth.peer.clone()), cycles, links: vec![link], waits };
        run(&settings, |_| (), || false).unwrap()
    });
    assert_eq!(report.violations().collect::<Vec<_>>(), [""; 0], "{}", table(&report));
    for row in &report.rows {
        assert!(row.cycles >= cycles, "{row:?}");
        assert_eq!(row.allocations, Some(0), "counted by this program");
        let sends = row.syscalls.get("sendto").copied().unwrap_or(0);
        assert!(sends > row.cycles / 10 * 9, "the tracer sees the thread: {row:?}");
    }
    report
}

// One test, so that there is one realtime thread at a time.
#[test]
fn a_cycle_is_one_send_and_at_most_one_sleep() {
    let xdp = audit(LinkKind::Xdp, 100_000);
    let [_, _, spin] = xdp.rows.as_slice() else { panic!("{:?}", xdp.rows) };
    assert!(!spin.syscalls.contains_key("clock_nanosleep"), "{spin:?}");
    assert!(xdp.rows.iter().all(|row| row.mode == Some("native_copy")), "what veth gives");
    audit(LinkKind::Packet, 10_000);
}
