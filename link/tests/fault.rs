//! A fault injector without faults keeps the contract of links.

use zerocat_link::fault::{FaultInjector, FaultPlan, SPARE};
use zerocat_link::pair::pair;
use zerocat_link::{Link, Sizing};
use zerocat_testkit::contract;
use zerocat_testkit::reflect::Mirror;

#[test]
fn an_injector_without_faults_keeps_the_contract() {
    let (link, peer) = pair(Sizing { slots: 8 + SPARE, receive: 16 });
    let mut link = FaultInjector::new(link, FaultPlan::default(), FaultPlan::default(), 1);
    assert_eq!(link.slots(), 8);
    contract::check_all(&mut link, Mirror::new(peer));
    let (sending, receiving) = link.faults();
    // One claim withdraws a frame of each slot, which is not sent then.
    let sent = link.counters().sent + u64::from(link.slots());
    assert_eq!((sending.seen, receiving.seen), (sent, link.counters().received));
}
